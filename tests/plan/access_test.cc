// How calls go through the caches, which no result shows: when they store past
// them, and what they fetch ahead.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>

#include "lib/apply/memory.h"
#include "tests/plan/planned.h"

namespace rotary_test {
namespace {

using rotary::Access;

constexpr int64_t kTokenBytes = LargeCall::kTokenBytes;

// The tokens whose input and output together fill the caches.
int64_t FillingTokens() {
  return (LeastThatFills() + 2 * kTokenBytes - 1) / (2 * kTokenBytes);
}

TEST_CASE("plan: out of place, past the caches that input and output fill") {
  LargeCall large;
  large.SetTokens(FillingTokens() - 1);
  CHECK(large.PlanTensor().access != Access::kStream);
  CHECK_FALSE(large.Plan().streams);
  large.SetTokens(FillingTokens());
  CHECK(large.PlanTensor().access == Access::kStream);
  CHECK(large.Plan().streams);
  CHECK(large.Plan().stream);

  large.tensor.output_store = ROTARY_STORE_KEEP;
  CHECK(large.PlanTensor().access != Access::kStream);
  CHECK_FALSE(large.Plan().streams);

  large.SetTokens(1);
  large.tensor.output_store = ROTARY_STORE_STREAM;
  CHECK(large.PlanTensor().access == Access::kStream);
  CHECK(large.Plan().streams);
}

TEST_CASE("plan: bytes are counted as they are moved") {
  LargeCall large;
  large.SetTokens(1000);
  CHECK(large.Plan().bytes == 2000 * kTokenBytes);
  CHECK(large.Plan().copy_bytes == 2000 * kTokenBytes);
  CHECK(large.Plan().copies);
  large.tensor.output_dtype = ROTARY_BF16;
  CHECK(large.Plan().bytes == 1500 * kTokenBytes);
  large.InPlace();
  large.tensor.output_dtype = 0;
  CHECK(large.Plan().bytes == 2000 * kTokenBytes);
  CHECK(large.Plan().copy_bytes == 0);
  CHECK_FALSE(large.Plan().copies);
  large.tensor.heads = 3;
  CHECK(large.Plan().bytes == 6000 * kTokenBytes);
  CHECK(large.Plan().heads == 3);
}

TEST_CASE("plan: in place nothing goes past the caches") {
  LargeCall large;
  large.InPlace();
  large.SetTokens(8 * FillingTokens());
  CHECK(large.PlanTensor().access != Access::kStream);
  CHECK_FALSE(large.Plan().streams);
  large.tensor.output = const_cast<void*>(large.tensor.input);
  large.tensor.output_store = ROTARY_STORE_STREAM;
  CHECK(large.PlanTensor().access != Access::kStream);
}

TEST_CASE("plan: past the caches only what is aligned to 64 bytes") {
  LargeCall large(64);
  large.SetTokens(3);
  large.tensor.output_store = ROTARY_STORE_STREAM;
  const auto streams = [&] {
    const bool yes = large.PlanTensor().access == Access::kStream;
    CHECK(large.Plan().streams == yes);
    return yes;
  };
  CHECK(streams());
  large.tensor.output = large.output() + 32;
  CHECK_FALSE(streams());
  large.tensor.output = large.output();
  large.tensor.output_token_stride = LargeCall::kHeadDim + 8;
  CHECK_FALSE(streams());
  large.tensor.output_token_stride = LargeCall::kHeadDim + 16;
  CHECK(streams());
  // Strides that are never used do not count.
  large.tensor.output_head_stride = 131;
  large.tensor.output_batch_stride = 1001;
  CHECK(streams());
  large.tensor.rotary_offset = 8;
  CHECK_FALSE(streams());
  large.tensor.rotary_offset = 16;
  CHECK(streams());
  LargeCall narrow(48);
  narrow.tensor.output_store = ROTARY_STORE_STREAM;
  CHECK(narrow.PlanTensor().access != Access::kStream);
}

TEST_CASE("plan: whole heads from memory go in order, or are fetched") {
  LargeCall large;
  large.InPlace();
  const int64_t filling = (LeastThatFills() + kTokenBytes - 1) / kTokenBytes;
  for (const int64_t tokens : {filling - 1, filling}) {
    large.SetTokens(tokens);
    const bool exceeds = tokens == filling;
    const bool fetched = exceeds && rotary::PrefetchPays();
    CHECK(large.Plan().prefetch == fetched);
    CHECK(large.Plan().from_memory == (exceeds && !fetched));
    CHECK(large.PlanTensor().in_order == (exceeds && !fetched));
    CHECK(large.PlanTensor().access ==
          (fetched ? Access::kPrefetch : Access::kPlain));
  }
}

// What is more than the smallest of last-level caches, by one token, is fetched
// so far ahead; not what is less.
void CheckFetched(LargeCall* large, int64_t token_bytes, int64_t near,
                  int64_t far) {
  const int64_t small = rotary::kSmallCache / token_bytes;
  large->SetTokens(small);
  CHECK(large->PlanTensor().access == Access::kPlain);
  large->SetTokens(small + 1);
  const rotary::Tensor tensor = large->PlanTensor();
  CHECK(tensor.access == Access::kPrefetch);
  CHECK(tensor.near == static_cast<uintptr_t>(near));
  CHECK(tensor.far == static_cast<uintptr_t>(far));
  CHECK_FALSE(tensor.in_order);
}

TEST_CASE("plan: parts of heads are fetched 4 KiB ahead, and 32 KiB") {
  // 512 bytes of each KiB are read: they are the next 8 heads, and 64.
  LargeCall large;
  large.InPlace();
  large.tensor.head_dim = 2 * LargeCall::kHeadDim;
  CheckFetched(&large, 1024, 8 * 1024, 64 * 1024);
  large.tensor.heads = 8;
  CheckFetched(&large, 8 * 1024, 8 * 1024, 64 * 1024);
  // Four heads of a token go together where they are apart.
  large.tensor.input_head_stride = int64_t{1} << 22;
  large.tensor.input_token_stride = 2 * LargeCall::kHeadDim;
  CheckFetched(&large, 8 * 1024, 2 * 1024, 16 * 1024);
  large.tensor.heads = 3;
  CheckFetched(&large, 3 * 1024, 3 * 1024, 22 * 1024);
}

TEST_CASE("plan: whole heads of a KiB are fetched, smaller ones are not") {
  LargeCall large(256);
  large.InPlace();
  large.tensor.head_dim = 256;
  CheckFetched(&large, 1024, 4 * 1024, 32 * 1024);
  LargeCall smaller(248);
  smaller.InPlace();
  smaller.tensor.head_dim = 248;
  smaller.SetTokens(rotary::kSmallCache / 992 + 2);
  CHECK(smaller.PlanTensor().access == Access::kPlain);
}

}  // namespace
}  // namespace rotary_test
