// The element types of rotary_bench.  Used by cases.h and reference.cc.

#ifndef ROTARY_BENCH_DTYPES_H_
#define ROTARY_BENCH_DTYPES_H_

#include <rotary/rotary.h>
#include <stdint.h>

namespace rotary_bench {

struct Dtype {
  const char* name;
  rotary_dtype value;
  int64_t bytes;
  // Writes the value, or one close to it, and reads what is there.
  void (*write)(void* data, int64_t element, float value);
  double (*read)(const void* data, int64_t element);
  int mantissa_bits;
  int min_exponent;  // of normal numbers
};

inline constexpr int kNumDtypes = 3;
extern const Dtype kDtypes[kNumDtypes];

// Half a unit in the last place of a value that is rounded to the type.
double HalfUlp(const Dtype& dtype, double value);

}  // namespace rotary_bench

#endif  // ROTARY_BENCH_DTYPES_H_
