// The flat call does what rotary_apply does on the same tensors in place, of
// every dtype and pairing.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <vector>

#include "tests/support/element.h"
#include "tests/support/objects.h"
#include "tests/support/random.h"
#include "tests/support/reference.h"
#include "tests/support/strided.h"

namespace rotary_test {
namespace {

constexpr int64_t kTokens = 7;
constexpr int64_t kHeadDim = 44;
constexpr int64_t kRotaryDim = 36;

struct Layout {
  Order order;
  int64_t gap;
};

// Queries and keys of so many heads by one call, against the reference.
void Check(rotary_dtype dtype, rotary_pairing pairing, int64_t k_heads,
           const Layout& layout, int32_t num_threads) {
  CAPTURE(dtype);
  CAPTURE(pairing);
  CAPTURE(k_heads);
  const Embedding embedding = MakeEmbedding(kRotaryDim, 10000, 1.138629436);
  std::vector<int64_t> ids = RandomPositions(kTokens, 2);
  ids[3] = ROTARY_NO_POSITION_I64;
  const RowValues rows = ReadRows(MakeRows(embedding.get(), ids).get());
  const Shape q_shape{1, kTokens, 3, kHeadDim};
  const Shape k_shape{1, kTokens, k_heads, kHeadDim};
  StridedTensor q(dtype, q_shape, StridesOf(q_shape, layout.order, layout.gap));
  StridedTensor k(dtype, k_shape, StridesOf(k_shape, layout.order, layout.gap));
  q.FillRandom(3);
  k.FillRandom(4);
  const Snapshot q_before(q);
  const Snapshot k_before(k);
  const Strides& q_strides = q.view().strides;
  const Strides& k_strides = k.view().strides;
  const bool dense = layout.order == Order::kBshd && layout.gap == 0;
  const auto given = [dense](int64_t stride) {
    return dense ? ROTARY_DENSE : stride;
  };
  rotary_error error;
  RequireOk(
      rotary_apply_qk(embedding.get(), ids.data(), ROTARY_I64, kTokens, dtype,
                      pairing, kHeadDim, q.view().data, q_shape.heads,
                      given(q_strides.token), given(q_strides.head),
                      k_heads == 0 ? nullptr : k.view().data, k_heads,
                      given(k_strides.token), given(k_strides.head),
                      num_threads, &error),
      error);
  TensorRotation rotation{pairing,         0, kRotaryDim, rows.cos.data(),
                          rows.sin.data(), 0, 1};
  rotation.positions = ids.data();
  CHECK_EQ(CompareRotated(q_before.view(), q.view(), rotation), "");
  CHECK_EQ(CompareRotated(k_before.view(), k.view(), rotation), "");
  CHECK(q.GapsIntact());
  CHECK(k.GapsIntact());
}

}  // namespace

TEST_CASE("the flat call: every dtype and pairing, dense and not") {
  for (const rotary_dtype dtype : Dtypes()) {
    for (const rotary_pairing pairing : {ROTARY_HALF, ROTARY_INTERLEAVED}) {
      for (const int64_t k_heads : {0, 1, 2}) {
        for (const Layout& layout :
             {Layout{Order::kBshd, 0}, Layout{Order::kBshd, 5},
              Layout{Order::kBhsd, 0}}) {
          Check(dtype, pairing, k_heads, layout, 1);
        }
        Check(dtype, pairing, k_heads, {Order::kBshd, 0}, 2);
      }
    }
  }
}

}  // namespace rotary_test
