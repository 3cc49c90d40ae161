#include "lib/config/rows_args.h"

#include <stdio.h>

#include <algorithm>

#include "lib/apply/set_rows.h"
#include "lib/config/common_args.h"
#include "lib/config/error.h"
#include "lib/config/region.h"
#include "lib/config/structs.h"

namespace rotary {
namespace {

// The embedding that tells what all have in common.
const rotary_embedding& FirstEmbedding(const RowsCall& call) {
  return call.embedding != nullptr ? *call.embedding : *call.embeddings[0];
}

// Number i of several; i < 0: the only one.
rotary_status CheckRowsEmbedding(const RowsCall& call, int64_t i,
                                 rotary_error* error) {
  char name[40] = "embedding";
  if (i >= 0) {
    snprintf(name, sizeof(name), "embeddings[%lld]", static_cast<long long>(i));
  }
  const rotary_embedding* embedding =
      i < 0 ? call.embedding : call.embeddings[i];
  if (embedding == nullptr) {
    FailNull(error, name);
    return ROTARY_ERROR_ARGUMENT;
  }
  if (embedding->pairs != call.rows->pairs) {
    return FailArgument(error, name, 2 * embedding->pairs,
                        "its rotary_dim is not the rows'");
  }
  const rotary_embedding& first = FirstEmbedding(call);
  if (embedding->axes != first.axes) {
    return FailArgument(error, name, embedding->axes,
                        "has another number of axes than the first");
  }
  if (embedding->heads != first.heads) {
    return FailArgument(error, name, embedding->heads,
                        "has another number of heads than the first");
  }
  return ROTARY_OK;
}

// The one, or several.
rotary_status ReadEmbeddings(const rotary_rows_args& from, RowsCall* call,
                             rotary_error* error) {
  call->embedding = from.embedding;
  call->embeddings = from.embeddings;
  if (from.embeddings == nullptr) {
    if (from.num_embeddings != 0) return FailNull(error, "embeddings");
    const rotary_status status = CheckRowsEmbedding(*call, -1, error);
    if (status != ROTARY_OK) return status;
    call->heads = from.embedding->heads;
    return ROTARY_OK;
  }
  if (from.embedding != nullptr) {
    Failure failure = {ROTARY_ERROR_ARGUMENT, "embedding"};
    failure.type = Failure::kNone;
    return Fail(error, failure, "is given together with embeddings");
  }
  if (from.num_embeddings < 1 || from.num_embeddings > INT32_MAX) {
    return FailArgument(error, "num_embeddings", from.num_embeddings,
                        "must be 1 to 2^31 - 1");
  }
  for (int64_t i = 0; i < from.num_embeddings; ++i) {
    const rotary_status status = CheckRowsEmbedding(*call, i, error);
    if (status != ROTARY_OK) return status;
  }
  call->heads = from.embeddings[0]->heads;
  return ROTARY_OK;
}

// The positions that all of several embeddings may have.
void CommonRanges(const rotary_rows_args& from, Mode mode,
                  PositionRange* ranges) {
  const int64_t axes = from.embeddings[0]->axes;
  for (int64_t a = 0; a < axes; ++a) {
    PositionRange* range = &ranges[a];
    *range = RangesOf(*from.embeddings[0], mode)[a];
    for (int64_t i = 1; i < from.num_embeddings; ++i) {
      const PositionRange& other = RangesOf(*from.embeddings[i], mode)[a];
      range->low = std::max(range->low, other.low);
      range->high = std::min(range->high, other.high);
      range->real_low = std::max(range->real_low, other.real_low);
      range->real_high = std::min(range->real_high, other.real_high);
    }
  }
}

// Nothing that is read may lie in the rows.
rotary_status CheckApart(const rotary_rows_args& from, const RowsCall& call,
                         const Sources& positions, rotary_error* error) {
  const Region block =
      MakeRegion(call.rows, static_cast<int64_t>(call.rows->bytes));
  if (positions.count > 1 && !Apart(positions.spans[1], block.span)) {
    Failure failure = {ROTARY_ERROR_OVERLAP, "positions.cu_seqlens"};
    failure.value = reinterpret_cast<intptr_t>(from.positions->cu_seqlens);
    return Fail(error, failure, "these overlap the rows");
  }
  if (!Apart(positions.spans[0], block.span) &&
      !Disjoint(PositionsRegion(call.positions, FirstEmbedding(call).axes,
                                {from.batch, from.tokens}),
                block)) {
    Failure failure = {ROTARY_ERROR_OVERLAP, "positions.data"};
    failure.value = reinterpret_cast<intptr_t>(from.positions->data);
    return Fail(error, failure, "these overlap the rows");
  }
  return ROTARY_OK;
}

// Which of several embeddings each token has; the positions have been read.
rotary_status ReadIndex(const rotary_rows_args& from, RowsCall* call,
                        rotary_error* error) {
  const bool packed = call->positions.cu_seqlens != nullptr;
  call->index = from.embedding_index;
  call->index_batch_stride =
      from.index_batch_stride == ROTARY_DENSE ? 1 : from.index_batch_stride;
  call->index_token_stride =
      from.index_token_stride == ROTARY_DENSE ? 0 : from.index_token_stride;
  if (from.batch == 0 || from.tokens == 0) return ROTARY_OK;
  if (call->index == nullptr) return FailNull(error, "embedding_index");
  const uintptr_t at = reinterpret_cast<uintptr_t>(call->index);
  if (at % sizeof(int32_t) != 0) {
    return FailArgument(error, "embedding_index", static_cast<int64_t>(at),
                        "must be aligned to its element");
  }
  const Shape shape = {packed ? call->positions.num_sequences : from.batch,
                       from.tokens};
  const Strides strides = {call->index_batch_stride, call->index_token_stride,
                           0};
  Region region;
  if (const int dim = MakeRegion(call->index, shape, 1, 1, strides,
                                 sizeof(int32_t), &region)) {
    return FailArgument(
        error, dim == 1 ? "index_batch_stride" : "index_token_stride",
        dim == 1 ? call->index_batch_stride : call->index_token_stride,
        "reaches further than memory can");
  }
  if (!Disjoint(region, MakeRegion(call->rows,
                                   static_cast<int64_t>(call->rows->bytes)))) {
    Failure failure = {ROTARY_ERROR_OVERLAP, "embedding_index"};
    failure.value = reinterpret_cast<intptr_t>(call->index);
    return Fail(error, failure, "it overlaps the rows");
  }
  for (int64_t b = 0; b < from.batch; ++b) {
    for (int64_t t = 0; t < from.tokens; ++t) {
      const int32_t* index = IndexAt(*call, b, t);
      if (index == nullptr) continue;
      if (*index >= 0 && *index < from.num_embeddings) continue;
      Failure failure = {ROTARY_ERROR_ARGUMENT, "embedding_index"};
      failure.value = *index;
      failure.token = b * from.tokens + t;
      return Fail(error, failure, "must be 0 to num_embeddings - 1");
    }
  }
  return ROTARY_OK;
}

// What the number of rows that a call sets is the product of.
const char* CountName(int64_t batch, int64_t heads) {
  if (heads == 1) return batch == 1 ? "tokens" : "batch * tokens";
  return batch == 1 ? "tokens * heads" : "batch * tokens * heads";
}

}  // namespace

rotary_status ReadRowsShape(const rotary_embedding* embedding, int64_t count,
                            size_t* bytes, rotary_error* error) {
  if (embedding == nullptr) return FailNull(error, "embedding");
  if (count < 0) {
    return FailArgument(error, "count", count, "must not be negative");
  }
  if (!RowsBytes(embedding->pairs, count, bytes)) {
    return FailArgument(error, "count", count, "too large");
  }
  return ROTARY_OK;
}

rotary_status CheckMemory(const void* memory, size_t bytes, size_t needed,
                          rotary_error* error) {
  if (memory == nullptr) return FailNull(error, "memory");
  constexpr uintptr_t kAlignment = 8;
  if (reinterpret_cast<uintptr_t>(memory) % kAlignment != 0) {
    return FailArgument(error, "memory", reinterpret_cast<intptr_t>(memory),
                        "must be aligned to 8 bytes");
  }
  if (bytes < needed) {
    char reason[64];
    snprintf(reason, sizeof(reason), "less than the %zu that are needed",
             needed);
    return FailArgument(error, "bytes", static_cast<int64_t>(bytes), reason);
  }
  return ROTARY_OK;
}

rotary_status CheckRows(const rotary_rows* rows, rotary_error* error) {
  if (rows == nullptr) return FailNull(error, "rows");
  if (!AreRows(rows)) {
    return FailArgument(error, "rows", reinterpret_cast<intptr_t>(rows),
                        "these are not rows that were initialized");
  }
  return ROTARY_OK;
}

rotary_status CheckRowRange(const rotary_rows* rows, int64_t first_row,
                            int64_t count, const char* count_name,
                            rotary_error* error) {
  if (count < 0) {
    return FailArgument(error, count_name, count, "must not be negative");
  }
  if (first_row < 0 || first_row > rows->count) {
    return FailArgument(error, "first_row", first_row, "not in the rows");
  }
  if (count > rows->count - first_row) {
    return FailArgument(error, count_name, count,
                        "rows from first_row on are more than there are");
  }
  return ROTARY_OK;
}

rotary_status ReadRowsArgs(rotary_rows* rows, const rotary_rows_args* from,
                           RowsCall* call, int32_t* num_threads,
                           rotary_error* error) {
  rotary_status status = CheckRows(rows, error);
  if (status != ROTARY_OK) return status;
  rotary_rows_args copy;
  status = ReadStruct(from, "args", "args.struct_size", &copy, &from, error);
  if (status != ROTARY_OK) return status;
  status = ReadTokens(from->batch, from->tokens, error);
  if (status != ROTARY_OK) return status;
  call->rows = rows;
  call->first_row = from->first_row;
  call->batch = from->batch;
  call->tokens = from->tokens;
  status = ReadEmbeddings(*from, call, error);
  if (status != ROTARY_OK) return status;
  const int64_t tokens = from->batch * from->tokens;
  int64_t count;
  if (__builtin_mul_overflow(tokens, call->heads, &count)) {
    return FailArgument(error, CountName(from->batch, 1), tokens,
                        "rows from first_row on are more than there are");
  }
  status = CheckRowRange(rows, from->first_row, count,
                         CountName(from->batch, call->heads), error);
  if (status != ROTARY_OK) return status;
  status = ReadMode(from->mode, &call->mode, error);
  if (status != ROTARY_OK) return status;
  const rotary_embedding& first = FirstEmbedding(*call);
  status = CheckLogN(from->log_n_length, first.axes, error);
  if (status != ROTARY_OK) return status;
  call->log_n_length = from->log_n_length;
  status = ReadThreads(from->num_threads, error);
  if (status != ROTARY_OK) return status;
  *num_threads = from->num_threads;
  status = ReadTarget(from->target, &call->target, error);
  if (status != ROTARY_OK) return status;
  PositionRange ranges[kMaxAxes];
  PositionRule rule = RuleOf(first, call->mode);
  if (call->embedding == nullptr) {
    CommonRanges(*from, call->mode, ranges);
    rule.ranges = ranges;
  }
  Sources positions;
  status = ReadPositionsArg(from->positions, from->batch, from->tokens, rule,
                            &call->positions, &positions, error);
  if (status != ROTARY_OK) return status;
  status = CheckApart(*from, *call, positions, error);
  if (status != ROTARY_OK) return status;
  return call->embedding != nullptr ? ROTARY_OK : ReadIndex(*from, call, error);
}

}  // namespace rotary
