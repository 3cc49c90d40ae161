#include "lib/config/apply_args.h"

#include "lib/config/common_args.h"
#include "lib/config/error.h"
#include "lib/config/region.h"
#include "lib/config/structs.h"

namespace rotary {
namespace {

// Moves *low or *high as far as `size` steps of a stride reach.
inline bool Reach(int64_t size, int64_t stride, int64_t* low, int64_t* high) {
  if (size == 1) return true;
  int64_t span;
  if (__builtin_mul_overflow(size - 1, stride, &span)) return false;
  int64_t* end = span < 0 ? low : high;
  return !__builtin_add_overflow(*end, span, end);
}

rotary_status ReadRows(const rotary_apply_args& args, ApplyCall* call,
                       Span* source, rotary_error* error) {
  if (args.embedding != nullptr || args.positions != nullptr) {
    Failure failure = {ROTARY_ERROR_ARGUMENT, "rows"};
    failure.type = Failure::kNone;
    return Fail(error, failure,
                "is given together with embedding or positions");
  }
  if (args.mode != ROTARY_FORWARD) {
    return FailArgument(error, "mode", args.mode,
                        "must be 0 with rows, which have theirs");
  }
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
  source->low = reinterpret_cast<uintptr_t>(args.rows);
  source->end = source->low + args.rows->bytes;
  if (args.batch == 0 || args.tokens == 0) return ROTARY_OK;
  int64_t low = args.first_row;
  int64_t high = args.first_row;
  if (!Reach(args.batch, call->row_batch_stride, &low, &high) ||
      !Reach(args.tokens, call->row_token_stride, &low, &high) || low < 0 ||
      high >= args.rows->count) {
    return FailArgument(error, "first_row", args.first_row,
                        "with the row strides this leaves the rows");
  }
  return ROTARY_OK;
}

rotary_status ReadEmbedding(const rotary_apply_args& args, ApplyCall* call,
                            Span spans[2], rotary_error* error) {
  if (args.embedding == nullptr) {
    Failure failure = {ROTARY_ERROR_ARGUMENT, "embedding"};
    failure.type = Failure::kNone;
    return Fail(error, failure, "is NULL, and so is rows");
  }
  call->rows = nullptr;
  call->embedding = args.embedding;
  call->pairs = args.embedding->pairs;
  if (const rotary_status status =
          ReadMode(args.mode, args.embedding->gain, &call->factors, error)) {
    return status;
  }
  return ReadPositionsArg(args.positions, args.batch, args.tokens,
                          &call->positions, spans, error);
}

void FoldBatch(ApplyCall* call) {
  call->tokens = call->batch;
  call->batch = 1;
  if (call->rows != nullptr) {
    call->row_token_stride = call->row_batch_stride;
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

rotary_status CheckCall(const rotary_apply_args& args, Tensor* tensors,
                        ApplyCall* call, rotary_error* error) {
  rotary_status status = CheckScalars(args, error);
  if (status != ROTARY_OK) return status;
  call->batch = args.batch;
  call->tokens = args.tokens;
  call->heads = 0;
  call->bytes = 0;
  call->stream_bytes = 0;
  call->stream = false;
  call->prefetch = false;
  call->copies = false;
  call->streams = false;
  call->sin_sign = args.transpose != 0 ? uint32_t{1} << 31 : 0;
  status = ReadTarget(args.target, &call->target, error);
  if (status != ROTARY_OK) return status;
  Sources sources = {{{0, 0}, {0, 0}}};
  status = args.rows != nullptr
               ? ReadRows(args, call, sources.spans, error)
               : ReadEmbedding(args, call, sources.spans, error);
  if (status != ROTARY_OK) return status;
  status = CheckTensors(args, sources, tensors, call, error);
  if (status != ROTARY_OK) return status;
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

}  // namespace rotary
