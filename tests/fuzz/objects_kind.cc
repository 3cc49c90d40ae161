// Embeddings between others and rows on the heap, made and read with any
// arguments.
#include <algorithm>

#include "tests/config/fuzzed_call.h"
#include "tests/fuzz/arena.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/kinds.h"
#include "tests/fuzz/models.h"

namespace rotary_test {
namespace {

const rotary_embedding* DrawEmbedding(Input* input) {
  return input->Once(16) ? nullptr : DrawModel(input).embedding.get();
}

bool FuzzBetween(Input* input) {
  const rotary_embedding* const from = DrawEmbedding(input);
  const rotary_embedding* const to =
      input->Flag() ? from : DrawEmbedding(input);
  rotary_embedding* between = nullptr;
  const bool nowhere = input->Once(16);
  Told told;
  const rotary_status status = rotary_embedding_between(
      from, to, nowhere ? nullptr : &between, told.error());
  told.CheckStatus(status);
  if (status != ROTARY_OK) {
    Check(between == nullptr, "a call that fails made an embedding");
    return false;
  }
  const Embedding made(between);
  Check(rotary_embedding_axes(between) == 2 * rotary_embedding_axes(from) &&
            rotary_embedding_heads(between) == rotary_embedding_heads(to) &&
            rotary_embedding_rotary_dim(between) ==
                rotary_embedding_rotary_dim(to) &&
            rotary_embedding_gain(between) ==
                rotary_embedding_gain(to) / rotary_embedding_gain(from),
        "an embedding between others has another shape or gain");
  return true;
}

// Few; less than none; more than memory can hold.
int64_t DrawCount(Input* input) {
  constexpr int64_t kBad[] = {-1, -2, INT64_MIN, INT64_MAX, INT64_MAX - 1};
  return input->Once(3) ? input->Of(kBad) : input->Integer(0, 9);
}

bool FuzzHeapRows(Input* input) {
  const rotary_embedding* const embedding = DrawEmbedding(input);
  const int64_t count = DrawCount(input);
  rotary_rows* rows = nullptr;
  const bool nowhere = input->Once(16);
  Told told;
  const rotary_status status = rotary_rows_create(
      embedding, count, nowhere ? nullptr : &rows, told.error());
  told.CheckStatus(status);
  if (status != ROTARY_OK) {
    Check(rows == nullptr, "a call that fails made rows");
    return false;
  }
  const Rows owner(rows);
  Check(rotary_rows_count(rows) == count &&
            rotary_rows_rotary_dim(rows) ==
                rotary_embedding_rotary_dim(embedding) &&
            rotary_rows_bytes(rows) == RowsBytesNeeded(embedding, count),
        "rows have another size");
  return true;
}

// Reads a range of a model's rows, or what is none.
bool FuzzRead(Input* input) {
  const Model& model = ModelAt(static_cast<size_t>(input->Integer(0, 6)));
  const int64_t all = rotary_rows_count(model.rows.get());
  const int64_t pairs = model.rotary_dim / 2;
  const int64_t first =
      input->Once(4) ? Value64(input) : input->Integer(0, all);
  const int64_t count = input->Once(4) ? Value64(input) : input->Integer(0, 4);
  const int64_t stride = input->Once(4)  ? Value64(input)
                         : input->Flag() ? ROTARY_DENSE
                                         : pairs + input->Integer(0, 2);
  const int64_t rows = std::clamp<int64_t>(count, 0, all);
  const int64_t step = stride == ROTARY_DENSE
                           ? pairs
                           : std::clamp<int64_t>(stride, pairs, 2 * pairs);
  Arena& arena = Arena::Get();
  float* values[2];
  for (float*& to : values) {
    const int64_t elements = rows == 0 ? 0 : (rows - 1) * step + pairs;
    to = reinterpret_cast<float*>(
        arena.Take(4 * static_cast<size_t>(elements), 4));
  }
  arena.Seal();
  const bool no_cos = input->Once(16);
  const bool no_sin = input->Once(16);
  // Memory was taken for these strides only.
  const bool fits = stride == ROTARY_DENSE || (stride >= 0 && stride <= step);
  if (!fits && count > 1 && first >= 0 && first <= all - count) return false;
  Told told;
  const rotary_status status =
      rotary_rows_read(input->Once(32) ? nullptr : model.rows.get(), first,
                       count, no_cos ? nullptr : values[0],
                       no_sin ? nullptr : values[1], stride, told.error());
  told.CheckStatus(status);
  if (status != ROTARY_OK) {
    Check(arena.IsAsSealed(), "a call that fails wrote");
    return false;
  }
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t pair = 0; pair < pairs; ++pair) {
      Check(values[0][i * step + pair] == model.values.Cos(first + i)[pair] &&
                values[1][i * step + pair] == model.values.Sin(first + i)[pair],
            "a row reads as another");
    }
  }
  return true;
}

}  // namespace

bool FuzzObjects(Input* input) {
  switch (input->Integer(0, 2)) {
    case 0:
      return FuzzBetween(input);
    case 1:
      return FuzzHeapRows(input);
    default:
      return FuzzRead(input);
  }
}

}  // namespace rotary_test
