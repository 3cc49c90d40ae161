// What is wrong with the arguments of rotary_apply_qk, by their names there.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

#include "tests/config/valid_call.h"

namespace rotary_test {
namespace {

struct FlatCall {
  FlatCall() = default;
  FlatCall(const FlatCall&) = delete;
  FlatCall& operator=(const FlatCall&) = delete;
  ~FlatCall() = default;

  Embedding owner = MakeEmbedding(8);
  std::vector<int64_t> ids = {1, 2, 3};
  std::vector<float> q_data = std::vector<float>(72, 1.5f);
  std::vector<float> k_data = std::vector<float>(36, 2.5f);

  const rotary_embedding* embedding = owner.get();
  const void* position_ids = ids.data();
  rotary_dtype position_ids_dtype = ROTARY_I64;
  int64_t tokens = 3;
  rotary_dtype dtype = ROTARY_F32;
  rotary_pairing pairing = ROTARY_HALF;
  int64_t head_dim = 12;
  void* q = q_data.data();
  int64_t q_heads = 2;
  int64_t q_token_stride = ROTARY_DENSE;
  int64_t q_head_stride = ROTARY_DENSE;
  void* k = k_data.data();
  int64_t k_heads = 1;
  int64_t k_token_stride = ROTARY_DENSE;
  int64_t k_head_stride = ROTARY_DENSE;
  int32_t num_threads = 1;

  rotary_status Run(rotary_error* error) const {
    return rotary_apply_qk(embedding, position_ids, position_ids_dtype, tokens,
                           dtype, pairing, head_dim, q, q_heads, q_token_stride,
                           q_head_stride, k, k_heads, k_token_stride,
                           k_head_stride, num_threads, error);
  }
};

void CheckFlatRefused(const std::function<void(FlatCall*)>& spoil,
                      const Wrong& expected) {
  FlatCall call;
  spoil(&call);
  const std::vector<float> q = call.q_data, k = call.k_data;
  const std::vector<int64_t> ids = call.ids;
  CheckRefused([&](rotary_error* error) { return call.Run(error); }, expected);
  CHECK(call.q_data == q);
  CHECK(call.k_data == k);
  CHECK(call.ids == ids);
}

template <typename Field>
void CheckFlatRefused(Field FlatCall::*field, const std::vector<Field>& values,
                      const std::string& name) {
  for (const Field value : values) {
    CheckFlatRefused([=](FlatCall* call) { call->*field = value; },
                     {name, static_cast<int64_t>(value)});
  }
}

TEST_CASE("the flat call that the others spoil is valid") {
  const FlatCall call;
  const std::vector<float> q = call.q_data, k = call.k_data;
  rotary_error error;
  RequireOk(call.Run(&error), error);
  CHECK(call.q_data != q);
  CHECK(call.k_data != k);
  FlatCall without_k;
  without_k.k = nullptr;
  without_k.k_heads = 0;
  RequireOk(without_k.Run(&error), error);
  CHECK(without_k.q_data == call.q_data);
}

TEST_CASE("arguments of the flat call are checked") {
  CheckFlatRefused<int64_t>(&FlatCall::tokens, {-1, kMin64}, "tokens");
  CheckFlatRefused<rotary_dtype>(
      &FlatCall::position_ids_dtype,
      {0, -1, ROTARY_F16, ROTARY_BF16, 15, 20, INT32_MIN, INT32_MAX},
      "position_ids_dtype");
  CheckFlatRefused<rotary_dtype>(
      &FlatCall::dtype,
      {0, -1, 5, ROTARY_F64, ROTARY_I32, INT32_MIN, INT32_MAX}, "dtype");
  CheckFlatRefused<rotary_pairing>(&FlatCall::pairing,
                                   {0, -1, 3, INT32_MIN, INT32_MAX}, "pairing");
  CheckFlatRefused<int64_t>(&FlatCall::head_dim, {7, 0, -1, kMin64},
                            "head_dim");
  CheckFlatRefused<int64_t>(&FlatCall::q_heads, {-1, kMin64}, "q_heads");
  CheckFlatRefused<int64_t>(&FlatCall::k_heads, {-1, kMin64}, "k_heads");
  CheckFlatRefused<int64_t>(&FlatCall::q_token_stride, {kMax64, -kMax64},
                            "q_token_stride");
  CheckFlatRefused<int64_t>(&FlatCall::q_head_stride, {kMax64, -kMax64},
                            "q_head_stride");
  CheckFlatRefused<int64_t>(&FlatCall::k_token_stride, {kMax64, -kMax64},
                            "k_token_stride");
  CheckFlatRefused<int32_t>(&FlatCall::num_threads, {-1, INT32_MIN},
                            "num_threads");
}

TEST_CASE("the flat call refuses null pointers and unaligned data") {
  CheckFlatRefused([](FlatCall* call) { call->embedding = nullptr; },
                   {"embedding"});
  CheckFlatRefused([](FlatCall* call) { call->position_ids = nullptr; },
                   {"position_ids"});
  CheckFlatRefused([](FlatCall* call) { call->q = nullptr; }, {"q"});
  CheckFlatRefused([](FlatCall* call) { call->k = nullptr; }, {"k"});
  const auto behind = [](void* data) {
    return static_cast<void*>(static_cast<char*>(data) + 2);
  };
  CheckFlatRefused(
      [&](FlatCall* call) { call->position_ids = behind(call->ids.data()); },
      {"position_ids"});
  CheckFlatRefused([&](FlatCall* call) { call->q = behind(call->q); }, {"q"});
  CheckFlatRefused([&](FlatCall* call) { call->k = behind(call->k); }, {"k"});
}

TEST_CASE("the flat call names positions and overlaps") {
  Wrong position = {"position_ids", int64_t{1} << 31};
  position.status = ROTARY_ERROR_POSITION;
  position.token = 2;
  CheckFlatRefused([](FlatCall* call) { call->ids[2] = int64_t{1} << 31; },
                   position);
  Wrong overlap = {"k"};
  overlap.status = ROTARY_ERROR_OVERLAP;
  CheckFlatRefused([](FlatCall* call) { call->k = call->q; }, overlap);
  overlap.argument = "q_head_stride";
  CheckFlatRefused([](FlatCall* call) { call->q_head_stride = 0; }, overlap);
  overlap.argument = "k_token_stride";
  CheckFlatRefused([](FlatCall* call) { call->k_token_stride = 11; }, overlap);
}

}  // namespace
}  // namespace rotary_test
