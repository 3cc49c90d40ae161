// A program: calls with several threads from each thread of the caller's own
// parallel region, as OpenMP has it by default, where such teams have one
// thread, and nested.
#include <omp.h>

#include "tests/support/program.h"

namespace {

using rotary_test::Workload;

constexpr int kCallers = 4;

void CallFromRegion(const Workload& workload) {
  int callers = 0;
#pragma omp parallel num_threads(kCallers) reduction(+ : callers)
  {
    ++callers;
    for (int i = 0; i < 10; ++i) {
      for (const int asked : {0, 1, 2, 4}) {
        ROTARY_EXPECT(workload.IsRightWith(asked));
      }
    }
  }
  ROTARY_EXPECT(callers == kCallers);
}

}  // namespace

int main() {
  const Workload workload;
  for (const int levels : {1, 2}) {
    omp_set_max_active_levels(levels);
    CallFromRegion(workload);
  }
  return 0;
}
