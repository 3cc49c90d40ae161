// The library's side of a case: the arguments of one rotary_apply call, or a
// prepared one, ready to be run many times.  Used by reference.cc and
// rotate_bench.cc.

#ifndef ROTARY_BENCH_ROTATION_H_
#define ROTARY_BENCH_ROTATION_H_

#include <rotary/rotary.h>
#include <stddef.h>
#include <stdint.h>

#include <vector>

#include "bench/workloads.h"

namespace rotary_bench {

// A failure of the library ends the program.
class Embedding {
 public:
  Embedding();
  ~Embedding();
  Embedding(const Embedding&) = delete;
  Embedding& operator=(const Embedding&) = delete;

  const rotary_embedding* get() const { return embedding_; }

  // What the kept rows of the largest case need.
  size_t LargestRowBytes() const;

 private:
  rotary_embedding* embedding_;
};

class Rotation {
 public:
  // Makes the rows, if the case keeps them, in memory.rows.
  Rotation(const Case& c, const Embedding& embedding, const Memory& memory);
  Rotation(const Rotation&) = delete;
  Rotation& operator=(const Rotation&) = delete;

  // Rotates queries and keys so many times.
  void Run(int64_t calls) const;

  // Once; a failure ends the program.
  void RunChecked() const;

 private:
  std::vector<int32_t> position_ids_;
  rotary_positions positions_;
  rotary_tensor tensors_[2];
  rotary_apply_args args_;
  std::vector<uint64_t> prepared_memory_;
  rotary_prepared* prepared_ = nullptr;  // if the case is
};

}  // namespace rotary_bench

#endif  // ROTARY_BENCH_ROTATION_H_
