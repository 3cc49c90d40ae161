#include "lib/apply/set_rows.h"

#include <algorithm>

#include "lib/apply/block.h"
#include "lib/rows/make_rows.h"

namespace rotary {
namespace {

const rotary_embedding* EmbeddingAt(const RowsCall& call, int64_t b,
                                    int64_t t) {
  if (call.embedding != nullptr) return call.embedding;
  const int32_t* index = IndexAt(call, b, t);
  return call.embeddings[index != nullptr ? *index : 0];
}

// Those of tokens [t, t + count) of sequence b, `row` on, which share an
// embedding.
void SetPlain(const RowsCall& call, const rotary_embedding& embedding,
              const RowFactors& factors, int64_t b, int64_t t, int64_t count,
              int64_t row) {
  const RowsView rows = ViewRows(call.rows);
  int32_t positions[kBlockTokens];
  MakeRowsJob job = RowsJob(embedding, factors);
  ReadPositions(call.positions, 0, b, t, count, positions);
  job.pair_begin = 0;
  job.pair_count = job.padded_pairs;
  job.positions = positions;
  job.count = count;
  job.cos = rows.cos + row * rows.row_stride;
  job.sin = rows.sin + row * rows.row_stride;
  job.row_stride = rows.row_stride;
  job.rotates = rows.rotates + row;
  kMakeRows[call.target](job);
  MarkRows(call.positions, t, count, job.rotates);
}

void SetOther(const RowsCall& call, const rotary_embedding& embedding,
              const RowFactors& factors, int64_t b, int64_t t, int64_t count,
              int64_t row) {
  const RowsView view = ViewRows(call.rows);
  TokenRows rows = {call.target,
                    &embedding,
                    &call.positions,
                    factors,
                    b,
                    t,
                    count,
                    0,
                    0,
                    embedding.padded_pairs,
                    nullptr,
                    nullptr,
                    call.heads * view.row_stride,
                    nullptr};
  uint8_t states[kBlockTokens];
  for (int64_t h = 0; h < call.heads; ++h) {
    const int64_t first = row + h;
    rows.head = h;
    rows.cos = view.cos + first * view.row_stride;
    rows.sin = view.sin + first * view.row_stride;
    rows.rotates = states;
    MakeTokenRows(rows);
    for (int64_t i = 0; i < count; ++i) {
      view.rotates[first + i * call.heads] = states[i];
    }
  }
}

}  // namespace

const int32_t* IndexAt(const RowsCall& call, int64_t b, int64_t t) {
  if (call.positions.cu_seqlens != nullptr) {
    b = SequenceAt(call.positions, t);
    if (b < 0) return nullptr;
  }
  return call.index + b * call.index_batch_stride + t * call.index_token_stride;
}

void SetRows(const RowsCall& call, const Range& tokens) {
  for (int64_t token = tokens.begin; token < tokens.end;) {
    const int64_t b = token / call.tokens;
    const int64_t t = token % call.tokens;
    const int64_t most =
        std::min({tokens.end - token, call.tokens - t, kBlockTokens});
    const rotary_embedding* embedding = EmbeddingAt(call, b, t);
    int64_t count = 1;
    while (count < most && (call.embedding != nullptr ||
                            EmbeddingAt(call, b, t + count) == embedding)) {
      ++count;
    }
    const RowFactors factors =
        FactorsOf(*embedding, call.mode, call.log_n_length);
    const bool plain = ArePlainRows(*embedding, call.positions, factors);
    const int64_t row = call.first_row + token * call.heads;
    (plain ? SetPlain : SetOther)(call, *embedding, factors, b, t, count, row);
    token += count;
  }
}

}  // namespace rotary
