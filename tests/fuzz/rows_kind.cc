// Rows set by any positions, of one embedding or of several, against cos and
// sin in extended precision; and with hostile values for some fields.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "tests/fuzz/arena.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/drawn_positions.h"
#include "tests/fuzz/hostile_fields.h"
#include "tests/fuzz/kinds.h"
#include "tests/fuzz/models.h"
#include "tests/fuzz/same_results.h"

namespace rotary_test {
namespace {

constexpr int64_t kMaxRows = 2 * DrawnPositions::kMaxTokens + 8;
constexpr int64_t kMaxPairs = 68;
using Values = float[kMaxRows * kMaxPairs];

DrawnPositions positions;
Values cos_values;
Values sin_values;

// An angle, as the sum of two numbers that is exact to 2^-100 of it.
struct Angle {
  long double high = 0;
  long double low = 0;

  void Add(double a, double b) {
    const long double product = static_cast<long double>(a) * b;
    low += std::fma(static_cast<long double>(a), static_cast<long double>(b),
                    -product);
    const long double sum = high + product;
    const long double part = sum - high;
    low += (high - (sum - part)) + (product - part);
    high = sum;
  }
};

bool IsNear(double got, long double truth, long double gain) {
  // An ulp of f32, or what is told of values near 0.
  const int exponent = truth == 0 ? -126 : std::max(std::ilogb(truth), -126);
  const long double ulp = std::ldexp(1.0L, exponent - 23);
  const long double bound = std::max(ulp, gain * 0x1p-50L);
  return std::fabs(static_cast<long double>(got) - truth) <= bound;
}

// The rows of one embedding whose arithmetic is exact.
void CheckRows(const Model& model, const rotary_rows_args& args,
               const double* inv_freq) {
  const int64_t pairs = model.rotary_dim / 2;
  const auto gain =
      static_cast<long double>(rotary_embedding_gain(model.embedding.get()));
  const long double factor = args.mode == ROTARY_FORWARD   ? gain
                             : args.mode == ROTARY_INVERSE ? 1 / gain
                                                           : 1;
  for (int64_t i = 0; i < args.batch * args.tokens; ++i) {
    for (int64_t h = 0; h < model.heads; ++h) {
      const int64_t row = args.first_row + i * model.heads + h;
      for (int64_t pair = 0; pair < pairs; ++pair) {
        const auto cos = static_cast<double>(cos_values[row * pairs + pair]);
        const auto sin = static_cast<double>(sin_values[row * pairs + pair]);
        if (positions.IsPadding(i) || !positions.HasPosition(i)) {
          Check(cos == 1 && sin == 0, "a row without position rotates");
          continue;
        }
        Angle angle;
        for (int64_t axis = 0; axis < model.axes; ++axis) {
          angle.Add(positions.At(axis, i),
                    inv_freq[(h * model.axes + axis) * pairs + pair]);
        }
        const long double c = std::cos(angle.high);
        const long double s = std::sin(angle.high);
        const long double true_sin = (s + c * angle.low) * factor;
        Check(
            IsNear(cos, (c - s * angle.low) * factor, factor) &&
                IsNear(sin, args.mode == ROTARY_INVERSE ? -true_sin : true_sin,
                       factor),
            "a row is too far from the true cos and sin");
      }
    }
  }
}

// Which of some embeddings of one shape each token has.
void DrawEmbeddings(Input* input, Arena* arena, rotary_rows_args* args) {
  static const rotary_embedding* const embeddings[] = {
      ModelAt(0).embedding.get(), ModelAt(8).embedding.get(),
      ModelAt(0).embedding.get()};
  args->embedding = nullptr;
  args->embeddings = embeddings;
  args->num_embeddings = input->Integer(1, 3);
  auto* const index = reinterpret_cast<int32_t*>(
      arena->Take(4 * static_cast<size_t>(DrawnPositions::kMaxTokens)));
  for (int64_t i = 0; i < DrawnPositions::kMaxTokens; ++i) {
    index[i] = static_cast<int32_t>(
        input->Integer(0, args->num_embeddings - (input->Once(64) ? 0 : 1)));
  }
  args->embedding_index = index;
  args->index_token_stride = input->Integer(0, 1);
  args->index_batch_stride =
      args->index_token_stride == 0 ? ROTARY_DENSE : args->tokens;
  if (positions.positions().kind == ROTARY_POSITION_PACKED) {
    args->index_batch_stride = input->Integer(0, 2);
  }
}

bool ReadAll(const rotary_rows* rows, int64_t count) {
  return rotary_rows_read(rows, 0, count, cos_values, sin_values, ROTARY_DENSE,
                          nullptr) == ROTARY_OK;
}

bool FuzzRows(Input* input, bool corrupt) {
  Arena& arena = Arena::Get();
  const bool several = input->Once(6);
  const Model& model = several ? ModelAt(0) : DrawModel(input);
  const rotary_embedding* const embedding = model.embedding.get();
  // The struct_size of a corrupt one may be that of a later version.
  static struct {
    rotary_rows_args args;
    char later[400];
  } memory_of_args;
  rotary_rows_args& args = memory_of_args.args;
  rotary_rows_args_init(&args, sizeof(args));
  args.embedding = embedding;
  args.positions = &positions.positions();
  args.batch = input->Once(3) ? input->Integer(0, 3) : 1;
  args.tokens = input->Integer(0, input->Once(16) ? 16 : 5);
  args.first_row = input->Integer(0, 3);
  args.mode = input->Integer32(0, 2);
  if (input->Once(8)) args.log_n_length = 20;
  const double low = input->Flag() ? 0 : -model.reach;
  positions.Draw(input, &arena, args.batch, args.tokens, model.axes, low,
                 model.reach, input->Once(4));
  if (several) DrawEmbeddings(input, &arena, &args);
  const int64_t count = std::max<int64_t>(
      args.first_row + args.batch * args.tokens * model.heads +
          input->Integer(input->Once(32) ? -1 : 0, 2),
      0);
  size_t bytes;
  Check(
      rotary_rows_bytes_needed(embedding, count, &bytes, nullptr) == ROTARY_OK,
      "rows have no size");
  uint8_t* const memory =
      arena.Take(bytes, 8 * static_cast<size_t>(input->Integer(0, 1)));
  rotary_rows* rows = nullptr;
  Check(rotary_rows_init(memory, bytes, embedding, count, &rows, nullptr) ==
                ROTARY_OK &&
            static_cast<void*>(rows) == memory,
        "rows cannot be made");
  if (corrupt) {
    static HostileFields fields;
    fields.Clear();
    fields.AddRowsArgs(&args);
    fields.AddPositions(positions.exposed());
    for (int64_t n = input->Integer(1, 2); n > 0; --n) fields.Corrupt(input);
  }
  const bool checks = !corrupt && input->Once(16) && !several &&
                      args.log_n_length == 0 && &model != &ModelAt(7) &&
                      &model != &ModelAt(8) && &model != &ModelAt(9);
  arena.Seal();
  Outputs outputs;
  outputs.Add({memory, {1, 1, 1}, {0, 0, 0}, static_cast<int64_t>(bytes), 0});
  return HasSameResults(
      outputs, &arena,
      [&](const char* target, int variant, rotary_error* error) {
        args.target = target;
        if (!corrupt) args.num_threads = variant % 3;
        return rotary_rows_set(rows, &args, error);
      },
      [&] {
        Check(ReadAll(rows, count), "rows cannot be read");
        if (corrupt) return;
        const int64_t pairs = model.rotary_dim / 2;
        for (int64_t i = 0; i < args.first_row * pairs; ++i) {
          Check(cos_values[i] == 1 && sin_values[i] == 0,
                "other rows were set");
        }
        if (!checks) return;
        double inv_freq[4 * kMaxPairs];
        Check(rotary_embedding_inv_freq(embedding, inv_freq,
                                        model.heads * model.axes * pairs,
                                        nullptr) == ROTARY_OK,
              "inv_freq cannot be read");
        CheckRows(model, args, inv_freq);
      });
}

}  // namespace

bool FuzzRows(Input* input) { return FuzzRows(input, false); }

bool FuzzCorruptRows(Input* input) { return FuzzRows(input, true); }

}  // namespace rotary_test
