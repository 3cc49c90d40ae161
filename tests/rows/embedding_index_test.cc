// Rows of several embeddings in one call: each token's are, bit by bit, those
// of a call with its embedding alone.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <cstring>
#include <vector>

#include "tests/rows/row_check.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/random.h"
#include "tests/support/targets.h"

namespace rotary_test {
namespace {

constexpr int64_t kDim = 24;

// A table, another, xPos and HF's arithmetic; or, with heads, three without a
// table.
class Models {
 public:
  explicit Models(int64_t heads = 1) {
    rotary_embedding_config config = MakeConfig(kDim);
    config.heads = heads;
    Add(config);
    config.base = 500000;
    config.gain = 1.5;
    Add(config);
    if (heads == 1) {
      config.xpos = ROTARY_XPOS_QUERY;
      Add(config);
      config.xpos = ROTARY_XPOS_NONE;
    }
    config.arithmetic = ROTARY_COMPATIBLE_HF;
    Add(config);
  }

  const rotary_embedding* operator[](size_t i) const { return list_[i]; }
  const rotary_embedding* const* data() const { return list_.data(); }
  int64_t count() const { return static_cast<int64_t>(list_.size()); }

 private:
  void Add(const rotary_embedding_config& config) {
    owned_.push_back(Create(config));
    list_.push_back(owned_.back().get());
  }

  std::vector<Embedding> owned_;
  std::vector<const rotary_embedding*> list_;
};

Rows EmptyRows(const rotary_embedding* embedding, int64_t tokens) {
  rotary_rows* made = nullptr;
  rotary_error error;
  RequireOk(
      rotary_rows_create(embedding, tokens * rotary_embedding_heads(embedding),
                         &made, &error),
      error);
  return Rows(made);
}

// A call's rows must be those of calls with each embedding, of the tokens whose
// embedding it is; index_of(b, t) is -1 of tokens that have no row.
template <typename IndexOf>
void CheckCall(const Models& models, rotary_rows_args args,
               const IndexOf& index_of) {
  const int64_t heads = rotary_embedding_heads(models[0]);
  const int64_t tokens = args.batch * args.tokens;
  args.embeddings = models.data();
  args.num_embeddings = models.count();
  ForEachTarget([&](const char* target) {
    args.target = target;
    std::vector<RowValues> single;
    for (int64_t i = 0; i < models.count(); ++i) {
      rotary_rows_args one = args;
      one.embedding = models[static_cast<size_t>(i)];
      one.embeddings = nullptr;
      one.num_embeddings = 0;
      one.embedding_index = nullptr;
      const Rows rows = EmptyRows(models[0], tokens);
      SetRowsOk(rows.get(), one);
      single.push_back(ReadRows(rows.get()));
    }
    for (const int32_t threads : {0, 1, 2}) {
      args.num_threads = threads;
      const Rows rows = EmptyRows(models[0], tokens);
      SetRowsOk(rows.get(), args);
      const RowValues got = ReadRows(rows.get());
      int64_t different = 0;
      for (int64_t token = 0; token < tokens; ++token) {
        const int64_t index =
            index_of(token / args.tokens, token % args.tokens);
        const RowValues& expected =
            single[static_cast<size_t>(index < 0 ? 0 : index)];
        const size_t bytes = static_cast<size_t>(got.pairs) * sizeof(float);
        for (int64_t row = token * heads; row < (token + 1) * heads; ++row) {
          if (std::memcmp(got.Cos(row), expected.Cos(row), bytes) != 0 ||
              std::memcmp(got.Sin(row), expected.Sin(row), bytes) != 0) {
            ++different;
          }
          if (index < 0 && got.Sin(row)[0] != 0) ++different;
        }
      }
      CHECK(different == 0);
    }
  });
}

rotary_rows_args MakeArgs(const rotary_positions* positions,
                          const int32_t* index, int64_t batch, int64_t tokens) {
  rotary_rows_args args = MakeRowsArgs(nullptr, positions, tokens);
  args.batch = batch;
  args.embedding_index = index;
  return args;
}

std::vector<int64_t> Ids(int64_t count) {
  std::vector<int64_t> ids;
  Random random(3);
  for (int64_t i = 0; i < count; ++i) {
    ids.push_back(i % 7 == 3 ? ROTARY_NO_POSITION_I64
                             : random.Integer(-9000, 9000));
  }
  return ids;
}

TEST_CASE("several embeddings: one for each sequence") {
  for (const int64_t heads : {1, 3}) {
    const Models models(heads);
    const std::vector<int64_t> ids = Ids(5 * 70);
    const rotary_positions positions = MakePositions(ids);
    const std::vector<int32_t> index = {2, 0, 1, 1, 2};
    rotary_rows_args args = MakeArgs(&positions, index.data(), 5, 70);
    const auto index_of = [&](int64_t b, int64_t) {
      return index[static_cast<size_t>(b)];
    };
    for (const rotary_mode mode :
         {ROTARY_FORWARD, ROTARY_INVERSE, ROTARY_SHIFT}) {
      args.mode = mode;
      CheckCall(models, args, index_of);
    }
    args.mode = ROTARY_FORWARD;
    args.log_n_length = 4096;
    CheckCall(models, args, index_of);
    // Backwards, with gaps.
    const std::vector<int32_t> wide = {2, -7, 1, -7, 1, -7, 0, -7, 2};
    args.embedding_index = wide.data() + 8;
    args.index_batch_stride = -2;
    CheckCall(models, args, index_of);
  }
}

TEST_CASE("several embeddings: one for each token") {
  const Models models;
  const std::vector<int64_t> ids = Ids(3 * 150);
  const rotary_positions positions = MakePositions(ids);
  std::vector<int32_t> index(3 * 150);
  Random random(9);
  for (size_t i = 0; i < index.size(); ++i) {
    // Runs of one embedding, also longer than any block.
    index[i] = i % 150 < 70 ? 3 : static_cast<int32_t>(random.Integer(0, 3));
  }
  rotary_rows_args args = MakeArgs(&positions, index.data(), 3, 150);
  args.index_batch_stride = 150;
  args.index_token_stride = 1;
  CheckCall(models, args, [&](int64_t b, int64_t t) {
    return index[static_cast<size_t>(b * 150 + t)];
  });
  // The same in each sequence; [tokens][batch].
  args.index_batch_stride = 0;
  CheckCall(models, args,
            [&](int64_t, int64_t t) { return index[static_cast<size_t>(t)]; });
  args.index_batch_stride = 1;
  args.index_token_stride = 3;
  CheckCall(models, args, [&](int64_t b, int64_t t) {
    return index[static_cast<size_t>(t * 3 + b)];
  });
}

// Sequences of 3, 0, 90 and 4 tokens, between padding.
struct PackedBatch {
  PackedBatch() : positions() {
    rotary_positions_init(&positions, sizeof(positions));
    positions.kind = ROTARY_POSITION_PACKED;
    positions.data = starts;
    positions.dtype = ROTARY_I64;
    positions.cu_seqlens = cu_seqlens;
    positions.cu_seqlens_dtype = ROTARY_I32;
    positions.num_sequences = 4;
  }
  PackedBatch(const PackedBatch&) = delete;
  PackedBatch& operator=(const PackedBatch&) = delete;
  ~PackedBatch() = default;

  int64_t SequenceOf(int64_t t) const {
    for (int64_t s = 0; s < 4; ++s) {
      if (t >= cu_seqlens[s] && t < cu_seqlens[s + 1]) return s;
    }
    return -1;
  }

  int64_t starts[4] = {100, 0, -50, 7};
  int32_t cu_seqlens[5] = {2, 5, 5, 95, 99};
  static constexpr int64_t kTokens = 103;
  rotary_positions positions;
};

TEST_CASE("several embeddings: packed, one for each sequence") {
  const Models models;
  const PackedBatch packed;
  for (const Flush flush : {Flush::kStart, Flush::kEnd}) {
    const GuardedBuffer memory(4 * sizeof(int32_t), flush);
    int32_t* const index = memory.As<int32_t>();
    const int32_t values[] = {1, 99, 3, 0};  // that of no tokens is not read
    std::memcpy(index, values, sizeof(values));
    rotary_rows_args args =
        MakeArgs(&packed.positions, index, 1, PackedBatch::kTokens);
    for (const double log_n_length : {0.0, 16.0}) {
      args.log_n_length = log_n_length;
      CheckCall(models, args, [&](int64_t, int64_t t) {
        const int64_t s = packed.SequenceOf(t);
        return s < 0 ? -1 : values[s];
      });
    }
  }
}

TEST_CASE("several embeddings: packed, one for each token") {
  const Models models;
  const PackedBatch packed;
  for (const Flush flush : {Flush::kStart, Flush::kEnd}) {
    // Tokens 2 to 98: the padding's are in the guard pages.
    const GuardedBuffer memory(97 * sizeof(int32_t), flush);
    std::vector<int32_t> values;
    for (int32_t i = 0; i < 97; ++i) values.push_back(i / 5 % 4);
    std::memcpy(memory.data(), values.data(), 97 * sizeof(int32_t));
    rotary_rows_args args = MakeArgs(
        &packed.positions, memory.As<int32_t>() - 2, 1, PackedBatch::kTokens);
    args.index_batch_stride = 0;
    args.index_token_stride = 1;
    CheckCall(models, args, [&](int64_t, int64_t t) {
      return packed.SequenceOf(t) < 0 ? -1 : values[static_cast<size_t>(t - 2)];
    });
  }
}

TEST_CASE("several embeddings: of no tokens, nothing is needed") {
  const Models models;
  const std::vector<int64_t> none;
  const rotary_positions positions = MakePositions(none);
  const Rows rows = EmptyRows(models[0], 2);
  for (const int64_t batch : {0, 5}) {
    rotary_rows_args args =
        MakeArgs(&positions, nullptr, batch, batch == 0 ? 9 : 0);
    args.embeddings = models.data();
    args.num_embeddings = models.count();
    SetRowsOk(rows.get(), args);
  }
}

}  // namespace
}  // namespace rotary_test
