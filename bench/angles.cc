// Positions times frequencies.

#include "bench/angles.h"

#include <math.h>

namespace rotary_bench {
namespace {

int64_t PairsOfAxis(const Workload& workload) {
  return workload.rotary_dim / 2 / workload.positions.axes;
}

}  // namespace

long double InvFreq(const Workload& workload, int64_t pair) {
  const int64_t pairs = PairsOfAxis(workload);
  const long double exponent =
      static_cast<long double>(pair % pairs) / static_cast<long double>(pairs);
  return powl(static_cast<long double>(workload.base), -exponent);
}

float HfInvFreq(const Workload& workload, int64_t pair) {
  return static_cast<float>(InvFreq(workload, pair));
}

long double Angle(const Workload& workload, int64_t token, int64_t pair) {
  const double position =
      workload.positions.of(token, pair / PairsOfAxis(workload));
  if (workload.rows == RowSource::kHfEmbedding) {
    const float product =
        static_cast<float>(position) * HfInvFreq(workload, pair);
    return static_cast<long double>(product);
  }
  return static_cast<long double>(position) * InvFreq(workload, pair);
}

}  // namespace rotary_bench
