// Which field of which tensor of an apply call was wrong.  Used by
// config/tensor_read.h and config/tensor_arg.cc.

#ifndef ROTARY_LIB_CONFIG_TENSOR_FAILURE_H_
#define ROTARY_LIB_CONFIG_TENSOR_FAILURE_H_

#include "include/rotary/rotary.h"
#include "lib/config/error.h"
#include "lib/kernels/kernels.h"

namespace rotary {

// The names of one side's fields, for errors.
struct Side {
  const char* data;
  const char* dtype;
  const char* pairing;
  const char* strides[3];  // by Region's dimension
};
inline constexpr Side kInput = {
    "input",
    "input_dtype",
    "input_pairing",
    {"input_batch_stride", "input_token_stride", "input_head_stride"}};
inline constexpr Side kOutput = {
    "output",
    "output_dtype",
    "output_pairing",
    {"output_batch_stride", "output_token_stride", "output_head_stride"}};

// Says which field of which tensor was wrong.  Kept out of the way of the
// checks: a decode step is as short as they are.
struct TensorFailure {
  int64_t index;
  rotary_error* error;

  [[gnu::cold, gnu::noinline]] static rotary_status Value(
      TensorFailure at, const char* field, int64_t value, const char* reason,
      rotary_status status) {
    Failure failure = {status, field};
    failure.value = value;
    failure.tensor = static_cast<int32_t>(at.index);
    Fail(at.error, failure, reason);
    return status;
  }

  rotary_status operator()(const char* field, int64_t value, const char* reason,
                           rotary_status status = ROTARY_ERROR_ARGUMENT) const {
    return Value(*this, field, value, reason, status);
  }

  [[gnu::cold, gnu::noinline]] static rotary_status Null(TensorFailure at,
                                                         const char* field) {
    Failure failure = {ROTARY_ERROR_ARGUMENT, field};
    failure.type = Failure::kNone;
    failure.tensor = static_cast<int32_t>(at.index);
    Fail(at.error, failure, "is NULL");
    return ROTARY_ERROR_ARGUMENT;
  }

  [[gnu::cold, gnu::noinline]] rotary_status Stride(
      const Side& side, int dim, const Strides& strides, const char* reason,
      rotary_status status) const {
    const int64_t all[3] = {strides.batch, strides.token, strides.head};
    return (*this)(side.strides[dim - 1], all[dim - 1], reason, status);
  }
};

}  // namespace rotary

#endif  // ROTARY_LIB_CONFIG_TENSOR_FAILURE_H_
