// The workloads of rotary_bench: what is rotated, and by what.  A workload is a
// row of the table in workloads.cc.  Used by most files here.

#ifndef ROTARY_BENCH_WORKLOADS_H_
#define ROTARY_BENCH_WORKLOADS_H_

#include <rotary/rotary.h>
#include <stddef.h>
#include <stdint.h>

#include <vector>

namespace rotary_bench {

// How a tensor lies in memory.
enum class Layout { kTokensHeads, kHeadsTokens };

// Where cos and sin come from: an embedding, one in HF's arithmetic, or a cache
// of the caller's in bf16.
enum class RowSource { kEmbedding, kHfEmbedding, kCosSinView };

// Where tokens stand: a number for each axis.
struct Positions {
  int64_t axes;  // each turns as many pairs
  rotary_dtype dtype;
  double (*of)(int64_t token, int64_t axis);
};

struct Workload {
  const char* name;
  int64_t tokens;
  int64_t query_heads;
  int64_t key_heads;  // right behind the queries; 0: there is one tensor
  int64_t head_dim;
  int64_t rotary_dim;
  int64_t rotary_offset;
  double base;
  Layout layout;
  Positions positions;
  RowSource rows;
  bool full_set = false;  // also from dtype to dtype, and prepared
};

inline constexpr int kNumWorkloads = 21;
extern const Workload kWorkloads[kNumWorkloads];

// A tensor in the memory of a workload, in elements.
struct TensorPlace {
  int64_t first_element;
  int64_t heads;
  int64_t token_stride;
  int64_t head_stride;
};
std::vector<TensorPlace> Tensors(const Workload& workload);

// Of all heads.
int64_t TokenElements(const Workload& workload);
int64_t Elements(const Workload& workload);

// The bytes of cos and sin of one token: of kept rows, which are in f32, each
// in whole lines; or of the view.
size_t RowBytes(const Workload& workload);

}  // namespace rotary_bench

#endif  // ROTARY_BENCH_WORKLOADS_H_
