// Where the cos and sin of a case come from: an embedding and positions, rows
// made of them, or a cache of the caller's.  Used by rotation.h and
// reference.cc.

#ifndef ROTARY_BENCH_SOURCE_H_
#define ROTARY_BENCH_SOURCE_H_

#include <rotary/rotary.h>
#include <stddef.h>
#include <stdint.h>

#include <vector>

#include "bench/cases.h"
#include "bench/memory.h"

namespace rotary_bench {

// Ends the program if a call failed.
void Require(rotary_status status, const rotary_error& error);

// The memory that the rows of any case need.
size_t LargestRowBytes();

class Source {
 public:
  // Makes the rows, if the case keeps them, or the view's cos and sin, in
  // memory.rows.
  Source(const Case& c, const Memory& memory);
  ~Source();
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  // Sets the fields of a call, which points into this.
  void Give(rotary_apply_args* args) const;

 private:
  rotary_embedding* embedding_ = nullptr;
  const rotary_rows* rows_ = nullptr;
  rotary_cos_sin cos_sin_;
  bool has_view_;
  std::vector<int32_t> whole_;
  std::vector<double> real_;
  rotary_positions positions_;
};

// A view's cos and sin of a pair, as they are rounded.
struct CosSin {
  long double cos, sin;
};
CosSin OfView(const Workload& workload, const Memory& memory, int64_t token,
              int64_t pair);

}  // namespace rotary_bench

#endif  // ROTARY_BENCH_SOURCE_H_
