#include "lib/kernels/target.h"

namespace rotary {

void RotateRest(const RotateJob& job, int64_t begin, int64_t end, int64_t pair,
                RotateKernel kernel) {
  RotateJob rest = job;
  rest.token += begin;
  rest.count = end - begin;
  rest.pair_begin += pair;
  rest.pair_count -= pair;
  rest.cos += begin * rest.row_stride + pair;
  rest.sin += begin * rest.row_stride + pair;
  rest.rotates += begin * rest.rotates_stride;
  rest.copies = false;
  rest.fetches_rows = false;
  kernel(rest);
}

}  // namespace rotary
