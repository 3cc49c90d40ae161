// How the arguments of a case's rotary_apply call are filled.

#include "bench/rotation.h"

namespace rotary_bench {
namespace {

rotary_tensor Tensor(const Case& c, const Memory& memory,
                     const TensorPlace& place) {
  rotary_tensor tensor;
  rotary_tensor_init(&tensor, sizeof(tensor));
  tensor.heads = place.heads;
  tensor.head_dim = c.workload->head_dim;
  tensor.rotary_offset = c.workload->rotary_offset;
  tensor.input = memory.x.data() + place.first_element * c.input->bytes;
  tensor.input_dtype = c.input->value;
  tensor.output_dtype = c.output->value;
  tensor.input_pairing = c.pairing;
  tensor.output = c.out_of_place
                      ? memory.y.data() + place.first_element * c.output->bytes
                      : nullptr;
  tensor.input_token_stride = place.token_stride;
  tensor.input_head_stride = place.head_stride;
  tensor.output_token_stride = place.token_stride;
  tensor.output_head_stride = place.head_stride;
  return tensor;
}

}  // namespace

Rotation::Rotation(const Case& c, const Memory& memory) : source_(c, memory) {
  for (const TensorPlace& place : Tensors(*c.workload)) {
    tensors_.push_back(Tensor(c, memory, place));
  }
  rotary_apply_args_init(&args_, sizeof(args_));
  args_.tokens = c.workload->tokens;
  args_.tensors = tensors_.data();
  args_.num_tensors = static_cast<int64_t>(tensors_.size());
  args_.num_threads = c.threads;
  source_.Give(&args_);
  if (c.prepared) {
    size_t bytes;
    rotary_error error;
    Require(rotary_prepared_bytes_needed(args_.num_tensors, &bytes, &error),
            error);
    prepared_memory_.resize(bytes / sizeof(uint64_t) + 1);
    Require(rotary_prepare(&args_, prepared_memory_.data(), bytes, &prepared_,
                           &error),
            error);
  }
}

void Rotation::Run(int64_t calls) const {
  if (prepared_ == nullptr) {
    for (int64_t i = 0; i < calls; ++i) rotary_apply(&args_, nullptr);
  } else {
    for (int64_t i = 0; i < calls; ++i) {
      rotary_prepared_run(prepared_, 0, 1, nullptr);
    }
  }
}

void Rotation::RunChecked() const {
  rotary_error error;
  Require(prepared_ == nullptr ? rotary_apply(&args_, &error)
                               : rotary_prepared_run(prepared_, 0, 1, &error),
          error);
}

}  // namespace rotary_bench
