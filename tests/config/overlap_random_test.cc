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
#include "tests/support/element.h"
#include "tests/support/objects.h"
#include "tests/support/random.h"
#include "tests/support/reference.h"

namespace rotary_test {
namespace {

constexpr int64_t kMemory = 700;  // elements of f32
constexpr auto kMemoryBytes = static_cast<int64_t>(kMemory * sizeof(float));
constexpr int64_t kRotaryDim = 4;
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

// Where in memory a tensor has room; nullptr if there is none.
char* Place(const int64_t (&size)[3], const RandomStrides& strides,
            int64_t head_dim, rotary_dtype dtype, std::vector<float>* memory,
            Random* random) {
  const auto element = static_cast<int64_t>(ElementBytes(dtype));
  const TensorSide side = {
      nullptr,
      {size[0], size[1], size[2]},
      {strides.stride[0] * element, strides.stride[1] * element,
       strides.stride[2] * element},
      head_dim * element,
      element};
  const Span span = SpanOf(side);
  if (span.high - span.low > kMemoryBytes) return nullptr;
  const int64_t at = random->Integer(-span.low / element,
                                     (kMemoryBytes - span.high) / element);
  return reinterpret_cast<char*>(memory->data()) + at * element;
}

void SetInput(const void* data, const RandomStrides& strides,
              rotary_tensor* tensor) {
  tensor->input = data;
  tensor->input_batch_stride = strides.stride[0];
  tensor->input_token_stride = strides.stride[1];
  tensor->input_head_stride = strides.stride[2];
}

void SetOutput(void* data, const RandomStrides& strides,
               rotary_tensor* tensor) {
  tensor->output = data;
  tensor->output_batch_stride = strides.stride[0];
  tensor->output_token_stride = strides.stride[1];
  tensor->output_head_stride = strides.stride[2];
}

// Of any formats, which an output may leave out.
rotary_tensor NewTensor(int64_t heads, int64_t head_dim, rotary_dtype dtype,
                        Random* random) {
  rotary_tensor tensor;
  rotary_tensor_init(&tensor, sizeof(tensor));
  tensor.heads = heads;
  tensor.head_dim = head_dim;
  tensor.input_dtype = dtype;
  tensor.output_dtype =
      random->Integer(0, 1) == 0 ? random->Choose(Dtypes()) : 0;
  tensor.input_pairing = static_cast<rotary_pairing>(random->Integer(1, 2));
  tensor.output_pairing = static_cast<rotary_pairing>(random->Integer(0, 2));
  return tensor;
}

// Tensors that have nothing to do with each other; false if they do not fit.
bool ChooseApart(std::vector<float>* memory, rotary_apply_args* args,
                 rotary_tensor* tensors, Random* random) {
  for (int64_t i = 0; i < args->num_tensors; ++i) {
    const int64_t head_dim = random->Integer(kRotaryDim, 6);
    const int64_t size[3] = {args->batch, args->tokens, random->Integer(1, 4)};
    tensors[i] = NewTensor(size[2], head_dim, random->Choose(Dtypes()), random);
    RandomStrides strides = ChooseStrides(size, head_dim, random);
    char* data =
        Place(size, strides, head_dim, tensors[i].input_dtype, memory, random);
    if (data == nullptr) return false;
    SetInput(data, strides, &tensors[i]);
    if (random->Integer(0, 1) == 0) continue;  // in place
    if (random->Integer(0, 3) == 0) {          // by the same pointer
      SetOutput(data, strides, &tensors[i]);
      continue;
    }
    strides = ChooseStrides(size, head_dim, random);
    const rotary_dtype to = tensors[i].output_dtype;
    data = Place(size, strides, head_dim, to == 0 ? tensors[i].input_dtype : to,
                 memory, random);
    if (data == nullptr) return false;
    SetOutput(data, strides, &tensors[i]);
  }
  return true;
}

// Tensors that are some of the heads of one array, now and then moved a little,
// and now and then of elements of another size.
bool ChoosePacked(std::vector<float>* memory, rotary_apply_args* args,
                  rotary_tensor* tensors, Random* random) {
  const int64_t head_dim = random->Integer(kRotaryDim, 5);
  const int64_t size[3] = {args->batch, args->tokens, 5};
  const RandomStrides strides = ChooseStrides(size, head_dim, random);
  const rotary_dtype dtype = random->Choose(Dtypes());
  const auto element = static_cast<int64_t>(ElementBytes(dtype));
  char* const data = Place(size, strides, head_dim, dtype, memory, random);
  if (data == nullptr) return false;
  int64_t head = 0;
  for (int64_t i = 0; i < args->num_tensors; ++i) {
    const auto head_at = [&] {
      int64_t at = head * strides.stride[2];
      if (random->Integer(0, 7) == 0) at += random->Integer(-2, 2);
      return data + at * element;
    };
    tensors[i] = NewTensor(random->Integer(1, 2), head_dim, dtype, random);
    SetInput(head_at(), strides, &tensors[i]);
    head = (head + tensors[i].heads) % 5;
    if (random->Integer(0, 3) != 0) continue;  // in place
    SetOutput(head_at(), strides, &tensors[i]);
    head = (head + tensors[i].heads) % 5;
  }
  return true;
}

// What was moved, wrapped around or is larger may have left memory, or not be
// aligned.
bool Fits(const std::vector<float>& memory, const rotary_apply_args& args) {
  for (int64_t i = 0; i < args.num_tensors; ++i) {
    for (const TensorSide& side :
         {InputOf(args, args.tensors[i]), OutputOf(args, args.tensors[i])}) {
      const Span span = SpanOf(side);
      const int64_t at =
          side.data - reinterpret_cast<const char*>(memory.data());
      if (at % side.element != 0 || at + span.low < 0 ||
          at + span.high > kMemoryBytes) {
        return false;
      }
    }
  }
  return true;
}

bool ChooseTensors(std::vector<float>* memory, rotary_apply_args* args,
                   rotary_tensor* tensors, Random* random) {
  args->batch = random->Integer(1, 3);
  args->tokens = random->Integer(1, 4);
  args->num_tensors = random->Integer(1, 3);
  const bool chosen = random->Integer(0, 2) == 0
                          ? ChooseApart(memory, args, tensors, random)
                          : ChoosePacked(memory, args, tensors, random);
  return chosen && Fits(*memory, *args);
}

// Of each 16 bits one of the exponent is 0, so that nothing is infinite or NaN,
// whatever it is taken for.
void FillMemory(std::vector<float>* memory, Random* random) {
  for (float& value : *memory) {
    value = FloatFromBits(static_cast<uint32_t>(random->Bits()) & 0xbfffbfffu);
  }
}

// What memory holds after a call whose outputs are disjoint.
std::vector<float> Rotated(const std::vector<float>& memory,
                           const rotary_apply_args& args,
                           const RowValues& rows) {
  std::vector<float> result = memory;
  for (int64_t i = 0; i < args.num_tensors; ++i) {
    const rotary_tensor& tensor = args.tensors[i];
    const TensorSide input = InputOf(args, tensor);
    const std::vector<char*> from = input.Heads();
    const std::vector<char*> to = OutputOf(args, tensor).Heads();
    for (size_t head = 0; head < from.size(); ++head) {
      const int64_t row = static_cast<int64_t>(head) / input.size[2];
      std::vector<float> x(static_cast<size_t>(tensor.head_dim));
      for (size_t e = 0; e < x.size(); ++e) {
        x[e] = Widened(
            tensor.input_dtype,
            LoadBits(tensor.input_dtype, from[head], static_cast<int64_t>(e)));
      }
      const std::vector<float> rotated =
          ExactHead(x.data(), {tensor.head_dim, 0, kRotaryDim,
                               tensor.input_pairing, rows.Cos(row),
                               rows.Sin(row), false, OutputPairing(tensor)});
      char* const out =
          reinterpret_cast<char*>(result.data()) +
          (to[head] - reinterpret_cast<const char*>(memory.data()));
      const rotary_dtype dtype = OutputDtype(tensor);
      for (size_t e = 0; e < x.size(); ++e) {
        StoreBits(dtype, out, static_cast<int64_t>(e),
                  Narrowed(dtype, rotated[e]));
      }
    }
  }
  return result;
}

// Whether some tensor has elements of two sizes.
bool ChangesSize(const rotary_apply_args& args) {
  for (int64_t i = 0; i < args.num_tensors; ++i) {
    if (ElementBytes(args.tensors[i].input_dtype) !=
        ElementBytes(OutputDtype(args.tensors[i]))) {
      return true;
    }
  }
  return false;
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
  int sizes_accepted = 0, sizes_refused = 0;
  const int calls = Effort(6000, 300000);
  for (int call = 0; call < calls;) {
    FillMemory(&memory, &random);
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
      REQUIRE(SameBytes(memory, expected));
      ++accepted;
      sizes_accepted += ChangesSize(args) ? 1 : 0;
    } else {
      REQUIRE(status == ROTARY_ERROR_OVERLAP);
      REQUIRE(std::strncmp(error.argument, "tensors[", 8) == 0);
      REQUIRE(!must);
      REQUIRE(SameBytes(memory, before));
      ++refused;
      sizes_refused += ChangesSize(args) ? 1 : 0;
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
  CHECK(sizes_accepted > calls / 100);
  CHECK(sizes_refused > calls / 100);
}

}  // namespace
}  // namespace rotary_test
