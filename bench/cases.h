// The cases of rotary_bench (one case = one benchmark): a workload in every
// dtype, pairing and way to call.  Used by every file here.

#ifndef ROTARY_BENCH_CASES_H_
#define ROTARY_BENCH_CASES_H_

#include <rotary/rotary.h>
#include <stddef.h>

#include <string>
#include <vector>

#include "bench/dtypes.h"
#include "bench/workloads.h"

namespace rotary_bench {

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

// In place, only the rotated part of each head is moved.
bool MovesTails(const Case& c);

// The bytes that have to be read and written, rows left out.
size_t MovedBytes(const Case& c);

// Whether cos and sin are read from memory, not made by the call.
bool ReadsRows(const Case& c);

// Every case, and whether one is of those that run when no filter is given.
std::vector<Case> AllCases();
bool InDefaultSet(const Case& c);

}  // namespace rotary_bench

#endif  // ROTARY_BENCH_CASES_H_
