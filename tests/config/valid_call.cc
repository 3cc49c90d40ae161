// The calls and checks of valid_call.h.
#include "tests/config/valid_call.h"

#include <cmath>

namespace rotary_test {
namespace {

template <typename T>
void Append(const std::vector<T>& values, std::vector<unsigned char>* bytes) {
  const auto* begin = reinterpret_cast<const unsigned char*>(values.data());
  bytes->insert(bytes->end(), begin, begin + values.size() * sizeof(T));
}

std::vector<float> Ramp(int64_t size) {
  std::vector<float> values(static_cast<size_t>(size));
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>(i) - 3.5f;
  }
  return values;
}

// Each of its rows holds one value.
std::vector<float> TableOf(int64_t rows, int64_t elements) {
  std::vector<float> values(static_cast<size_t>(rows * elements));
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] =
        0.5f + 0.125f * static_cast<float>(i / static_cast<size_t>(elements));
  }
  return values;
}

bool IsTerminated(const char* text, size_t size) {
  return std::memchr(text, '\0', size) != nullptr;
}

}  // namespace

ValidCall::ValidCall()
    : embedding(MakeEmbedding(kRotaryDim)),
      rows(MakeRows(embedding.get(), {9, 8, 7, 6, 5, 4})),
      ids({1, 2, 3, 40, 50, 60}),
      first_input(Ramp(kBatch * kTokens * 2 * 12)),
      first_output(first_input.size(), 77.0f),
      second(Ramp(kBatch * kTokens * 1 * 8)),
      cos(TableOf(kCosSinRows + 8, kRotaryDim)),
      sin(TableOf(kCosSinRows + 8, kRotaryDim)),
      positions(MakePositions(ids)) {
  for (rotary_tensor& tensor : tensors) {
    rotary_tensor_init(&tensor, sizeof(tensor));
    tensor.input_pairing = ROTARY_HALF;
  }
  tensors[0].heads = 2;
  tensors[0].head_dim = 12;
  tensors[0].rotary_offset = 2;
  tensors[0].input = first_input.data();
  tensors[0].output = first_output.data();
  tensors[1].head_dim = 8;
  tensors[1].input = second.data();
  rotary_apply_args_init(&args, sizeof(args));
  args.batch = kBatch;
  args.tokens = kTokens;
  args.tensors = tensors;
  args.num_tensors = 2;
  args.embedding = embedding.get();
  args.positions = &positions;
  args.num_threads = 1;
  rotary_cos_sin_init(&cos_sin, sizeof(cos_sin));
  cos_sin.cos = cos.data();
  cos_sin.sin = sin.data();
  cos_sin.rotary_dim = kRotaryDim;
  cos_sin.rows = kCosSinRows;
  cos_sin.row_stride = kRotaryDim;
}

void ValidCall::UseRows() {
  args.rows = rows.get();
  args.embedding = nullptr;
  args.positions = nullptr;
}

void ValidCall::UseCosSin(bool by_position, rotary_width width) {
  cos_sin.width = width;
  args.cos_sin = &cos_sin;
  args.rows = nullptr;
  args.embedding = nullptr;
  args.positions = by_position ? &positions : nullptr;
}

rotary_rows_args ValidCall::RowsArgs() const {
  rotary_rows_args rows_args =
      MakeRowsArgs(embedding.get(), &positions, args.tokens);
  rows_args.batch = args.batch;
  return rows_args;
}

std::vector<unsigned char> ValidCall::Memory() const {
  std::vector<unsigned char> bytes;
  Append(ids, &bytes);
  Append(first_input, &bytes);
  Append(first_output, &bytes);
  Append(second, &bytes);
  Append(cos, &bytes);
  Append(sin, &bytes);
  const auto* begin = reinterpret_cast<const unsigned char*>(rows.get());
  bytes.insert(bytes.end(), begin, begin + rotary_rows_bytes(rows.get()));
  return bytes;
}

void CheckRefused(const FallibleCall& call, const Wrong& expected) {
  CAPTURE(expected.argument);
  rotary_error error;
  std::memset(&error, 0xA5, sizeof(error));
  CHECK(call(&error) == expected.status);
  CHECK(call(nullptr) == expected.status);
  REQUIRE(error.status == expected.status);
  REQUIRE(IsTerminated(error.argument, sizeof(error.argument)));
  REQUIRE(IsTerminated(error.message, sizeof(error.message)));
  const std::string message = error.message;
  CHECK(std::string(error.argument) == expected.argument);
  CHECK(error.tensor == expected.tensor);
  CHECK(error.token == expected.token);
  CHECK(message.find(expected.argument) != std::string::npos);
  CAPTURE(message);
  if (expected.value.has_value()) {
    CHECK(error.value == *expected.value);
    // A position of u64 is not negative.
    const auto bits = static_cast<uint64_t>(*expected.value);
    CHECK((message.find(std::to_string(*expected.value)) != std::string::npos ||
           message.find(std::to_string(bits)) != std::string::npos));
  }
  if (expected.real_value.has_value()) {
    const double real = *expected.real_value;
    CHECK((error.real_value == real ||
           (std::isnan(error.real_value) && std::isnan(real))));
    CHECK(message.find(std::isnan(real)   ? "nan"
                       : std::isinf(real) ? "inf"
                                          : "is ") != std::string::npos);
  }
}

void CheckApplyRefused(const ValidCall& call, const Wrong& expected) {
  const std::vector<unsigned char> before = call.Memory();
  CheckRefused(
      [&](rotary_error* error) { return rotary_apply(&call.args, error); },
      expected);
  std::vector<uint64_t> memory(2048, 0xA5A5A5A5A5A5A5A5u);
  const std::vector<uint64_t> memory_before = memory;
  auto* const untouched = reinterpret_cast<rotary_prepared*>(memory.data() + 1);
  rotary_prepared* prepared = untouched;
  CheckRefused(
      [&](rotary_error* error) {
        return rotary_prepare(&call.args, memory.data(),
                              memory.size() * sizeof(uint64_t), &prepared,
                              error);
      },
      expected);
  CHECK(prepared == untouched);
  CHECK(memory == memory_before);
  CHECK(call.Memory() == before);
}

void CheckApplyAccepted(const ValidCall& call) {
  rotary_error error;
  RequireOk(rotary_apply(&call.args, &error), error);
}

void CheckSetRefused(const ValidCall& call, const rotary_rows_args& args,
                     const Wrong& expected) {
  const std::vector<unsigned char> before = call.Memory();
  CheckRefused(
      [&](rotary_error* error) {
        return rotary_rows_set(call.rows.get(), &args, error);
      },
      expected);
  CHECK(call.Memory() == before);
}

void CheckAllRefused(const std::vector<Spoiled>& cases, bool by_rows) {
  for (size_t i = 0; i < cases.size(); ++i) {
    CAPTURE(i);
    ValidCall call;
    if (by_rows) call.UseRows();
    cases[i].spoil(&call);
    CheckApplyRefused(call, cases[i].expected);
  }
}

}  // namespace rotary_test
