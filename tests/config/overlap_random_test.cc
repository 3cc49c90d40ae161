// The rule about overlapping memory, tried on small random tensors: a call that
// is accepted is truly disjoint and right, and what the manual promises to
// accept is accepted.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "tests/config/aliasing_rule.h"
#include "tests/config/tensor_elements.h"
#include "tests/support/effort.h"
#include "tests/support/objects.h"
#include "tests/support/random.h"
#include "tests/support/reference.h"

namespace rotary_test {
namespace {

constexpr int64_t kMemory = 400;
constexpr int64_t kRotaryDim = 2;
constexpr int64_t kMaxTokens = 12;

struct RandomStrides {
  int64_t stride[3];
};

// Mostly nested in some order, and now and then by a little not.
RandomStrides ChooseStrides(const int64_t (&size)[3], int64_t head_dim,
                            Random* random) {
  std::vector<int> order = {0, 1, 2};
  random->Shuffle(&order);
  const bool exact = random->Integer(0, 2) != 0;
  RandomStrides strides = {};
  int64_t inside = head_dim;
  for (const int dim : order) {
    const int64_t gap = exact ? random->Integer(0, 1) * random->Integer(0, 9)
                              : random->Integer(-3, 3);
    int64_t stride = std::max<int64_t>(inside + gap, 0);
    if (random->Integer(0, 15) == 0) stride = 0;
    strides.stride[dim] = random->Integer(0, 3) == 0 ? -stride : stride;
    inside = (size[dim] - 1) * stride + inside;
  }
  return strides;
}

// An element of memory where the tensor has room; nullptr if there is none.
float* Place(const int64_t (&size)[3], const RandomStrides& strides,
             int64_t head_dim, std::vector<float>* memory, Random* random) {
  const TensorSide side = {
      nullptr,
      {size[0], size[1], size[2]},
      {strides.stride[0], strides.stride[1], strides.stride[2]},
      head_dim};
  const Span span = SpanOf(side);
  if (span.high - span.low > kMemory) return nullptr;
  return memory->data() + random->Integer(-span.low, kMemory - span.high);
}

void SetInput(const float* data, const RandomStrides& strides,
              rotary_tensor* tensor) {
  tensor->input = data;
  tensor->input_batch_stride = strides.stride[0];
  tensor->input_token_stride = strides.stride[1];
  tensor->input_head_stride = strides.stride[2];
}

void SetOutput(float* data, const RandomStrides& strides,
               rotary_tensor* tensor) {
  tensor->output = data;
  tensor->output_batch_stride = strides.stride[0];
  tensor->output_token_stride = strides.stride[1];
  tensor->output_head_stride = strides.stride[2];
}

rotary_tensor NewTensor(int64_t heads, int64_t head_dim) {
  rotary_tensor tensor;
  rotary_tensor_init(&tensor, sizeof(tensor));
  tensor.heads = heads;
  tensor.head_dim = head_dim;
  tensor.input_pairing = ROTARY_HALF;
  return tensor;
}

// Tensors that have nothing to do with each other; false if they do not fit.
bool ChooseApart(std::vector<float>* memory, rotary_apply_args* args,
                 rotary_tensor* tensors, Random* random) {
  for (int64_t i = 0; i < args->num_tensors; ++i) {
    const int64_t head_dim = random->Integer(kRotaryDim, 4);
    const int64_t size[3] = {args->batch, args->tokens, random->Integer(1, 4)};
    tensors[i] = NewTensor(size[2], head_dim);
    RandomStrides strides = ChooseStrides(size, head_dim, random);
    float* data = Place(size, strides, head_dim, memory, random);
    if (data == nullptr) return false;
    SetInput(data, strides, &tensors[i]);
    if (random->Integer(0, 1) == 0) continue;  // in place
    strides = ChooseStrides(size, head_dim, random);
    data = Place(size, strides, head_dim, memory, random);
    if (data == nullptr) return false;
    SetOutput(data, strides, &tensors[i]);
  }
  return true;
}

// Tensors that are some of the heads of one array, now and then moved a little.
bool ChoosePacked(std::vector<float>* memory, rotary_apply_args* args,
                  rotary_tensor* tensors, Random* random) {
  const int64_t head_dim = random->Integer(kRotaryDim, 3);
  const int64_t size[3] = {args->batch, args->tokens, 5};
  const RandomStrides strides = ChooseStrides(size, head_dim, random);
  float* const data = Place(size, strides, head_dim, memory, random);
  if (data == nullptr) return false;
  int64_t head = 0;
  for (int64_t i = 0; i < args->num_tensors; ++i) {
    const auto head_at = [&] {
      int64_t at = head * strides.stride[2];
      if (random->Integer(0, 7) == 0) at += random->Integer(-2, 2);
      return data + at;
    };
    tensors[i] = NewTensor(random->Integer(1, 2), head_dim);
    SetInput(head_at(), strides, &tensors[i]);
    head = (head + tensors[i].heads) % 5;
    if (random->Integer(0, 3) != 0) continue;  // in place
    SetOutput(head_at(), strides, &tensors[i]);
    head = (head + tensors[i].heads) % 5;
  }
  // What was moved, or wrapped around, may have left memory.
  for (int64_t i = 0; i < args->num_tensors; ++i) {
    for (const TensorSide& side :
         {InputOf(*args, tensors[i]), OutputOf(*args, tensors[i])}) {
      const Span span = SpanOf(side);
      const int64_t at = side.data - memory->data();
      if (at + span.low < 0 || at + span.high > kMemory) return false;
    }
  }
  return true;
}

bool ChooseTensors(std::vector<float>* memory, rotary_apply_args* args,
                   rotary_tensor* tensors, Random* random) {
  args->batch = random->Integer(1, 3);
  args->tokens = random->Integer(1, 4);
  args->num_tensors = random->Integer(1, 3);
  return random->Integer(0, 2) == 0
             ? ChooseApart(memory, args, tensors, random)
             : ChoosePacked(memory, args, tensors, random);
}

// What memory holds after a call whose outputs are disjoint.
std::vector<float> Rotated(const std::vector<float>& memory,
                           const rotary_apply_args& args,
                           const RowValues& rows) {
  std::vector<float> result = memory;
  for (int64_t i = 0; i < args.num_tensors; ++i) {
    const TensorSide input = InputOf(args, args.tensors[i]);
    const std::vector<float*> from = input.Heads();
    const std::vector<float*> to = OutputOf(args, args.tensors[i]).Heads();
    for (size_t head = 0; head < from.size(); ++head) {
      const int64_t row = static_cast<int64_t>(head) / input.size[2];
      const std::vector<float> rotated =
          ExactHead(from[head], {input.head_dim, 0, kRotaryDim, ROTARY_HALF,
                                 rows.Cos(row), rows.Sin(row), false});
      std::copy(rotated.begin(), rotated.end(),
                result.begin() + (to[head] - memory.data()));
    }
  }
  return result;
}

TEST_CASE("accepted calls are disjoint and right, promised ones accepted") {
  const Embedding embedding = MakeEmbedding(kRotaryDim);
  std::vector<int64_t> positions;
  for (int64_t i = 0; i < kMaxTokens; ++i) positions.push_back(5 * i + 1);
  const Rows rows = MakeRows(embedding.get(), positions);
  const RowValues values = ReadRows(rows.get());
  Random random(20240607);
  std::vector<float> memory(kMemory);
  rotary_tensor tensors[3];
  rotary_apply_args args;
  rotary_apply_args_init(&args, sizeof(args));
  args.tensors = tensors;
  args.rows = rows.get();
  args.num_threads = 1;
  int accepted = 0, refused = 0, promised = 0, overlapping = 0, packed = 0;
  const int calls = Effort(6000, 300000);
  for (int call = 0; call < calls;) {
    for (float& value : memory) value = random.Float();
    if (!ChooseTensors(&memory, &args, tensors, &random)) continue;
    CAPTURE(call);
    ++call;
    const std::vector<float> before = memory;
    const bool disjoint = OutputsAreDisjoint(memory, args);
    const bool must = MustBeAccepted(args);
    REQUIRE((disjoint || !must));
    const std::vector<float> expected =
        disjoint ? Rotated(memory, args, values) : before;
    rotary_error error;
    const rotary_status status = rotary_apply(&args, &error);
    if (status == ROTARY_OK) {
      REQUIRE(disjoint);
      REQUIRE(memory == expected);
      ++accepted;
    } else {
      REQUIRE(status == ROTARY_ERROR_OVERLAP);
      REQUIRE(std::strncmp(error.argument, "tensors[", 8) == 0);
      REQUIRE(!must);
      REQUIRE(memory == before);
      ++refused;
    }
    promised += must ? 1 : 0;
    overlapping += disjoint ? 0 : 1;
    packed += must && !ByteRangesAreDisjoint(args) ? 1 : 0;
  }
  // The random tensors are of every sort.
  CHECK(accepted > calls / 10);
  CHECK(refused > calls / 10);
  CHECK(promised > calls / 10);
  CHECK(overlapping > calls / 10);
  CHECK(packed > calls / 100);
}

}  // namespace
}  // namespace rotary_test
