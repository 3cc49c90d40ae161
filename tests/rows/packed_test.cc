// Packed batches: sequences of any length one behind the other, against the
// same sequences one by one.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "tests/support/guarded_buffer.h"
#include "tests/support/objects.h"
#include "tests/support/random.h"

namespace rotary_test {
namespace {

constexpr int64_t kDim = 12;
constexpr int64_t kHeads = 2;
constexpr int64_t kToken = kHeads * kDim;

// Tokens [first, ..) of sequences of these lengths; the rest of `tokens` is
// padding, before and behind.
struct Packed {
  Packed(std::vector<int64_t> lengths, int64_t first, int64_t tokens_)
      : tokens(tokens_), cu_i64{first} {
    for (const int64_t length : lengths) {
      cu_i64.push_back(cu_i64.back() + length);
    }
    cu_i32.assign(cu_i64.begin(), cu_i64.end());
    Random random(static_cast<uint64_t>(tokens));
    for (size_t s = 0; s < lengths.size(); ++s) {
      starts.push_back(s % 4 == 2 ? ROTARY_NO_POSITION_I64
                                  : random.Integer(-1000000, 1000000));
    }
  }

  rotary_positions Positions(bool i64, bool with_starts) const {
    rotary_positions positions;
    rotary_positions_init(&positions, sizeof(positions));
    positions.kind = ROTARY_POSITION_PACKED;
    positions.offset = 7;
    if (with_starts) positions.data = starts.data();
    positions.dtype = ROTARY_I64;
    positions.num_sequences = static_cast<int64_t>(starts.size());
    positions.cu_seqlens_dtype = i64 ? ROTARY_I64 : ROTARY_I32;
    if (i64) {
      positions.cu_seqlens = cu_i64.data();
    } else {
      positions.cu_seqlens = cu_i32.data();
    }
    return positions;
  }

  // The position of each token, and whether it is padding.
  std::vector<int64_t> Ids(bool with_starts, std::vector<bool>* padding) const {
    std::vector<int64_t> ids(static_cast<size_t>(tokens), 0);
    padding->assign(ids.size(), true);
    for (size_t s = 0; s < starts.size(); ++s) {
      const int64_t start = with_starts ? starts[s] : 0;
      for (int64_t t = cu_i64[s]; t < cu_i64[s + 1]; ++t) {
        const auto token = static_cast<size_t>(t);
        (*padding)[token] = false;
        ids[token] =
            start == ROTARY_NO_POSITION_I64 ? start : start + 7 + t - cu_i64[s];
      }
    }
    return ids;
  }

  int64_t tokens;
  std::vector<int64_t> cu_i64;
  std::vector<int32_t> cu_i32;
  std::vector<int64_t> starts;
};

std::vector<float> Numbers(int64_t tokens) {
  std::vector<float> x(static_cast<size_t>(tokens * kToken));
  Random random(3);
  for (float& value : x) {
    value = static_cast<float>(random.Integer(-1000, 1000)) / 8;
  }
  return x;
}

rotary_tensor TensorOf(const std::vector<float>& x, std::vector<float>* y) {
  rotary_tensor tensor;
  rotary_tensor_init(&tensor, sizeof(tensor));
  tensor.heads = kHeads;
  tensor.head_dim = kDim;
  tensor.input = x.data();
  tensor.input_pairing = ROTARY_HALF;
  tensor.output = y->data();
  return tensor;
}

bool SameBytes(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() &&
         std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

void CheckPacked(const Packed& packed, bool i64, bool with_starts) {
  const Embedding embedding = MakeEmbedding(kDim, 10000, 1.25);
  const std::vector<float> x = Numbers(packed.tokens);
  std::vector<bool> padding;
  const std::vector<int64_t> ids = packed.Ids(with_starts, &padding);
  const rotary_positions by_id = MakePositions(ids);
  const rotary_positions by_sequence = packed.Positions(i64, with_starts);

  std::vector<float> expected(x.size(), -1.0f);
  const std::vector<rotary_tensor> tensors = {TensorOf(x, &expected)};
  rotary_apply_args args = MakeApplyArgs(1, packed.tokens, tensors);
  args.embedding = embedding.get();
  args.positions = &by_id;
  ApplyOk(args);
  for (size_t t = 0; t < padding.size(); ++t) {
    if (!padding[t]) continue;
    std::fill_n(expected.begin() + static_cast<std::ptrdiff_t>(t * kToken),
                kToken, -1.0f);
  }

  Rows rows = MakeRows(embedding.get(), ids);
  SetRowsOk(rows.get(),
            MakeRowsArgs(embedding.get(), &by_sequence, packed.tokens));
  for (const bool kept_rows : {false, true}) {
    for (const int32_t threads : {1, 3}) {
      CAPTURE(kept_rows);
      CAPTURE(threads);
      std::vector<float> y(x.size(), -1.0f);
      const std::vector<rotary_tensor> outputs = {TensorOf(x, &y)};
      rotary_apply_args call = MakeApplyArgs(1, packed.tokens, outputs);
      call.num_threads = threads;
      if (kept_rows) {
        call.rows = rows.get();
      } else {
        call.embedding = embedding.get();
        call.positions = &by_sequence;
      }
      ApplyOk(call);
      CHECK(SameBytes(y, expected));
    }
  }
}

void CheckRefused(const rotary_positions& positions, int64_t batch,
                  const char* argument, int64_t value) {
  const Embedding embedding = MakeEmbedding(kDim);
  const std::vector<rotary_tensor> none;
  rotary_apply_args args = MakeApplyArgs(batch, 10, none);
  args.embedding = embedding.get();
  args.positions = &positions;
  rotary_error error;
  CHECK(rotary_apply(&args, &error) != ROTARY_OK);
  CHECK(std::string(error.argument) == argument);
  CHECK(error.value == value);
}

}  // namespace

TEST_CASE("packed batches: as their sequences one by one") {
  const std::vector<Packed> cases = {Packed({10}, 0, 10),
                                     Packed({3, 4, 5}, 0, 15),
                                     Packed({3, 0, 4, 0}, 2, 20),
                                     Packed({}, 0, 5),
                                     Packed({}, 3, 5),
                                     Packed({0, 0, 7}, 0, 7),
                                     Packed({1, 1, 1, 1, 1}, 1, 7),
                                     Packed({200, 1, 63, 64, 65, 30}, 5, 500)};
  for (const Packed& packed : cases) {
    CAPTURE(packed.tokens);
    CAPTURE(packed.starts.size());
    for (const bool i64 : {false, true}) {
      for (const bool with_starts : {false, true}) {
        CheckPacked(packed, i64, with_starts);
      }
    }
  }
}

TEST_CASE("packed batches: wrong ones are refused") {
  Packed packed({3, 4}, 1, 10);
  CheckRefused(packed.Positions(true, false), 2, "batch", 2);
  packed.cu_i64 = {0, 5, 11};
  CheckRefused(packed.Positions(true, false), 1, "positions.cu_seqlens", 11);
  packed.cu_i64 = {0, 5, 4};
  CheckRefused(packed.Positions(true, false), 1, "positions.cu_seqlens", 4);
  packed.cu_i64 = {-1, 5, 6};
  CheckRefused(packed.Positions(true, false), 1, "positions.cu_seqlens", -1);
  packed.cu_i64 = {0, 5, 6};
  rotary_positions positions = packed.Positions(true, false);
  positions.cu_seqlens_dtype = ROTARY_U32;
  CheckRefused(positions, 1, "positions.cu_seqlens_dtype", ROTARY_U32);
  positions = packed.Positions(true, false);
  positions.num_sequences = -1;
  CheckRefused(positions, 1, "positions.num_sequences", -1);
  // The last token of a sequence is out of range.
  packed.starts = {INT32_MAX - 7 - 3, 0};
  CheckRefused(packed.Positions(true, true), 1, "positions.data",
               INT32_MAX - 7 - 3);
  packed.starts[0] -= 1;
  positions = packed.Positions(true, true);
  const Embedding embedding = MakeEmbedding(kDim);
  const std::vector<rotary_tensor> none;
  rotary_apply_args args = MakeApplyArgs(1, 10, none);
  args.embedding = embedding.get();
  args.positions = &positions;
  ApplyOk(args);
}

}  // namespace rotary_test
