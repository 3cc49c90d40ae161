// The rows of axis_rows.h and their truth.
#include "tests/rows/axis_rows.h"

#include <doctest/doctest.h>

#include <cstring>
#include <utility>

#include "tests/rows/axes_case.h"
#include "tests/support/targets.h"

namespace rotary_test {
namespace {

size_t BytesOf(rotary_dtype dtype) {
  const bool narrow =
      dtype == ROTARY_I32 || dtype == ROTARY_U32 || dtype == ROTARY_F32;
  return narrow ? 4 : 8;
}

template <typename T>
void Store(char* to, double value, T none) {
  const T element = std::isnan(value) ? none : static_cast<T>(value);
  std::memcpy(to, &element, sizeof(element));
}

void StoreAs(rotary_dtype dtype, char* to, double value) {
  switch (dtype) {
    case ROTARY_I32:
      return Store<int32_t>(to, value, ROTARY_NO_POSITION_I32);
    case ROTARY_U32:
      return Store<uint32_t>(to, value, ROTARY_NO_POSITION_U32);
    case ROTARY_I64:
      return Store<int64_t>(to, value, ROTARY_NO_POSITION_I64);
    case ROTARY_U64:
      return Store<uint64_t>(to, value, ROTARY_NO_POSITION_U64);
    case ROTARY_F32:
      return Store<float>(to, value, std::nanf(""));
    default:
      return Store<double>(to, value, kNone);
  }
}

}  // namespace

double Representable(rotary_dtype dtype, double position) {
  if (dtype == ROTARY_F64) return position;
  if (dtype == ROTARY_F32) {
    const float narrow = static_cast<float>(position);
    // Rounded to 2^31 it were too large.
    return std::fabs(narrow) < 0x1p31f ? static_cast<double>(narrow) : 1.0;
  }
  const double whole = std::trunc(position);
  return IsUnsigned(dtype) ? std::fabs(whole) : whole;
}

double RandomReal(Random* random, int bits) {
  const double share = static_cast<double>(random->Bits() >> 11) * 0x1p-53;
  const double position =
      std::ldexp(share, static_cast<int>(random->Integer(-8, bits)));
  return (random->Bits() & 1) != 0 ? -position : position;
}

PositionData::PositionData(rotary_dtype dtype,
                           const std::vector<double>& elements, Flush flush)
    : dtype_(dtype), buffer_(elements.size() * BytesOf(dtype), flush) {
  for (size_t i = 0; i < elements.size(); ++i) {
    StoreAs(dtype, buffer_.As<char>() + i * BytesOf(dtype), elements[i]);
  }
}

const void* PositionData::At(int64_t element) const {
  return buffer_.As<char>() + element * static_cast<int64_t>(BytesOf(dtype_));
}

rotary_positions PositionsOf(const PositionData& data) {
  rotary_positions positions;
  rotary_positions_init(&positions, sizeof(positions));
  positions.data = data.At(0);
  positions.dtype = data.dtype();
  return positions;
}

RowValues RowsOnAllTargets(const rotary_embedding* embedding,
                           const rotary_positions& positions, int64_t batch,
                           int64_t tokens, rotary_mode mode) {
  const int64_t count = batch * tokens * rotary_embedding_heads(embedding);
  RowValues first;
  bool is_first = true;
  ForEachTarget([&](const char* target) {
    rotary_rows* rows = nullptr;
    rotary_error error;
    RequireOk(rotary_rows_create(embedding, count, &rows, &error), error);
    const Rows owner(rows);
    rotary_rows_args args = MakeRowsArgs(embedding, &positions, tokens, mode);
    args.batch = batch;
    args.target = target;
    SetRowsOk(rows, args);
    RowValues values = ReadRows(rows);
    if (is_first) {
      first = std::move(values);
      is_first = false;
    } else {
      CHECK(values == first);
    }
  });
  return first;
}

void AddErrors(const rotary_embedding* embedding,
               const std::vector<double>& positions, const RowValues& values,
               ErrorCount* errors, rotary_mode mode) {
  const double gain = rotary_embedding_gain(embedding);
  AddErrors(embedding, positions, values, errors, mode,
            [&](double, int64_t, Mp* scale) {
              mpfr_set_d(scale->get(), mode == ROTARY_SHIFT ? 1.0 : gain,
                         MPFR_RNDN);
              if (mode == ROTARY_INVERSE) {
                mpfr_ui_div(scale->get(), 1, scale->get(), MPFR_RNDN);
              }
            });
}

void AddErrors(const rotary_embedding* embedding,
               const std::vector<double>& positions, const RowValues& values,
               ErrorCount* errors, rotary_mode mode, const ScaleOf& scale_of) {
  const std::vector<double> matrix = Matrix(embedding);
  const int64_t axes = rotary_embedding_axes(embedding);
  const int64_t heads = rotary_embedding_heads(embedding);
  const int64_t count = static_cast<int64_t>(positions.size()) / axes;
  const int64_t pairs = values.pairs;
  REQUIRE(static_cast<int64_t>(values.cos.size()) == count * heads * pairs);
  Mp angle, product, cos, sin, scale;
  int64_t turned = 0;
  const auto position = [&](int64_t a, int64_t t) {
    return positions[static_cast<size_t>(a * count + t)];
  };
  for (int64_t t = 0; t < count; ++t) {
    bool rotates = true;
    for (int64_t a = 0; a < axes; ++a) rotates &= !std::isnan(position(a, t));
    for (int64_t n = 0; n < heads * pairs; ++n) {
      const int64_t h = n / pairs;
      const int64_t i = n % pairs;
      const float got_cos = values.Cos(t * heads + h)[i];
      const float got_sin = values.Sin(t * heads + h)[i];
      if (!rotates) {
        if (got_cos != 1.0f || got_sin != 0.0f) ++turned;
        continue;
      }
      mpfr_set_zero(angle.get(), 1);
      for (int64_t a = 0; a < axes; ++a) {
        mpfr_set_d(product.get(), position(a, t), MPFR_RNDN);
        mpfr_mul_d(product.get(), product.get(),
                   matrix[static_cast<size_t>((h * axes + a) * pairs + i)],
                   MPFR_RNDN);
        mpfr_add(angle.get(), angle.get(), product.get(), MPFR_RNDN);
      }
      mpfr_sin_cos(sin.get(), cos.get(), angle.get(), MPFR_RNDN);
      if (mode == ROTARY_INVERSE) mpfr_neg(sin.get(), sin.get(), MPFR_RNDN);
      scale_of(position(0, t), i, &scale);
      mpfr_mul(cos.get(), cos.get(), scale.get(), MPFR_RNDN);
      mpfr_mul(sin.get(), sin.get(), scale.get(), MPFR_RNDN);
      const double by = mpfr_get_d(scale.get(), MPFR_RNDN);
      errors->Add(got_cos, cos, by);
      errors->Add(got_sin, sin, by);
    }
  }
  CHECK_EQ(turned, 0);
}

}  // namespace rotary_test
