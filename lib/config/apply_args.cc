#include "lib/config/apply_args.h"

#include "lib/apply/stream.h"
#include "lib/config/common_args.h"
#include "lib/config/error.h"
#include "lib/config/region.h"
#include "lib/config/structs.h"
#include "lib/config/tensor_arg.h"

namespace rotary {
namespace {

// Where the rotation of a call comes from, in memory: no output may touch it.
struct Sources {
  Region rows;
  Region positions;
};

// The lowest and highest of first + b * batch_stride + t * token_stride.
bool RowRange(const rotary_apply_args& args, int64_t batch_stride,
              int64_t token_stride, int64_t* low, int64_t* high) {
  *low = *high = args.first_row;
  const int64_t steps[2] = {args.batch - 1, args.tokens - 1};
  const int64_t strides[2] = {batch_stride, token_stride};
  for (int i = 0; i < 2; ++i) {
    int64_t span;
    if (__builtin_mul_overflow(steps[i], strides[i], &span)) return false;
    int64_t* end = span < 0 ? low : high;
    if (__builtin_add_overflow(*end, span, end)) return false;
  }
  return true;
}

rotary_status ReadRows(const rotary_apply_args& args, ApplyCall* call,
                       Sources* sources, rotary_error* error) {
  if (args.embedding != nullptr || args.positions != nullptr) {
    Failure failure = {ROTARY_ERROR_ARGUMENT, "rows"};
    failure.type = Failure::kNone;
    return Fail(error, failure, "given together with embedding or positions");
  }
  if (args.mode != ROTARY_FORWARD) {
    return FailArgument(error, "mode", args.mode,
                        "must be 0 with rows, which have theirs");
  }
  if (reinterpret_cast<uintptr_t>(args.rows) % alignof(rotary_rows) != 0 ||
      !AreRows(args.rows)) {
    return FailArgument(error, "rows", reinterpret_cast<intptr_t>(args.rows),
                        "not rows that were initialized");
  }
  call->rows = args.rows;
  call->pairs = args.rows->pairs;
  call->first_row = args.first_row;
  call->row_batch_stride = args.row_batch_stride;
  call->row_token_stride = args.row_token_stride;
  if (args.row_batch_stride == ROTARY_DENSE) {
    call->row_batch_stride = args.tokens;
  }
  if (args.row_token_stride == ROTARY_DENSE) call->row_token_stride = 1;
  sources->rows = MakeRegion(args.rows, static_cast<int64_t>(args.rows->bytes));
  if (args.batch == 0 || args.tokens == 0) return ROTARY_OK;
  int64_t low, high;
  if (!RowRange(args, call->row_batch_stride, call->row_token_stride, &low,
                &high) ||
      low < 0 || high >= args.rows->count) {
    return FailArgument(error, "first_row", args.first_row,
                        "with the row strides leaves the rows");
  }
  return ROTARY_OK;
}

rotary_status ReadEmbedding(const rotary_apply_args& args, ApplyCall* call,
                            Sources* sources, rotary_error* error) {
  if (args.embedding == nullptr) {
    Failure failure = {ROTARY_ERROR_ARGUMENT, "embedding"};
    failure.type = Failure::kNone;
    return Fail(error, failure, "is NULL, and so is rows");
  }
  call->embedding = args.embedding;
  call->pairs = args.embedding->pairs;
  if (const rotary_status status =
          ReadMode(args.mode, args.embedding->gain, &call->factors, error)) {
    return status;
  }
  return ReadPositionsArg(args.positions, args.batch, args.tokens,
                          &call->positions, &sources->positions, error);
}

rotary_status FailOverlap(const char* field, int64_t index, const void* data,
                          const char* reason, rotary_error* error) {
  Failure failure = {ROTARY_ERROR_OVERLAP, field};
  failure.value = reinterpret_cast<intptr_t>(data);
  failure.tensor = static_cast<int32_t>(index);
  return Fail(error, failure, reason);
}

// One tensor by itself, and its output against what the rotation comes from.
rotary_status CheckAlone(const ReadTensor& a, int64_t index,
                         const Sources& sources, rotary_error* error) {
  if (!a.in_place && !Disjoint(a.input, a.output)) {
    return FailOverlap("output", index, a.tensor.output,
                       "not provably disjoint from its input", error);
  }
  if (!Disjoint(a.output, sources.rows) ||
      !Disjoint(a.output, sources.positions)) {
    return FailOverlap("output", index, a.tensor.output,
                       "overlaps the rows or the positions", error);
  }
  return ROTARY_OK;
}

// Two tensors: neither's output may touch anything of the other's.
rotary_status CheckPair(const ReadTensor& a, const ReadTensor& b, int64_t index,
                        rotary_error* error) {
  if (Disjoint(a.output, b.output) &&
      (b.in_place || Disjoint(a.output, b.input)) &&
      (a.in_place || Disjoint(a.input, b.output))) {
    return ROTARY_OK;
  }
  return FailOverlap("output", index, b.tensor.output,
                     "not provably disjoint from another tensor", error);
}

// Adds what a tensor contributes to the call's sums.
rotary_status Count(const ReadTensor& read, int64_t index, ApplyCall* call,
                    rotary_error* error) {
  const int64_t tokens = call->batch * call->tokens;
  int64_t heads, units, bytes;
  if (__builtin_add_overflow(call->heads, read.tensor.heads, &heads) ||
      __builtin_mul_overflow(heads, tokens, &units) ||
      __builtin_mul_overflow(units, read.tensor.head_dim, &bytes) ||
      __builtin_mul_overflow(
          bytes, read.tensor.input_size + read.tensor.output_size, &bytes)) {
    Failure failure = {ROTARY_ERROR_ARGUMENT, "heads"};
    failure.value = read.tensor.heads;
    failure.tensor = static_cast<int32_t>(index);
    return Fail(error, failure, "times batch times tokens is too large");
  }
  call->heads = heads;
  const int64_t elements = tokens * read.tensor.heads * read.tensor.head_dim;
  call->bytes += elements * (read.tensor.input_size + read.tensor.output_size);
  if (!read.in_place) {
    call->stream_bytes += elements * read.tensor.output_size;
  }
  return ROTARY_OK;
}

// Every tensor, and every two of them; those of a group are kept meanwhile.
rotary_status CheckTensors(const rotary_apply_args& args,
                           const Sources& sources, ReadTensor* group,
                           ApplyCall* call, rotary_error* error) {
  for (int64_t i = 0; i < args.num_tensors; ++i) {
    ReadTensor& own = group[i % kTensorGroup];
    if (const rotary_status status =
            ReadTensorArg(args, i, *call, &own, error)) {
      return status;
    }
    if (const rotary_status status = CheckAlone(own, i, sources, error)) {
      return status;
    }
    if (const rotary_status status = Count(own, i, call, error)) {
      return status;
    }
    for (int64_t j = 0; j < i; ++j) {
      ReadTensor again;
      const ReadTensor* other = &group[j % kTensorGroup];
      if (i - j >= kTensorGroup) {
        ReadTensorArg(args, j, *call, &again, nullptr);
        other = &again;
      }
      if (const rotary_status status = CheckPair(*other, own, i, error)) {
        return status;
      }
    }
  }
  return ROTARY_OK;
}

// A batch of one token each is as well one sequence: longer runs of tokens.
bool FoldsBatch(const rotary_apply_args& args) {
  return args.tokens == 1 && args.batch > 1;
}

void FoldBatch(ApplyCall* call) {
  call->tokens = call->batch;
  call->batch = 1;
  call->row_token_stride = call->row_batch_stride;
  call->positions.token_stride = call->positions.batch_stride;
  call->positions.token_step = 0;
}

Tensor Finish(const rotary_apply_args& args, const ApplyCall& call,
              const ReadTensor& read) {
  Tensor tensor = read.tensor;
  if (FoldsBatch(args)) {
    tensor.input_strides.token = tensor.input_strides.batch;
    tensor.output_strides.token = tensor.output_strides.batch;
  }
  if (read.store == ROTARY_STORE_KEEP ||
      (read.store == ROTARY_STORE_AUTO && !call.stream)) {
    tensor.stream = false;
  }
  return tensor;
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

}  // namespace

rotary_status ReadApplyArgs(const rotary_apply_args* from,
                            rotary_apply_args* copy,
                            const rotary_apply_args** args,
                            rotary_error* error) {
  return ReadStruct(from, "args", "args.struct_size", copy, args, error);
}

rotary_status CheckApplyArgs(const rotary_apply_args& args, Tensor* group,
                             ApplyCall* call, rotary_error* error) {
  if (const rotary_status status = CheckScalars(args, error)) return status;
  *call = {};
  call->batch = args.batch;
  call->tokens = args.tokens;
  call->sin_sign = args.transpose != 0 ? uint32_t{1} << 31 : 0;
  if (const rotary_status status =
          ReadTarget(args.target, &call->kernels, error)) {
    return status;
  }
  Sources sources = {};
  if (const rotary_status status =
          args.rows != nullptr ? ReadRows(args, call, &sources, error)
                               : ReadEmbedding(args, call, &sources, error)) {
    return status;
  }
  ReadTensor read[kTensorGroup];
  if (const rotary_status status =
          CheckTensors(args, sources, read, call, error)) {
    return status;
  }
  call->stream = StreamPays(call->stream_bytes);
  if (FoldsBatch(args)) FoldBatch(call);
  if (args.num_tensors <= kTensorGroup) {
    for (int64_t i = 0; i < args.num_tensors; ++i) {
      group[i] = Finish(args, *call, read[i]);
    }
    call->tensors = group;
    call->num_tensors = args.num_tensors;
  }
  return ROTARY_OK;
}

void LoadTensors(const rotary_apply_args& args, int64_t first, int64_t count,
                 Tensor* to, ApplyCall* call) {
  call->heads = 0;
  for (int64_t i = 0; i < count; ++i) {
    ReadTensor read;
    ReadTensorArg(args, first + i, *call, &read, nullptr);
    to[i] = Finish(args, *call, read);
    call->heads += to[i].heads;
  }
  call->tensors = to;
  call->num_tensors = count;
}

}  // namespace rotary
