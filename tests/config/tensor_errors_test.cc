// What is wrong with the tensors of a call.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/config/valid_call.h"

namespace rotary_test {
namespace {

// A call with one field of a tensor set to a value.
template <typename Field, typename Value>
Spoiled Tensor(int32_t index, Field rotary_tensor::*field, Value value,
               const std::string& name,
               rotary_status status = ROTARY_ERROR_ARGUMENT) {
  Wrong expected = {"tensors[" + std::to_string(index) + "]." + name};
  expected.value = static_cast<int64_t>(value);
  expected.status = status;
  expected.tensor = index;
  return {[=](ValidCall* call) {
            call->tensors[index].*field = static_cast<Field>(value);
          },
          expected};
}

TEST_CASE("tensors are checked") {
  std::vector<Spoiled> cases;
  for (const int32_t index : {0, 1}) {
    for (const int64_t value : {int64_t{-1}, kMin64}) {
      cases.push_back(Tensor(index, &rotary_tensor::heads, value, "heads"));
      cases.push_back(
          Tensor(index, &rotary_tensor::rotary_offset, value, "rotary_offset"));
    }
    for (const int64_t value : {int64_t{7}, int64_t{0}, int64_t{-1}, kMin64}) {
      cases.push_back(
          Tensor(index, &rotary_tensor::head_dim, value, "head_dim"));
    }
    for (const int64_t value : {int64_t{5}, int64_t{1000}, kMax64}) {
      cases.push_back(
          Tensor(index, &rotary_tensor::rotary_offset, value, "rotary_offset"));
    }
    for (const int32_t value :
         {0, -1, 5, 15, +ROTARY_F64, +ROTARY_I32, INT32_MAX, INT32_MIN}) {
      cases.push_back(
          Tensor(index, &rotary_tensor::input_dtype, value, "input_dtype"));
    }
    for (const int32_t value : {0, -1, 3, INT32_MAX, INT32_MIN}) {
      cases.push_back(
          Tensor(index, &rotary_tensor::input_pairing, value, "input_pairing"));
    }
    for (const int32_t value : {-1, 1}) {
      cases.push_back(
          Tensor(index, &rotary_tensor::reserved, value, "reserved"));
    }
  }
  for (const int32_t value : {-1, 3, INT32_MAX, INT32_MIN}) {
    cases.push_back(
        Tensor(0, &rotary_tensor::output_store, value, "output_store"));
  }
  for (const int32_t value :
       {-1, 5, 15, +ROTARY_F64, +ROTARY_I32, INT32_MAX, INT32_MIN}) {
    cases.push_back(
        Tensor(0, &rotary_tensor::output_dtype, value, "output_dtype"));
  }
  for (const int32_t value : {-1, 3, INT32_MAX, INT32_MIN}) {
    cases.push_back(
        Tensor(0, &rotary_tensor::output_pairing, value, "output_pairing"));
  }
  CheckAllRefused(cases);
  CheckAllRefused(cases, true);
}

TEST_CASE("the data of tensors must be there and aligned") {
  Wrong expected;
  expected.tensor = 0;
  ValidCall call;
  expected.argument = "tensors[0].input";
  call.tensors[0].input = nullptr;
  CheckApplyRefused(call, expected);
  for (const int offset : {1, 2, 3}) {
    call.tensors[0].input =
        reinterpret_cast<const char*>(call.first_input.data()) + offset;
    CheckApplyRefused(call, expected);
  }
  call.tensors[0].input = call.first_input.data();
  expected.argument = "tensors[0].output";
  call.tensors[0].output =
      reinterpret_cast<char*>(call.first_output.data()) + 2;
  CheckApplyRefused(call, expected);
}

TEST_CASE("16-bit data is aligned to two bytes") {
  Wrong expected;
  expected.tensor = 0;
  const auto behind = [](const std::vector<float>& data, int bytes) {
    return reinterpret_cast<char*>(const_cast<float*>(data.data())) + bytes;
  };
  for (const rotary_dtype dtype : {ROTARY_F16, ROTARY_BF16}) {
    for (const int bytes : {1, 2, 3, 5, 6}) {
      CAPTURE(bytes);
      // An input of 16 bits and an output of 32, then the other way round.
      ValidCall input;
      input.tensors[0].input_dtype = dtype;
      input.tensors[0].output_dtype = ROTARY_F32;
      input.tensors[0].input = behind(input.first_input, bytes);
      ValidCall output;
      output.tensors[0].output_dtype = dtype;
      output.tensors[0].output = behind(output.first_output, bytes);
      if (bytes % 2 == 0) {
        CheckApplyAccepted(input);
        CheckApplyAccepted(output);
      } else {
        expected.argument = "tensors[0].input";
        CheckApplyRefused(input, expected);
        expected.argument = "tensors[0].output";
        CheckApplyRefused(output, expected);
      }
    }
  }
}

TEST_CASE("a change of pairing in place is of heads of up to 4096 elements") {
  ValidCall call;
  std::vector<float> memory(ValidCall::kBatch * ValidCall::kTokens * 4097);
  rotary_tensor& tensor = call.tensors[1];
  Wrong expected = {"tensors[1].head_dim", 4097};
  expected.status = ROTARY_ERROR_UNSUPPORTED;
  expected.tensor = 1;
  const auto with = [&](int64_t head_dim, rotary_dtype from, rotary_dtype to,
                        rotary_pairing pairing) -> const ValidCall& {
    tensor.head_dim = head_dim;
    tensor.input = tensor.output = memory.data();
    tensor.input_dtype = from;
    tensor.output_dtype = to;
    tensor.output_pairing = pairing;
    return call;
  };
  struct Sides {
    rotary_dtype from, to;
  };
  for (const Sides& sides :
       {Sides{ROTARY_F32, ROTARY_F32}, Sides{ROTARY_F16, ROTARY_F16},
        Sides{ROTARY_BF16, ROTARY_F16}}) {
    const rotary_dtype from = sides.from;
    const rotary_dtype to = sides.to;
    CAPTURE(from);
    CheckApplyAccepted(with(4096, from, to, ROTARY_INTERLEAVED));
    CheckApplyRefused(with(4097, from, to, ROTARY_INTERLEAVED), expected);
    // The same pairing, or elsewhere.
    CheckApplyAccepted(with(4097, from, to, ROTARY_HALF));
    std::vector<float> elsewhere(memory.size());
    with(4097, from, to, ROTARY_INTERLEAVED);
    tensor.output = elsewhere.data();
    CheckApplyAccepted(call);
    // In place without saying so.
    tensor.output = nullptr;
    CheckApplyRefused(call, expected);
    CheckApplyAccepted(with(4096, from, to, ROTARY_INTERLEAVED));
  }
}

TEST_CASE("in place the output's strides and store are not read") {
  ValidCall call;
  rotary_tensor& tensor = call.tensors[1];
  tensor.output_batch_stride = kMax64;
  tensor.output_token_stride = 0;
  tensor.output_head_stride = -1;
  tensor.output_store = 99;
  CheckApplyAccepted(call);
  tensor.output_pairing = ROTARY_INTERLEAVED;
  CheckApplyAccepted(call);
  // Its format is.
  Wrong expected = {"tensors[1].output_pairing", 99};
  expected.tensor = 1;
  tensor.output_pairing = 99;
  CheckApplyRefused(call, expected);
  tensor.output_pairing = 0;
  expected = {"tensors[1].output_dtype", -1};
  expected.tensor = 1;
  tensor.output_dtype = -1;
  CheckApplyRefused(call, expected);
  // Elements of another size cannot be in place.
  expected = {"tensors[1].output"};
  expected.status = ROTARY_ERROR_OVERLAP;
  expected.tensor = 1;
  tensor.output_dtype = ROTARY_BF16;
  CheckApplyRefused(call, expected);
}

TEST_CASE("sizes whose products do not fit are refused") {
  ValidCall call;
  Wrong expected;
  expected.tensor = 0;
  const auto refused = [&](const char* argument, int64_t value) {
    expected.argument = std::string("tensors[0].") + argument;
    expected.value = value;
    CheckApplyRefused(call, expected);
    call.tensors[0].input_dtype = ROTARY_BF16;
    call.tensors[0].output_dtype = ROTARY_F16;
    CheckApplyRefused(call, expected);
    call.tensors[0] = ValidCall().tensors[0];
    call.tensors[0].input = call.first_input.data();
    call.tensors[0].output = call.first_output.data();
  };
  for (const int64_t value :
       {kMax64, -kMax64, kMax64 / 2 + 1, kMin64 / 4, int64_t{1} << 60}) {
    CAPTURE(value);
    call.tensors[0].input_batch_stride = value;
    refused("input_batch_stride", value);
    call.tensors[0].input_token_stride = value;
    refused("input_token_stride", value);
    call.tensors[0].input_head_stride = value;
    refused("input_head_stride", value);
    call.tensors[0].output_batch_stride = value;
    refused("output_batch_stride", value);
    call.tensors[0].output_token_stride = value;
    refused("output_token_stride", value);
    call.tensors[0].output_head_stride = value;
    refused("output_head_stride", value);
  }
}

}  // namespace
}  // namespace rotary_test
