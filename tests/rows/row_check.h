// Rows by every target, and by a call that makes them on its way, which must
// agree in every bit; and how far values are from those expected.  Used by the
// tests of rows that are not plain.
#ifndef TESTS_ROWS_ROW_CHECK_H_
#define TESTS_ROWS_ROW_CHECK_H_

#include <rotary/rotary.h>

#include <cstdint>
#include <vector>

#include "tests/support/objects.h"

namespace rotary_test {

rotary_embedding_config MakeConfig(int64_t rotary_dim);
Embedding Create(const rotary_embedding_config& config);

rotary_positions PositionsOf(const std::vector<int64_t>& data);
rotary_positions PositionsOf(const std::vector<float>& data);
rotary_positions PositionsOf(const std::vector<double>& data);

struct RowsWay {
  rotary_mode mode = ROTARY_FORWARD;
  double log_n_length = 0;
};

// Rows of so many tokens, each for every head of the embedding.  All targets
// and numbers of threads must give the same bits, and so must rotary_apply by
// the embedding and by the rows.
RowValues RowsOf(const rotary_embedding* embedding,
                 const rotary_positions& positions, int64_t tokens,
                 const RowsWay& way = {});

// How many numbers there are of a dtype from one to another, which must be
// elements of it.
int64_t Distance(rotary_dtype dtype, float a, float b);

// Values that should be those expected, bit by bit.
struct Agreement {
  rotary_dtype dtype = ROTARY_F32;
  int64_t count = 0;
  int64_t different = 0;
  int64_t farthest = 0;

  void Add(float got, float expected);
};

}  // namespace rotary_test

#endif  // TESTS_ROWS_ROW_CHECK_H_
