// Which memory of a call may overlap: the layouts that models use, and the
// mistakes that callers make.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/config/shared_memory.h"
#include "tests/config/tensor_elements.h"
#include "tests/config/valid_call.h"

namespace rotary_test {
namespace {

TEST_CASE("queries and keys of a packed QKV are disjoint in any layout") {
  constexpr int64_t kQ = 4, kK = 2, kAll = kQ + 2 * kK;
  struct Layout {
    std::string name;
    int64_t batch, token, head;  // strides
    int64_t k_at;
  };
  const std::vector<Layout> layouts = {
      {"[B,S,Hq+2Hk,D]", kTokens * kAll * kDim, kAll * kDim, kDim, kQ * kDim},
      {"[S,B,Hq+2Hk,D]", kAll * kDim, kBatch * kAll * kDim, kDim, kQ * kDim},
      {"[B,Hq+2Hk,S,D]", kTokens * kAll * kDim, kDim, kTokens * kDim,
       kQ * kTokens * kDim},
      {"[Hq+2Hk,B,S,D]", kTokens * kDim, kDim, kBatch * kTokens * kDim,
       kQ * kBatch * kTokens * kDim},
      {"[Hq+2Hk,S,B,D]", kDim, kBatch * kDim, kBatch * kTokens * kDim,
       kQ * kBatch * kTokens * kDim},
      {"[S,Hq+2Hk,B,D]", kDim, kAll * kBatch * kDim, kBatch * kDim,
       kQ * kBatch * kDim},
      {"gaps", 500, 150, 11, 50},
      {"tokens backwards", kTokens * kAll * kDim, -kAll * kDim, kDim,
       kQ * kDim},
      {"keys before queries", kTokens * kAll * kDim, kAll * kDim, kDim,
       -2 * kK * kDim}};
  for (const Layout& layout : layouts) {
    CAPTURE(layout.name);
    SharedMemory shared;
    shared.Add(0, kQ, layout.batch, layout.token, layout.head);
    shared.Add(layout.k_at, kK, layout.batch, layout.token, layout.head);
    shared.CheckAccepted();
    // Also if both are written elsewhere, into another one like it.
    for (size_t i = 0; i < 2; ++i) {
      rotary_tensor& tensor = shared.tensors[i];
      tensor.output = shared.At(1500 + (i == 0 ? 0 : layout.k_at));
      tensor.output_batch_stride = layout.batch;
      tensor.output_token_stride = layout.token;
      tensor.output_head_stride = layout.head;
    }
    shared.CheckAccepted();
    // One key head too many, or too early.
    shared.tensors[0].output = shared.tensors[1].output = nullptr;
    shared.tensors[1].input = shared.At(layout.k_at - 1);
    const TensorSide q = InputOf(shared.Args(), shared.tensors[0]);
    const TensorSide k = InputOf(shared.Args(), shared.tensors[1]);
    if (ByteSet(shared.memory, q).Meets(ByteSet(shared.memory, k))) {
      shared.CheckRefusedBecause(1, "input");
    }
  }
}

TEST_CASE("heads of queries and keys may alternate") {
  for (const int64_t gap : {int64_t{0}, int64_t{5}}) {
    // [B,S,H,(q,k,v),D]
    const int64_t head = 3 * kDim + gap;
    const int64_t token = 4 * head + gap;
    const int64_t batch = kTokens * token + gap;
    SharedMemory shared;
    for (const int64_t which : {0, 1, 2}) {
      shared.Add(which * kDim, 4, batch, token, head);
    }
    shared.CheckAccepted();
  }
  // [B,S,groups,(2 q, k, v),D]: two tensors of queries.
  SharedMemory groups;
  for (const int64_t which : {0, 1, 2}) {
    groups.Add(which * kDim, 3, kTokens * 12 * kDim, 12 * kDim, 4 * kDim);
  }
  groups.CheckAccepted();
  // The rotated columns of keys inside of wider rows, and other columns.
  SharedMemory columns;
  columns.Add(0, 1, kTokens * 100, 100, ROTARY_DENSE);
  columns.Add(60, 2, kTokens * 100, 100, 20);
  columns.CheckAccepted();
}

TEST_CASE("a tensor is rotated in place, or to memory of its own") {
  const int64_t size = kBatch * kTokens * 2 * kDim;
  for (const int64_t to : {int64_t{0}, size, -size, size + 1, int64_t{700}}) {
    CAPTURE(to);
    SharedMemory shared;
    shared.AddDense(0, 2)->output = shared.At(to);
    shared.CheckAccepted();
  }
  for (const int64_t to :
       {int64_t{1}, int64_t{-1}, kDim, -kDim, size - 1, 1 - size, int64_t{4}}) {
    CAPTURE(to);
    SharedMemory shared;
    shared.AddDense(0, 2)->output = shared.At(to);
    shared.CheckRefusedBecause(0, "output");
  }
  // The same pointer, but other strides.
  SharedMemory wider;
  wider.AddDense(0, 2)->output = wider.At(0);
  wider.tensors[0].output_token_stride = 2 * kDim + 1;
  wider.tensors[0].output_batch_stride = kTokens * (2 * kDim + 1);
  wider.CheckRefusedBecause(0, "output");
  // Other strides that are not used.
  SharedMemory single;
  single.batch = single.tokens = 1;
  single.AddDense(0, 1)->output = single.At(0);
  single.tensors[0].output_batch_stride = -1;
  single.tensors[0].output_token_stride = 0;
  single.tensors[0].output_head_stride = kMax64;
  single.CheckAccepted();
}

TEST_CASE("elements of an output must not coincide") {
  const auto refused = [](int64_t batch, int64_t token, int64_t head,
                          const std::string& stride) {
    SharedMemory in_place;
    in_place.Add(0, 2, batch, token, head);
    in_place.CheckRefusedBecause(0, "input_" + stride);
    SharedMemory elsewhere;
    rotary_tensor* const tensor = elsewhere.AddDense(0, 2);
    tensor->output = elsewhere.At(1000);
    tensor->output_batch_stride = batch;
    tensor->output_token_stride = token;
    tensor->output_head_stride = head;
    elsewhere.CheckRefusedBecause(0, "output_" + stride);
  };
  for (const int64_t head : {int64_t{0}, kDim - 1, 1 - kDim, int64_t{1}}) {
    refused(300, 100, head, "head_stride");
  }
  for (const int64_t token : {int64_t{0}, 2 * kDim - 1, 1 - 2 * kDim}) {
    refused(300, token, kDim, "token_stride");
  }
  for (const int64_t batch : {int64_t{0}, int64_t{47}}) {
    refused(batch, 2 * kDim, kDim, "batch_stride");
  }
  SharedMemory dense;
  dense.Add(0, 2, 6 * kDim, 2 * kDim, kDim);
  dense.CheckAccepted();
}

TEST_CASE("inputs may be broadcast and may overlap each other") {
  SharedMemory shared;
  shared.Add(0, 2, 0, 0, 0)->output = shared.At(500);
  shared.Add(0, 2, kDim, 3, 1)->output = shared.At(1000);
  shared.Add(5, 2, ROTARY_DENSE, ROTARY_DENSE, ROTARY_DENSE)->output =
      shared.At(1500);
  shared.CheckAccepted();
}

TEST_CASE("an output must not touch another tensor") {
  SharedMemory twice;
  twice.AddDense(0, 2);
  twice.AddDense(0, 2);
  twice.CheckRefusedBecause(1, "input");

  SharedMemory outputs;
  outputs.AddDense(0, 2)->output = outputs.At(500);
  outputs.AddDense(200, 2)->output = outputs.At(500 + kDim);
  outputs.CheckRefusedBecause(1, "output");

  SharedMemory in_between;
  in_between.AddDense(0, 2)->output = in_between.At(500);
  in_between.AddDense(500, 2)->output = in_between.At(1000);
  in_between.CheckRefusedBecause(1, "output");
  SharedMemory other_order;
  other_order.AddDense(500, 2)->output = other_order.At(1000);
  other_order.AddDense(0, 2)->output = other_order.At(500);
  other_order.CheckRefusedBecause(1, "output");

  // Far apart in the list.
  SharedMemory many;
  for (int64_t i = 0; i < 20; ++i) many.AddDense(100 * i, 2);
  many.CheckAccepted();
  many.tensors.back().input = many.At(1);
  many.CheckRefusedBecause(19, "input");
}

TEST_CASE("what lies apart by strides of its own is refused, not counted") {
  // Steps of one tensor would have to be looked at among all of the other.
  for (const bool wide_first : {false, true}) {
    CAPTURE(wide_first);
    SharedMemory shared;
    const auto add = [&](bool wide) {
      shared.Add(wide ? kDim : 0, 1, 100 * kDim, (wide ? 4 : 2) * kDim, kDim);
    };
    add(wide_first);
    add(!wide_first);
    const rotary_apply_args args = shared.Args();
    REQUIRE(OutputsAreDisjoint(shared.memory, args));
    const std::vector<float> before = shared.memory;
    rotary_error error;
    CHECK(rotary_apply(&args, &error) == ROTARY_ERROR_OVERLAP);
    CHECK(error.tensor == 1);
    CHECK(SameBytes(shared.memory, before));
  }
}

TEST_CASE("an output must not touch positions or rows") {
  Wrong expected = {"tensors[0].output"};
  expected.status = ROTARY_ERROR_OVERLAP;
  expected.tensor = 0;
  for (const int64_t last : {0, 1}) {
    ValidCall call;
    call.tensors[0].output = call.ids.data() + last * 5;
    CheckApplyRefused(call, expected);
  }
  ValidCall call;
  call.UseRows();
  auto* const rows = reinterpret_cast<char*>(call.rows.get());
  const size_t bytes = rotary_rows_bytes(call.rows.get());
  for (const size_t at : {size_t{0}, bytes / 2 / 4 * 4, bytes - 4}) {
    call.tensors[0].output = rows + at;
    CheckApplyRefused(call, expected);
  }
  expected.argument = "tensors[1].input";
  expected.tensor = 1;
  call.tensors[0].output = nullptr;
  call.tensors[1].input = rows;
  CheckApplyRefused(call, expected);
}

TEST_CASE("positions must not lie in the rows that are set") {
  const ValidCall call;
  rotary_positions positions = call.positions;
  positions.data = call.rows.get();
  rotary_rows_args args = MakeRowsArgs(call.embedding.get(), &positions, 1);
  Wrong expected = {"positions.data"};
  expected.status = ROTARY_ERROR_OVERLAP;
  // What is there happens to be no position; but a start of 0 always is one.
  positions.dtype = ROTARY_I32;
  positions.data = reinterpret_cast<const char*>(call.rows.get()) +
                   rotary_rows_bytes(call.rows.get()) - sizeof(int32_t);
  CheckSetRefused(call, args, expected);
}

}  // namespace
}  // namespace rotary_test
