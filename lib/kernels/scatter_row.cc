// Rows to a caller's cos and sin.  They are made once for a model: no kernel of
// each target, but the same conversions.

#include "lib/kernels/dtypes-inl.h"
#include "lib/kernels/kernels.h"

HWY_BEFORE_NAMESPACE();
namespace rotary {
namespace HWY_NAMESPACE {
namespace {

template <class To>
void Scatter(const float* from, int64_t from_stride, int64_t count,
             typename To::Lane* to, int64_t to_stride) {
  const hn::CappedTag<float, 1> d;
  for (int64_t i = 0; i < count; ++i) {
    To::template Store<Access::kPlain>(d, hn::LoadU(d, from + i * from_stride),
                                       to + i * to_stride);
  }
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE

void ScatterRow(const float* from, int64_t from_stride, int64_t count,
                Dtype dtype, void* to, int64_t to_stride) {
  using namespace HWY_NAMESPACE;  // NOLINT(google-build-using-namespace)
  switch (dtype) {
    case kF16:
      return Scatter<F16>(from, from_stride, count, static_cast<uint16_t*>(to),
                          to_stride);
    case kBF16:
      return Scatter<BF16>(from, from_stride, count, static_cast<uint16_t*>(to),
                           to_stride);
    default:
      return Scatter<F32>(from, from_stride, count, static_cast<float*>(to),
                          to_stride);
  }
}

}  // namespace rotary
HWY_AFTER_NAMESPACE();
