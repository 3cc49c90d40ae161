// How much stack calls take that make rows of their angles or of several axes:
// as stack_test.cc, and left out with sanitizers as that is.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/apply/stack_calls.h"
#include "tests/rows/axes_case.h"
#include "tests/support/painted_stack.h"
#include "tests/support/targets.h"

namespace rotary_test {
namespace {

constexpr int64_t kCallBytes = 16384;
constexpr int64_t kTileBytes = 16384;

void CheckStack(int64_t limit, const StackCall& call) {
  REQUIRE(call() == ROTARY_OK);
  rotary_status status = ROTARY_OK;
  const int64_t bytes = StackBytesOf(call, &status);
  CHECK(status == ROTARY_OK);
  CHECK(bytes <= limit);
}

// Which make their rows in different ways.
std::vector<Embedding> EmbeddingsOf(int64_t rotary_dim) {
  std::vector<Embedding> all;
  const int64_t pairs = rotary_dim / 2;
  all.push_back(
      AxesCase(ROTARY_AXES_SECTIONS, rotary_dim, {5, 3, pairs - 8}).Make());
  AxesCase given(ROTARY_AXES_GIVEN, rotary_dim, std::vector<int64_t>(8, 0));
  given.config.heads = kStackHeads;
  given.inv_freq.assign(static_cast<size_t>(kStackHeads * 8 * pairs), 0.25);
  all.push_back(given.Make());
  for (const rotary_arithmetic arithmetic :
       {ROTARY_COMPATIBLE_HF, ROTARY_COMPATIBLE_GGML}) {
    AxesCase compatible(ROTARY_AXES_INTERLEAVED, rotary_dim, {pairs, 0, 0});
    compatible.config.arithmetic = arithmetic;
    all.push_back(compatible.Make());
  }
  AxesCase xpos(ROTARY_AXES_GIVEN, rotary_dim, {0});
  xpos.config.xpos = ROTARY_XPOS_KEY;
  all.push_back(xpos.Make());
  return all;
}

void CheckCalls(const rotary_embedding* embedding,
                const rotary_positions& positions, const rotary_tensor& tensor,
                int64_t limit, const char* target) {
  const std::vector<rotary_tensor> tensors = {tensor};
  StackSource source;
  source.embedding = embedding;
  source.positions = &positions;
  const rotary_apply_args args = MakeArgs(source, target, tensors);
  CheckStack(limit, [&] { return rotary_apply(&args, nullptr); });
}

TEST_CASE("stack: rows of angles and of several axes") {
  const std::vector<int64_t> ids = {0, 1, 30000, 3, -4, 5};
  const std::vector<double> reals = {0, 1.5, 2, 3, -4.25, 5};
  for (const int64_t rotary_dim : {64, 4096}) {
    CAPTURE(rotary_dim);
    StackMemory memory(rotary_dim, 1);
    const Formats plain = {ROTARY_F32, ROTARY_BF16, ROTARY_HALF, ROTARY_HALF};
    const Formats change = {ROTARY_F32, ROTARY_F32, ROTARY_HALF,
                            ROTARY_INTERLEAVED};
    for (const Embedding& embedding : EmbeddingsOf(rotary_dim)) {
      const uint64_t way = rotary_embedding_fingerprint(embedding.get());
      CAPTURE(way);
      rotary_positions positions = MakePositions(ids);
      positions.axis_stride = 0;
      for (const bool real : {false, true}) {
        CAPTURE(real);
        if (real) {
          positions.data = reals.data();
          positions.dtype = ROTARY_F64;
        }
        rotary_rows* rows = nullptr;
        rotary_error error;
        RequireOk(
            rotary_rows_create(embedding.get(),
                               6 * rotary_embedding_heads(embedding.get()),
                               &rows, &error),
            error);
        const Rows owner(rows);
        rotary_rows_args args = MakeRowsArgs(embedding.get(), &positions, 6);
        args.num_threads = 1;
        ForEachTarget([&](const char* target) {
          CheckCalls(embedding.get(), positions, memory.Tensor(plain, false),
                     kCallBytes, target);
          CheckCalls(embedding.get(), positions, memory.Tensor(change, true),
                     kCallBytes + kTileBytes, target);
          args.target = target;
          CheckStack(kCallBytes,
                     [&] { return rotary_rows_set(rows, &args, nullptr); });
        });
      }
    }
  }
}

}  // namespace
}  // namespace rotary_test
