// What is wrong with the arguments of rotary_apply and rotary_prepare (with
// their tensors: tensor_errors_test.cc).
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <cstring>
#include <vector>

#include "tests/config/valid_call.h"

namespace rotary_test {
namespace {

// A call with one field of args set to a value.
template <typename Field, typename Value>
Spoiled Args(Field rotary_apply_args::*field, Value value,
             const Wrong& expected) {
  return {
      [=](ValidCall* call) { call->args.*field = static_cast<Field>(value); },
      expected};
}

TEST_CASE("the call that the others spoil is valid") {
  ValidCall call;
  const std::vector<unsigned char> before = call.Memory();
  CheckApplyAccepted(call);
  CHECK(call.Memory() != before);
  ValidCall by_rows;
  by_rows.UseRows();
  CheckApplyAccepted(by_rows);
  CHECK(by_rows.Memory() != before);
}

TEST_CASE("arguments of a call are checked") {
  std::vector<Spoiled> cases;
  for (const int64_t value : {int64_t{-1}, kMin64}) {
    cases.push_back(Args(&rotary_apply_args::batch, value, {"batch", value}));
    cases.push_back(Args(&rotary_apply_args::tokens, value, {"tokens", value}));
    cases.push_back(
        Args(&rotary_apply_args::num_tensors, value, {"num_tensors", value}));
  }
  cases.push_back(
      Args(&rotary_apply_args::num_tensors, kMax64, {"num_tensors", kMax64}));
  cases.push_back(Args(&rotary_apply_args::batch, kMax64, {"batch", kMax64}));
  cases.push_back(Args(&rotary_apply_args::tensors, nullptr, {"tensors"}));
  for (const int32_t value : {-1, INT32_MIN}) {
    cases.push_back(
        Args(&rotary_apply_args::num_threads, value, {"num_threads", value}));
  }
  for (const int32_t value : {-1, 2, INT32_MAX, INT32_MIN}) {
    cases.push_back(
        Args(&rotary_apply_args::transpose, value, {"transpose", value}));
  }
  for (const int32_t value : {-1, 3, INT32_MAX, INT32_MIN}) {
    cases.push_back(Args(&rotary_apply_args::mode, value, {"mode", value}));
  }
  for (const int32_t value : {-1, 1}) {
    cases.push_back(
        Args(&rotary_apply_args::reserved, value, {"reserved", value}));
  }
  CheckAllRefused(cases);
}

TEST_CASE("a call cannot be held to a target that there is not") {
  const std::string too_long(1000, 'x');
  for (const char* name :
       {"avx9", "", "avx", "scalar ", "%s%n", too_long.c_str()}) {
    ValidCall call;
    call.args.target = name;
    Wrong expected = {"target"};
    expected.status = ROTARY_ERROR_TARGET;
    CheckApplyRefused(call, expected);
    rotary_error error;
    rotary_apply(&call.args, &error);
    const std::string quoted = std::string(name).substr(0, 16);
    CHECK(std::string(error.message).find(quoted) != std::string::npos);
  }
  ValidCall call;
  call.args.target = "ScaLAR";
  CheckApplyAccepted(call);
}

// By a caller's own cos and sin: cos_sin_positions_test.cc.
TEST_CASE("a call takes rows, or an embedding and positions") {
  const auto by_both = [](ValidCall* call) {
    call->args.rows = call->rows.get();
  };
  const auto by_none = [](ValidCall* call) { call->args.embedding = nullptr; };
  CheckAllRefused({{by_both, {"rows"}}, {by_none, {"embedding"}}});
  CheckAllRefused(
      {Args(&rotary_apply_args::positions, nullptr, {"positions"})});

  std::vector<Spoiled> cases = {
      {[](ValidCall* call) { call->args.positions = &call->positions; },
       {"rows"}},
      {[](ValidCall* call) { call->args.embedding = call->embedding.get(); },
       {"rows"}}};
  for (const int32_t value : {1, 2, 3, -1}) {
    cases.push_back(Args(&rotary_apply_args::mode, value, {"mode", value}));
  }
  CheckAllRefused(cases, true);
}

TEST_CASE("rows that a call names must be rows") {
  ValidCall call;
  call.UseRows();
  std::vector<uint64_t> garbage(1000, 0x0123456789abcdefu);
  call.args.rows = reinterpret_cast<const rotary_rows*>(garbage.data());
  CheckApplyRefused(call, {"rows"});
  garbage.assign(garbage.size(), 0);
  CheckApplyRefused(call, {"rows"});
  call.args.rows = reinterpret_cast<const rotary_rows*>(
      reinterpret_cast<const char*>(call.rows.get()) + 4);
  CheckApplyRefused(call, {"rows"});
  // Embeddings are not rows.
  call.args.rows = reinterpret_cast<const rotary_rows*>(call.embedding.get());
  CheckApplyRefused(call, {"rows"});
}

TEST_CASE("the rows of a call must exist") {
  struct Ranges {
    int64_t first_row, row_batch_stride, row_token_stride;
    bool legal;
  };
  // 2 sequences of 3 tokens; there are 6 rows.
  for (const Ranges& range :
       std::vector<Ranges>{{0, ROTARY_DENSE, ROTARY_DENSE, true},
                           {0, 3, 1, true},
                           {5, -3, -1, true},
                           {5, 0, 0, true},
                           {3, 0, 1, true},
                           {2, 3, -1, true},
                           {-1, ROTARY_DENSE, ROTARY_DENSE, false},
                           {1, ROTARY_DENSE, ROTARY_DENSE, false},
                           {6, 0, 0, false},
                           {-1, 0, 0, false},
                           {4, -3, -1, false},
                           {5, -4, -1, false},
                           {1, 3, -1, false},
                           {0, 4, 1, false},
                           {0, -1, 1, false},
                           {0, 0, 3, false},
                           {0, kMax64, 0, false},
                           {0, 0, kMax64, false},
                           {0, 0, -kMax64, false},
                           {0, kMax64, kMax64, false},
                           {kMax64, 0, 1, false},
                           {kMax64, kMax64, kMax64, false},
                           {kMin64, 0, 0, false},
                           {kMin64, -1, -1, false}}) {
    ValidCall call;
    call.UseRows();
    call.args.first_row = range.first_row;
    call.args.row_batch_stride = range.row_batch_stride;
    call.args.row_token_stride = range.row_token_stride;
    if (range.legal) {
      CheckApplyAccepted(call);
    } else {
      CheckApplyRefused(call, {"first_row", range.first_row});
    }
  }
}

TEST_CASE("the rows of every head must exist") {
  struct Ranges {
    int64_t first_row, row_batch_stride, row_token_stride, row_head_stride;
    bool legal;
  };
  // 2 sequences of 3 tokens of at most 2 heads; there are 6 rows.
  for (const Ranges& range : std::vector<Ranges>{{0, 0, 2, 1, true},
                                                 {0, 0, 0, 5, true},
                                                 {0, 3, 1, 0, true},
                                                 {5, 0, 0, -5, true},
                                                 {1, 2, 1, -1, true},
                                                 {2, 3, -1, 0, true},
                                                 {0, 3, 1, 1, false},
                                                 {0, 0, 0, 6, false},
                                                 {5, 0, 0, 1, false},
                                                 {0, 0, 2, -1, false},
                                                 {4, 0, 0, -5, false},
                                                 {0, 0, 2, 2, false},
                                                 {0, 0, 0, kMax64, false},
                                                 {5, 0, 0, kMax64, false},
                                                 {0, 0, 0, kMin64, false},
                                                 {5, -1, 0, kMin64, false},
                                                 {0, 0, 0, -kMax64, false}}) {
    CAPTURE(range.first_row);
    CAPTURE(range.row_head_stride);
    // The most heads may be any tensor's, also one of many.
    for (const int64_t num_tensors : {2, 8, 9, 20}) {
      ValidCall call;
      call.UseRows();
      call.args.first_row = range.first_row;
      call.args.row_batch_stride = range.row_batch_stride;
      call.args.row_token_stride = range.row_token_stride;
      call.args.row_head_stride = range.row_head_stride;
      std::vector<rotary_tensor> tensors(static_cast<size_t>(num_tensors),
                                         call.tensors[1]);
      std::vector<std::vector<float>> data(tensors.size(), call.second);
      for (size_t i = 0; i < tensors.size(); ++i) {
        tensors[i].input = data[i].data();
      }
      tensors.back() = call.tensors[0];
      call.args.tensors = tensors.data();
      call.args.num_tensors = num_tensors;
      if (range.legal) {
        CheckApplyAccepted(call);
      } else {
        CheckApplyRefused(call, {"first_row", range.first_row});
      }
    }
  }
}

TEST_CASE("a stride of heads is of rows, and used by more than one head") {
  for (const int64_t stride : {int64_t{1}, int64_t{-1}, kMax64, kMin64}) {
    ValidCall by_embedding;
    by_embedding.args.row_head_stride = stride;
    CheckApplyRefused(by_embedding, {"row_head_stride", stride});
    ValidCall call;
    call.UseRows();
    call.args.row_head_stride = stride;
    call.args.tensors = call.tensors + 1;
    call.args.num_tensors = 1;
    CheckApplyAccepted(call);
    // So it is with the strides of one token.
    ValidCall single;
    single.UseRows();
    single.args.batch = single.args.tokens = 1;
    single.args.row_batch_stride = single.args.row_token_stride = stride;
    CheckApplyAccepted(single);
    // No head has a row, wherever that would be.
    call.args.first_row = 1000;
    call.tensors[1].heads = 0;
    CheckApplyAccepted(call);
    call.tensors[1].heads = -1;
    Wrong heads = {"tensors[0].heads", -1};
    heads.tensor = 0;
    CheckApplyRefused(call, heads);
  }
}

TEST_CASE("no size is legal, and nothing is done") {
  for (const int which : {0, 1, 2, 3}) {
    ValidCall call;
    if (which == 0) call.args.batch = 0;
    if (which == 1) call.args.tokens = 0;
    if (which == 2) call.tensors[0].heads = call.tensors[1].heads = 0;
    if (which == 3) {
      call.args.num_tensors = 0;
      call.args.tensors = nullptr;
    }
    const std::vector<unsigned char> before = call.Memory();
    CheckApplyAccepted(call);
    for (rotary_tensor& tensor : call.tensors) {
      tensor.input = nullptr;
      tensor.output = nullptr;
    }
    if (which < 2) call.positions.data = nullptr;
    CheckApplyAccepted(call);
    CHECK(call.Memory() == before);
  }
}

TEST_CASE("apply needs args") {
  CheckRefused([](rotary_error* e) { return rotary_apply(nullptr, e); },
               {"args"});
}

}  // namespace
}  // namespace rotary_test
