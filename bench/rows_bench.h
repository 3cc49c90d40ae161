// Rows of cos and sin alone: what it takes to make them, by kind.  Used by
// rotate_bench.cc.

#ifndef ROTARY_BENCH_ROWS_BENCH_H_
#define ROTARY_BENCH_ROWS_BENCH_H_

namespace rotary_bench {

// Registers rows/<kind>/t1, 512 tokens of 64 pairs, and create/t1, an
// embedding.
void RegisterRows();

}  // namespace rotary_bench

#endif  // ROTARY_BENCH_ROWS_BENCH_H_
