// The rotation by the formula, in long double, and how far from it an output
// may be.

#include "bench/reference.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <vector>

#include "bench/angles.h"
#include "bench/rotation.h"
#include "bench/source.h"

namespace rotary_bench {
namespace {

// Of thousands of tokens some are checked, an odd number apart, so that all
// places of a block of tokens come about.
constexpr int64_t kManyTokens = 1024;
constexpr int64_t kCheckedEvery = 63;

// The cos and sin of a pair, and how far from them those of the library may be.
struct Turn {
  CosSin exact;
  double relative_error;
  double absolute_error;
};

// With u = 2^-24, a row is within 1 ulp (2u of cos) or 2^-50 of the cos and sin
// of its angle.  The angle of an exact row is off as far as its inv_freq, an
// f64, is from the formula: within an ulp, 2^-52 of it.  Twice that covers the
// rounding of this file's long double.  In HF's arithmetic the angle is an f32,
// the same number here and there, and a view's cos and sin are used as they
// are.
std::vector<Turn> Row(const Case& c, const Memory& memory, int64_t token) {
  const Workload& workload = *c.workload;
  std::vector<Turn> row;
  for (int64_t pair = 0; pair < workload.rotary_dim / 2; ++pair) {
    if (workload.rows == RowSource::kCosSinView) {
      row.push_back({OfView(workload, memory, token, pair), 0.0, 0.0});
      continue;
    }
    const long double angle = Angle(workload, token, pair);
    const double angle_error = workload.rows == RowSource::kEmbedding
                                   ? 0x1p-51 * static_cast<double>(angle)
                                   : 0.0;
    row.push_back({{cosl(angle), sinl(angle)}, 0x1p-23, 0x1p-50 + angle_error});
  }
  return row;
}

// How far a * cos - b * sin may be from its value, by the accuracy that
// rotary.h promises.  With T = |a cos| + |b sin|, the rotation rounds by
// 2u T (1 + 2u) + 2^-149 beside the row's error, and the factor 1 + 2^-20
// covers the terms of second order.
double Tolerance(double a, double b, const Turn& turn) {
  const double terms = fabs(a * static_cast<double>(turn.exact.cos)) +
                       fabs(b * static_cast<double>(turn.exact.sin));
  return ((turn.relative_error + 0x1p-23) * terms +
          turn.absolute_error * (fabs(a) + fabs(b)) + 0x1p-149) *
         (1 + 0x1p-20);
}

// The element as the type holds it.
double Original(const Dtype& dtype, int64_t element) {
  double storage;
  dtype.write(&storage, 0, Element(element));
  return dtype.read(&storage, 0);
}

class Checker {
 public:
  Checker(const Case& c, const Memory& memory, const Allowance& allowance)
      : case_(c),
        allowance_(allowance),
        x_(memory.x.data()),
        output_(c.out_of_place ? memory.y.data() : x_) {}

  // One head, whose first element is `head`, of the token that has `row`.
  bool HeadIsRight(int64_t head, const std::vector<Turn>& row) const {
    const int64_t pairs = static_cast<int64_t>(row.size());
    const bool half = case_.pairing == ROTARY_HALF;
    const int64_t rotated = head + case_.workload->rotary_offset;
    for (int64_t pair = 0; pair < pairs; ++pair) {
      const int64_t first = rotated + (half ? pair : 2 * pair);
      const int64_t second = first + (half ? pairs : 1);
      const double a = Original(*case_.input, first);
      const double b = Original(*case_.input, second);
      const Turn& turn = row[static_cast<size_t>(pair)];
      const CosSin& r = turn.exact;
      const double allowed = Allowed(fabs(a) + fabs(b));
      if (!IsRight(first, a * r.cos - b * r.sin,
                   Tolerance(a, b, turn) + allowed) ||
          !IsRight(second, b * r.cos + a * r.sin,
                   Tolerance(b, a, turn) + allowed)) {
        return false;
      }
    }
    const int64_t end = head + case_.workload->head_dim;
    return HasOriginals(output_, "output", head, rotated) &&
           HasOriginals(output_, "output", rotated + 2 * pairs, end) &&
           (!case_.out_of_place || HasOriginals(x_, "input", head, end));
  }

 private:
  double Allowed(double size) const {
    const double ulp = case_.output->value != ROTARY_F32
                           ? 2 * HalfUlp(*case_.output, size)
                           : 0.0;
    return allowance_.angle * size + allowance_.roundings * ulp;
  }

  bool IsRight(int64_t element, long double expected, double tolerance) const {
    const double output = case_.output->read(output_, element);
    // Rounded once more, from within the tolerance.
    if (case_.output->value != ROTARY_F32) {
      tolerance += HalfUlp(*case_.output,
                           static_cast<double>(fabsl(expected)) + tolerance);
    }
    if (fabsl(output - expected) <= tolerance) return true;
    fprintf(stderr,
            "rotary_bench: %s: element %lld is %.9g, should be %.9Lg within "
            "%.3g\n",
            Name(case_).c_str(), static_cast<long long>(element), output,
            expected, tolerance);
    return false;
  }

  // Of elements that are not rotated; where there are any, no dtype changes.
  bool HasOriginals(const unsigned char* data, const char* which, int64_t begin,
                    int64_t end) const {
    for (int64_t element = begin; element < end; ++element) {
      const double expected = Original(*case_.input, element);
      const double value = case_.input->read(data, element);
      if (value == expected) continue;
      fprintf(stderr,
              "rotary_bench: %s: element %lld of the %s is %.9g, was "
              "%.9g\n",
              Name(case_).c_str(), static_cast<long long>(element), which,
              value, expected);
      return false;
    }
    return true;
  }

  const Case& case_;
  const Allowance allowance_;
  const unsigned char* const x_;
  const unsigned char* const output_;
};

}  // namespace

bool OutputIsRight(const Case& c, const Memory& memory,
                   const std::function<void()>& rotate,
                   const Allowance& allowance) {
  memory.Fill(c);
  if (c.out_of_place) memset(memory.y.data(), 0, OutputBytes(c));
  rotate();

  const Checker checker(c, memory, allowance);
  const int64_t tokens = c.workload->tokens;
  const int64_t step = tokens < kManyTokens ? 1 : kCheckedEvery;
  for (int64_t t = 0; t < tokens; t += step) {
    const std::vector<Turn> row = Row(c, memory, t);
    for (const TensorPlace& tensor : Tensors(*c.workload)) {
      for (int64_t h = 0; h < tensor.heads; ++h) {
        const int64_t head = tensor.first_element + t * tensor.token_stride +
                             h * tensor.head_stride;
        if (!checker.HeadIsRight(head, row)) return false;
      }
    }
  }
  return true;
}

bool OutputIsRight(const Case& c, const Memory& memory) {
  const Rotation rotation(c, memory);
  return OutputIsRight(c, memory, [&rotation] { rotation.RunChecked(); }, {});
}

}  // namespace rotary_bench
