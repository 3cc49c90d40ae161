#include "lib/config/weights_args.h"

#include "lib/config/common_args.h"
#include "lib/config/error.h"
#include "lib/config/region.h"

namespace rotary {
namespace {

rotary_status CheckSizes(const WeightsArgs& args, int64_t* rows,
                         rotary_error* error) {
  if (args.element_size < 1) {
    return FailArgument(error, "element_size", args.element_size,
                        "must be at least 1");
  }
  const struct {
    const char* name;
    int64_t size;
  } sizes[] = {{"heads", args.heads},
               {"head_dim", args.head_dim},
               {"rotary_offset", args.rotary_offset},
               {"rotary_dim", args.rotary_dim},
               {"columns", args.columns}};
  for (const auto& each : sizes) {
    if (each.size < 0) {
      return FailArgument(error, each.name, each.size, "must not be negative");
    }
  }
  if (args.rotary_dim % 2 != 0 || args.rotary_dim > args.head_dim) {
    return FailArgument(error, "rotary_dim", args.rotary_dim,
                        "must be even, and no more than head_dim");
  }
  if (args.rotary_offset > args.head_dim - args.rotary_dim) {
    return FailArgument(error, "rotary_offset", args.rotary_offset,
                        "plus rotary_dim that is more than head_dim");
  }
  if (__builtin_mul_overflow(args.heads, args.head_dim, rows)) {
    return FailArgument(error, "heads", args.heads,
                        "times head_dim is too large");
  }
  return ROTARY_OK;
}

rotary_status CheckPairing(const char* name, rotary_pairing from,
                           Pairing* pairing, rotary_error* error) {
  if (ReadPairing(from, pairing)) return ROTARY_OK;
  return FailArgument(error, name, from,
                      "must be ROTARY_HALF or ROTARY_INTERLEAVED");
}

// The memory of one side, whose row stride is replaced by what it stands for.
rotary_status ReadRows(const WeightsArgs& args, int64_t rows, const void* data,
                       const char* stride_name, int64_t row_stride,
                       bool is_output, Region* region, rotary_error* error) {
  const int64_t stride = row_stride == ROTARY_DENSE ? args.columns : row_stride;
  constexpr int kRowDim = 2;
  if (const int dim = MakeRegion(data, {1, rows}, 1, args.columns,
                                 {0, stride, 0}, args.element_size, region)) {
    return dim == kRowDim
               ? FailArgument(error, stride_name, stride,
                              "reaches further than memory can")
               : FailArgument(error, "columns", args.columns,
                              "a row reaches further than memory can");
  }
  if (is_output && CoincidingDim(*region) != 0) {
    Failure failure = {ROTARY_ERROR_OVERLAP, stride_name};
    failure.value = stride;
    return Fail(error, failure, "less than a row: rows of the output coincide");
  }
  return ROTARY_OK;
}

}  // namespace

rotary_status ReadWeightsArgs(const WeightsArgs& args, Weights* weights,
                              rotary_error* error) {
  *weights = {};
  int64_t rows = 0;
  rotary_status status = CheckSizes(args, &rows, error);
  if (status != ROTARY_OK) return status;
  status = CheckPairing("from", args.from, &weights->from, error);
  if (status != ROTARY_OK) return status;
  status = CheckPairing("to", args.to, &weights->to, error);
  if (status != ROTARY_OK) return status;
  if (rows == 0 || args.columns == 0) return ROTARY_OK;

  if (args.input == nullptr) return FailNull(error, "input");
  Region input;
  status =
      ReadRows(args, rows, args.input, "input_row_stride",
               args.input_row_stride, args.output == nullptr, &input, error);
  if (status != ROTARY_OK) return status;
  void* const data =
      args.output == nullptr ? const_cast<void*>(args.input) : args.output;
  Region output = input;
  if (args.output != nullptr) {
    status = ReadRows(args, rows, data, "output_row_stride",
                      args.output_row_stride, true, &output, error);
    if (status != ROTARY_OK) return status;
  }
  // Strides that are not used are 0.
  constexpr int kRows = 1;
  weights->in_place =
      data == args.input && input.stride[kRows] == output.stride[kRows];
  if (!weights->in_place && !Disjoint(input, output)) {
    Failure failure = {ROTARY_ERROR_OVERLAP, "output"};
    failure.value = reinterpret_cast<intptr_t>(args.output);
    return Fail(error, failure,
                "not provably disjoint from input (in place needs the same "
                "pointer and row stride)");
  }
  weights->input = static_cast<const char*>(args.input);
  weights->output = static_cast<char*>(data);
  weights->input_stride = input.stride[kRows];
  weights->output_stride = output.stride[kRows];
  weights->row_bytes = output.run;
  weights->heads = args.heads;
  weights->head_dim = args.head_dim;
  weights->rotary_offset = args.rotary_offset;
  weights->pairs = args.rotary_dim / 2;
  return ROTARY_OK;
}

}  // namespace rotary
