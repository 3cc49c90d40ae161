// The memory that all cases share, and what stands in it before a rotation.
// Used by most files here.

#ifndef ROTARY_BENCH_MEMORY_H_
#define ROTARY_BENCH_MEMORY_H_

#include <stddef.h>
#include <stdint.h>

#include "bench/cases.h"

namespace rotary_bench {

// What stands in element `element` of the queries and keys before a rotation:
// in [-1, 1], never a subnormal.
float Element(int64_t element);

// 2 MB pages where the system gives them.
class HugeBuffer {
 public:
  explicit HugeBuffer(size_t bytes);
  ~HugeBuffer();
  HugeBuffer(const HugeBuffer&) = delete;
  HugeBuffer& operator=(const HugeBuffer&) = delete;

  unsigned char* data() const { return data_; }

 private:
  void* mapping_;
  size_t mapping_bytes_;
  unsigned char* data_;
};

// The memory of the largest case; all cases use it from its start.
struct Memory {
  explicit Memory(size_t bytes_of_rows);

  // Writes the elements of a case's queries and keys to x.
  void Fill(const Case& c) const;

  HugeBuffer x;
  HugeBuffer y;     // the output of cases that are out of place
  HugeBuffer rows;  // kept rows, or a view's cos and sin
  size_t row_bytes;
};

}  // namespace rotary_bench

#endif  // ROTARY_BENCH_MEMORY_H_
