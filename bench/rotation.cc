// How the arguments of a case's rotary_apply call are filled.

#include "bench/rotation.h"

#include <stdio.h>
#include <stdlib.h>

#include <algorithm>

namespace rotary_bench {
namespace {

void Require(rotary_status status, const rotary_error& error) {
  if (status == ROTARY_OK) return;
  fprintf(stderr, "rotary_bench: %s: %s\n", rotary_status_string(status),
          error.message);
  exit(EXIT_FAILURE);
}

rotary_tensor Tensor(const Case& c, const Memory& memory, int64_t heads,
                     int64_t first_element) {
  rotary_tensor tensor;
  rotary_tensor_init(&tensor, sizeof(tensor));
  tensor.heads = heads;
  tensor.head_dim = kHeadDim;
  tensor.input = memory.x.data() + first_element * c.input->bytes;
  tensor.input_dtype = c.input->value;
  tensor.output_dtype = c.output->value;
  tensor.input_pairing = c.pairing;
  tensor.output = c.out_of_place
                      ? memory.y.data() + first_element * c.output->bytes
                      : nullptr;
  return tensor;
}

// The rows lie at the start of the memory and need no destruction.
const rotary_rows* MakeRows(int64_t tokens, const Embedding& embedding,
                            const rotary_positions& positions,
                            const Memory& memory) {
  rotary_error error;
  rotary_rows* rows;
  Require(rotary_rows_init(memory.rows.data(), memory.row_bytes,
                           embedding.get(), tokens, &rows, &error),
          error);
  rotary_rows_args args;
  rotary_rows_args_init(&args, sizeof(args));
  args.embedding = embedding.get();
  args.positions = &positions;
  args.tokens = tokens;
  args.num_threads = 1;
  Require(rotary_rows_set(rows, &args, &error), error);
  return rows;
}

}  // namespace

Embedding::Embedding() {
  rotary_error error;
  Require(rotary_embedding_from_base(kHeadDim, kBase, &embedding_, &error),
          error);
}

Embedding::~Embedding() { rotary_embedding_destroy(embedding_); }

size_t Embedding::LargestRowBytes() const {
  int64_t tokens = 0;
  for (const Case& c : AllCases()) {
    tokens = std::max(tokens, c.workload->tokens);
  }
  size_t bytes;
  rotary_error error;
  Require(rotary_rows_bytes_needed(embedding_, tokens, &bytes, &error), error);
  return bytes;
}

Rotation::Rotation(const Case& c, const Embedding& embedding,
                   const Memory& memory) {
  const int64_t tokens = c.workload->tokens;
  for (int64_t token = 0; token < tokens; ++token) {
    position_ids_.push_back(c.workload->position(token));
  }
  rotary_positions_init(&positions_, sizeof(positions_));
  positions_.data = position_ids_.data();
  positions_.dtype = ROTARY_I32;

  tensors_[0] = Tensor(c, memory, kQueryHeads, 0);
  tensors_[1] = Tensor(c, memory, kKeyHeads, tokens * kQueryHeads * kHeadDim);

  rotary_apply_args_init(&args_, sizeof(args_));
  args_.tokens = tokens;
  args_.tensors = tensors_;
  args_.num_tensors = 2;
  args_.num_threads = c.threads;
  if (c.kept_rows) {
    args_.rows = MakeRows(tokens, embedding, positions_, memory);
  } else {
    args_.embedding = embedding.get();
    args_.positions = &positions_;
  }
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
