// The workloads and cases (one case = one benchmark) of
// rotary_bench, and the memory that they share.  Used by every file here.

#ifndef ROTARY_BENCH_WORKLOADS_H_
#define ROTARY_BENCH_WORKLOADS_H_

#include <rotary/rotary.h>
#include <stddef.h>
#include <stdint.h>

#include <string>
#include <vector>

#include "bench/dtypes.h"

namespace rotary_bench {

// A model like Llama 3 8B: queries [tokens][32][128], and right behind them
// keys [tokens][8][128].
inline constexpr int64_t kQueryHeads = 32;
inline constexpr int64_t kKeyHeads = 8;
inline constexpr int64_t kHeadDim = 128;
inline constexpr int64_t kTokenElements = (kQueryHeads + kKeyHeads) * kHeadDim;
inline constexpr double kBase = 500000.0;

// cos and sin of one token, in f32.
inline constexpr size_t kRowBytes = kHeadDim * sizeof(float);

struct Workload {
  const char* name;
  int64_t tokens;
  int64_t checked_every;  // every how many tokens the output is checked
  int32_t (*position)(int64_t token);
};

struct Case {
  const Workload* workload;
  const Dtype* input;
  const Dtype* output;  // another only out of place
  rotary_pairing pairing;
  bool out_of_place;
  bool kept_rows;  // rows made once, before the timing
  bool prepared;   // arguments checked once, before the timing
  int threads;     // num_threads of the call: 0 = the library chooses
};

// "rotate/D1/f32/half/in/t1" ("f32-bf16" where dtypes differ), with "/rows" and
// "/prepared" behind it.
std::string Name(const Case& c);

// The bytes of queries and keys, as inputs and as outputs.
size_t InputBytes(const Case& c);
size_t OutputBytes(const Case& c);

// Every case, and whether one is of those that run when no filter is given.
std::vector<Case> AllCases();
bool InDefaultSet(const Case& c);

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
  HugeBuffer y;  // the output of cases that are out of place
  HugeBuffer rows;
  size_t row_bytes;
};

}  // namespace rotary_bench

#endif  // ROTARY_BENCH_WORKLOADS_H_
