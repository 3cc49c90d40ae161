#include "lib/config/apply_args.h"

#include "lib/config/common_args.h"
#include "lib/config/cos_sin_arg.h"
#include "lib/config/error.h"
#include "lib/config/region.h"
#include "lib/config/structs.h"

namespace rotary {
namespace {

[[gnu::cold]] rotary_status FailSources(const char* name, const char* reason,
                                        rotary_error* error) {
  Failure failure = {ROTARY_ERROR_ARGUMENT, name};
  failure.type = Failure::kNone;
  return Fail(error, failure, reason);
}

// Rows and cos_sin have been made for some.
rotary_status CheckModeUnset(const rotary_apply_args& args,
                             rotary_error* error) {
  static constexpr char kReason[] =
      "must be 0 with rows or cos_sin, which have theirs";
  if (args.mode != ROTARY_FORWARD) {
    return FailArgument(error, "mode", args.mode, kReason);
  }
  if (args.log_n_length != 0.0) {
    return FailReal(error, "log_n_length", args.log_n_length, kReason);
  }
  return ROTARY_OK;
}

rotary_status ReadRows(const rotary_apply_args& args, ApplyCall* call,
                       Span* source, rotary_error* error) {
  if (args.embedding != nullptr || args.positions != nullptr ||
      args.cos_sin != nullptr) {
    return FailSources("rows",
                       "is given together with embedding, positions or cos_sin",
                       error);
  }
  if (const rotary_status status = CheckModeUnset(args, error)) return status;
  if (!AreRows(args.rows)) {
    return FailArgument(error, "rows", reinterpret_cast<intptr_t>(args.rows),
                        "not rows that were initialized");
  }
  call->rows = args.rows;
  call->embedding = nullptr;
  call->pairs = args.rows->pairs;
  call->first_row = args.first_row;
  call->row_batch_stride = args.row_batch_stride;
  call->row_token_stride = args.row_token_stride;
  if (args.row_batch_stride == ROTARY_DENSE) {
    call->row_batch_stride = args.tokens;
  }
  if (args.row_token_stride == ROTARY_DENSE) call->row_token_stride = 1;
  call->row_head_stride = args.row_head_stride;
  source->low = reinterpret_cast<uintptr_t>(args.rows);
  source->end = source->low + args.rows->bytes;
  int64_t heads = 1;
  if (args.row_head_stride != 0) {
    if (const rotary_status status = ReadMostHeads(args, &heads, error)) {
      return status;
    }
    call->by_head = heads > 1;
  }
  const bool empty = args.batch == 0 || args.tokens == 0;
  if (empty || heads < 2) call->row_head_stride = 0;  // not used
  if (empty || heads == 0) return ROTARY_OK;
  int64_t low = args.first_row;
  int64_t high = args.first_row;
  if (!Reach(args.batch, call->row_batch_stride, &low, &high) ||
      !Reach(args.tokens, call->row_token_stride, &low, &high) ||
      !Reach(heads, call->row_head_stride, &low, &high) || low < 0 ||
      high >= args.rows->count) {
    return FailArgument(error, "first_row", args.first_row,
                        "with the row strides this leaves the rows");
  }
  return ROTARY_OK;
}

// With rows for each head.
rotary_status ReadEmbeddingHeads(const rotary_apply_args& args, ApplyCall* call,
                                 rotary_error* error) {
  int64_t heads;
  if (const rotary_status status = ReadMostHeads(args, &heads, error)) {
    return status;
  }
  call->by_head = heads > 1;
  if (heads <= args.embedding->heads) return ROTARY_OK;
  return FailArgument(error, "embedding", args.embedding->heads,
                      "rows for so many heads, fewer than a tensor has");
}

rotary_status ReadEmbedding(const rotary_apply_args& args, ApplyCall* call,
                            Sources* sources, rotary_error* error) {
  if (args.embedding == nullptr) {
    return FailSources("embedding", "is NULL, and so are rows and cos_sin",
                       error);
  }
  const rotary_embedding& embedding = *args.embedding;
  call->rows = nullptr;
  call->embedding = args.embedding;
  call->pairs = embedding.pairs;
  Mode mode;
  rotary_status status = ReadMode(args.mode, &mode, error);
  if (status != ROTARY_OK) return status;
  status = CheckLogN(args.log_n_length, embedding.axes, error);
  if (status != ROTARY_OK) return status;
  if (embedding.heads > 1) {
    status = ReadEmbeddingHeads(args, call, error);
    if (status != ROTARY_OK) return status;
  }
  status = ReadPositionsArg(args.positions, args.batch, args.tokens,
                            RuleOf(embedding, mode), &call->positions, sources,
                            error);
  call->factors = FactorsOf(embedding, mode, args.log_n_length);
  call->plain = ArePlainRows(embedding, call->positions, call->factors);
  return status;
}

rotary_status ReadOwnCosSin(const rotary_apply_args& args, ApplyCall* call,
                            Sources* sources, rotary_error* error) {
  if (args.embedding != nullptr) {
    return FailSources("cos_sin", "is given together with embedding", error);
  }
  if (const rotary_status status = CheckModeUnset(args, error)) return status;
  return ReadCosSin(args, call, sources, error);
}

rotary_status ReadSource(const rotary_apply_args& args, ApplyCall* call,
                         Sources* sources, rotary_error* error) {
  if (args.rows != nullptr) return ReadRows(args, call, sources->Add(), error);
  if (args.row_head_stride != 0) {
    return FailArgument(error, "row_head_stride", args.row_head_stride,
                        "must be 0 without rows");
  }
  if (args.cos_sin != nullptr) {
    return ReadOwnCosSin(args, call, sources, error);
  }
  return ReadEmbedding(args, call, sources, error);
}

void FoldBatch(ApplyCall* call) {
  call->tokens = call->batch;
  call->batch = 1;
  if (call->rows != nullptr) {
    call->row_token_stride = call->row_batch_stride;
  } else if (call->embedding == nullptr && !call->cos_sin.by_position) {
    call->cos_sin.row_stride = call->cos_sin.batch_stride;
  } else {
    call->positions.token_stride = call->positions.batch_stride;
    call->positions.token_step = 0;
  }
}

rotary_status CheckScalars(const rotary_apply_args& args, rotary_error* error) {
  if (const rotary_status status = ReadTokens(args.batch, args.tokens, error)) {
    return status;
  }
  if (args.num_tensors < 0 || args.num_tensors > INT32_MAX) {
    return FailArgument(error, "num_tensors", args.num_tensors,
                        "must be 0 to 2^31 - 1");
  }
  if (args.tensors == nullptr && args.num_tensors > 0) {
    return FailNull(error, "tensors");
  }
  if (args.transpose != 0 && args.transpose != 1) {
    return FailArgument(error, "transpose", args.transpose, "must be 0 or 1");
  }
  if (args.reserved != 0) {
    return FailArgument(error, "reserved", args.reserved, "must be 0");
  }
  return ReadThreads(args.num_threads, error);
}

// All but where the rotation comes from, and the tensors.
inline rotary_status ReadScalars(const rotary_apply_args& args, ApplyCall* call,
                                 rotary_error* error) {
  rotary_status status = CheckScalars(args, error);
  if (status != ROTARY_OK) return status;
  call->batch = args.batch;
  call->tokens = args.tokens;
  call->heads = 0;
  call->bytes = 0;
  call->copy_bytes = 0;
  call->stream = false;
  call->prefetch = false;
  call->from_memory = false;
  call->copies = false;
  call->streams = false;
  call->sin_sign = args.transpose != 0 ? uint32_t{1} << 31 : 0;
  status = ReadTarget(args.target, &call->target, error);
  if (status != ROTARY_OK) return status;
  call->by_head = false;
  return ROTARY_OK;
}

rotary_status CheckCall(const rotary_apply_args& args, Tensor* tensors,
                        ApplyCall* call, rotary_error* error) {
  rotary_status status = ReadScalars(args, call, error);
  if (status != ROTARY_OK) return status;
  Sources sources;
  status = ReadSource(args, call, &sources, error);
  if (status != ROTARY_OK) return status;
  status = CheckTensors(args, sources, tensors, call, error);
  if (status != ROTARY_OK) return status;
  if (args.cos_sin != nullptr) {
    status = CheckCosSinValues(args, *call, error);
    if (status != ROTARY_OK) return status;
  }
  if (FoldsBatch(args)) FoldBatch(call);
  call->tensors = tensors;
  call->num_tensors = args.num_tensors <= kTensorGroup ? args.num_tensors : 0;
  return ROTARY_OK;
}

}  // namespace

rotary_status CheckApplyArgs(const rotary_apply_args** args,
                             rotary_apply_args* copy, Tensor* tensors,
                             ApplyCall* call, rotary_error* error) {
  if (const rotary_status status =
          ReadStruct(*args, "args", "args.struct_size", copy, args, error)) {
    return status;
  }
  return CheckCall(**args, tensors, call, error);
}

rotary_status ReadRotation(const rotary_apply_args& args, ApplyCall* call,
                           Sources* sources, bool* has_rows,
                           rotary_error* error) {
  const rotary_status status = ReadScalars(args, call, error);
  if (status != ROTARY_OK) return status;
  *has_rows = args.rows != nullptr || args.embedding != nullptr ||
              args.cos_sin != nullptr;
  if (*has_rows) return ReadSource(args, call, sources, error);
  call->rows = nullptr;
  call->embedding = nullptr;
  call->pairs = 0;
  return ROTARY_OK;
}

}  // namespace rotary
