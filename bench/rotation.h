// The library's side of a case: the arguments of one rotary_apply call, or a
// prepared one, ready to be run many times.  Used by reference.cc,
// rotate_bench.cc and peers/.

#ifndef ROTARY_BENCH_ROTATION_H_
#define ROTARY_BENCH_ROTATION_H_

#include <rotary/rotary.h>
#include <stdint.h>

#include <vector>

#include "bench/cases.h"
#include "bench/memory.h"
#include "bench/source.h"

namespace rotary_bench {

class Rotation {
 public:
  Rotation(const Case& c, const Memory& memory);
  Rotation(const Rotation&) = delete;
  Rotation& operator=(const Rotation&) = delete;

  // Rotates all tensors so many times.
  void Run(int64_t calls) const;

  // Once; a failure ends the program.
  void RunChecked() const;

 private:
  const Source source_;
  std::vector<rotary_tensor> tensors_;
  rotary_apply_args args_;
  std::vector<uint64_t> prepared_memory_;
  rotary_prepared* prepared_ = nullptr;  // if the case is
};

}  // namespace rotary_bench

#endif  // ROTARY_BENCH_ROTATION_H_
