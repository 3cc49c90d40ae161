// Rows, and calls on every target, for the tests of layouts: apply_layout and
// apply_tensors.
#ifndef TESTS_APPLY_LAYOUT_FIXTURE_H_
#define TESTS_APPLY_LAYOUT_FIXTURE_H_

#include <rotary/rotary.h>

#include <cstdint>
#include <vector>

#include "tests/apply/formats.h"
#include "tests/support/objects.h"
#include "tests/support/reference.h"
#include "tests/support/targets.h"

namespace rotary_test {

constexpr int64_t kRotaryDim = 20;  // no multiple of a vector
constexpr int64_t kBatch = 3;
constexpr int64_t kTokens = 4;

// Rows for batch * tokens different positions.
struct LayoutFixture {
  explicit LayoutFixture(int64_t rotary_dim = kRotaryDim, int64_t count = 12)
      : embedding(MakeEmbedding(rotary_dim)) {
    std::vector<int64_t> positions;
    for (int64_t i = 0; i < count; ++i) positions.push_back(1000003 * i + 1);
    rows = MakeRows(embedding.get(), positions);
    values = ReadRows(rows.get());
  }

  TensorRotation Rotation(rotary_pairing pairing, int64_t rotary_offset,
                          int64_t tokens = kTokens) const {
    return {pairing,
            rotary_offset,
            2 * values.pairs,
            values.cos.data(),
            values.sin.data(),
            tokens,
            1};
  }
  TensorRotation Rotation(const Formats& formats, int64_t rotary_offset,
                          int64_t tokens = kTokens) const {
    TensorRotation rotation =
        Rotation(formats.input_pairing, rotary_offset, tokens);
    rotation.output_pairing = formats.output_pairing;
    return rotation;
  }

  // Runs a call with these rows on every target; check(target) follows each,
  // reset() comes before.
  template <typename Reset, typename Check>
  void Run(int64_t batch, int64_t tokens,
           const std::vector<rotary_tensor>& tensors, const Reset& reset,
           const Check& check) const {
    ForEachTarget([&](const char* target) {
      reset();
      rotary_apply_args args = MakeApplyArgs(batch, tokens, tensors);
      args.rows = rows.get();
      args.target = target;
      ApplyOk(args);
      check();
    });
  }

  Embedding embedding;
  Rows rows;
  RowValues values;
};

}  // namespace rotary_test

#endif  // TESTS_APPLY_LAYOUT_FIXTURE_H_
