// Short ways to make rows and to rotate by them.  Used by rows_test and
// rows_memory_test.
#ifndef TESTS_ROWS_ROWS_FIXTURE_H_
#define TESTS_ROWS_ROWS_FIXTURE_H_

#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/guarded_buffer.h"
#include "tests/support/objects.h"
#include "tests/support/reference.h"
#include "tests/support/strided.h"

namespace rotary_test {

constexpr int64_t kCount = 29;

inline rotary_rows* Init(const GuardedBuffer& memory,
                         const rotary_embedding* embedding, int64_t count) {
  rotary_rows* rows = nullptr;
  rotary_error error;
  RequireOk(rotary_rows_init(memory.data(), memory.bytes(), embedding, count,
                             &rows, &error),
            error);
  REQUIRE(static_cast<void*>(rows) == memory.data());
  return rows;
}

// Sets rows [first, first + count) to those positions.
inline void SetPart(rotary_rows* rows, const rotary_embedding* embedding,
                    const std::vector<int64_t>& positions, int64_t first,
                    int64_t count, const char* target = nullptr) {
  rotary_positions part = MakePositions(positions);
  part.data = positions.data() + first;
  rotary_rows_args args = MakeRowsArgs(embedding, &part, count);
  args.first_row = first;
  args.target = target;
  args.num_threads = 1;
  SetRowsOk(rows, args);
}

// Rotates a tensor by all rows; empty, or how it differs from values.
inline std::string ApplyDiffers(const rotary_rows* rows,
                                const RowValues& values, const char* target) {
  const Shape shape{1, rotary_rows_count(rows), 2, 2 * values.pairs};
  StridedTensor input(shape, StridesOf(shape));
  const StridedTensor output(shape, StridesOf(shape));
  input.FillRandom(3);
  const std::vector<rotary_tensor> tensors = {
      OutOfPlace(input.view(), output.view(), ROTARY_HALF)};
  rotary_apply_args args = MakeApplyArgs(1, shape.tokens, tensors);
  args.rows = rows;
  args.target = target;
  ApplyOk(args);
  return CompareRotated(input.view(), output.view(),
                        {ROTARY_HALF, 0, 2 * values.pairs, values.cos.data(),
                         values.sin.data(), 0, 1});
}

}  // namespace rotary_test

#endif  // TESTS_ROWS_ROWS_FIXTURE_H_
