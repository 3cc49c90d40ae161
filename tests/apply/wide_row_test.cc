// A row as long as all heads of a token together: it rotates them before they
// become heads, and each by its part of the row afterwards, with the same bits.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <vector>

#include "tests/apply/call_check.h"
#include "tests/apply/own_cos_sin.h"
#include "tests/support/objects.h"
#include "tests/support/targets.h"

namespace rotary_test {

TEST_CASE("wide row: of all heads together, or a part of it for each") {
  // LTX rotates 2048 interleaved elements before they become 32 heads.
  constexpr int64_t kHeads = 32;
  constexpr int64_t kTokens = 3;
  for (const int64_t dim : {64, 128}) {
    CallTensors tensors(1, kTokens, {Simple(ROTARY_INTERLEAVED, kHeads, dim)});
    rotary_tensor wide = tensors.Args().tensors[0];
    wide.heads = 1;
    wide.head_dim = kHeads * dim;
    const auto check_wide = [&](rotary_apply_args args) {
      args.tensors = &wide;
      ForEachTarget([&](const char* target) {
        args.target = target;
        tensors.Reset();
        ApplyOk(args);
        CHECK(tensors.AsKept());
      });
    };

    for (const rotary_dtype dtype : Dtypes()) {
      for (const rotary_width width :
           {ROTARY_WIDTH_PAIRS, ROTARY_WIDTH_NEIGHBORS}) {
        const OwnCosSin own(DenseLayout(dtype, width, dim, 1, kTokens, kHeads),
                            4);
        rotary_cos_sin cos_sin = own.Struct();
        rotary_apply_args args = tensors.Args();
        args.cos_sin = &cos_sin;
        CheckCall(&tensors, own.Rows(1, kTokens), args);
        cos_sin.rotary_dim = kHeads * dim;
        cos_sin.head_stride = 0;
        check_wide(args);
      }
    }

    // Rows of as many embeddings as there are heads, one head behind the other.
    const std::vector<int64_t> ids = {5, 70001, ROTARY_NO_POSITION_I64};
    const Embedding embedding = MakeEmbedding(kHeads * dim);
    const std::vector<double> inv_freq = InvFreq(embedding.get());
    const Rows wide_rows = MakeRows(embedding.get(), ids);
    const Embedding shape = MakeEmbedding(dim);
    const Rows rows =
        MakeRows(shape.get(), std::vector<int64_t>(kHeads * kTokens, 0));
    const rotary_positions positions = MakePositions(ids);
    for (int64_t h = 0; h < kHeads; ++h) {
      const auto first = inv_freq.begin() + h * dim / 2;
      const Embedding part =
          MakeEmbedding(std::vector<double>(first, first + dim / 2));
      rotary_rows_args set = MakeRowsArgs(part.get(), &positions, kTokens);
      set.first_row = h * kTokens;
      SetRowsOk(rows.get(), set);
    }
    rotary_apply_args args = tensors.Args();
    args.rows = rows.get();
    args.row_head_stride = kTokens;
    tensors.Reset();
    ApplyOk(args);
    tensors.Keep();
    args.rows = wide_rows.get();
    args.row_head_stride = 0;
    check_wide(args);
  }
}

}  // namespace rotary_test
