// Exports of rows with fields set to extreme or small values: each either
// succeeds and writes the elements of cos and sin only, or fails, names an
// argument and writes nothing.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <cstring>
#include <vector>

#include "tests/config/fuzzed_call.h"
#include "tests/config/fuzzed_export.h"
#include "tests/support/effort.h"
#include "tests/support/objects.h"
#include "tests/support/random.h"

namespace rotary_test {
namespace {

TEST_CASE("exports with corrupt arguments succeed, or write nothing") {
  const Embedding embedding = MakeEmbedding(2 * Export::kPairs, 100, 1.5);
  const std::vector<int64_t> ids = {1,  2,    3,    ROTARY_NO_POSITION_I64,
                                    50, 6000, 70000};
  std::vector<uint64_t> memory(1000, 0x5A5A5A5A5A5A5A5Au);
  char* const begin = reinterpret_cast<char*>(memory.data());
  // The rows are in the same memory.
  rotary_rows* rows = nullptr;
  rotary_error made;
  RequireOk(rotary_rows_init(begin + 1000, 2000, embedding.get(),
                             Export::Export::kCount, &rows, &made),
            made);
  const rotary_positions positions = MakePositions(ids);
  SetRowsOk(rows, MakeRowsArgs(embedding.get(), &positions, Export::kCount));
  const RowValues values = ReadRows(rows);
  Random random(77);
  int succeeded = 0;
  const int calls = Effort(10000, 200000);
  for (int i = 0; i < calls; ++i) {
    CAPTURE(i);
    Export to = RandomExport(begin + 4000, &random);
    for (int64_t n = random.Integer(0, 2); n > 0; --n) {
      Corrupt(begin + 4000, rows, &random, &to);
    }
    std::vector<char> expected(begin, begin + 8 * memory.size());
    rotary_error error;
    std::memset(&error, 0xA5, sizeof(error));
    const rotary_status status = to.Run(rows, &error);
    if (status == ROTARY_OK) {
      ++succeeded;
      REQUIRE(WriteExport(to, values, begin,
                          static_cast<int64_t>(expected.size()),
                          expected.data()));
    } else {
      RequireConsistent(status, error);
    }
    REQUIRE(std::memcmp(begin, expected.data(), expected.size()) == 0);
  }
  CHECK(succeeded > calls / 4);
  CHECK(succeeded < calls / 10 * 9);
}

}  // namespace
}  // namespace rotary_test
