// Rows from a table, by themselves: the products of entries, and factors of cos
// and sin that have nothing to do with each other.
#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "lib/kernels/target.h"
#include "tests/support/random.h"
#include "tests/support/targets.h"

namespace rotary_test {
namespace {

constexpr int64_t kPairs = 2 * rotary::kPairPadding;
constexpr int64_t kEntries = int64_t{rotary::kDigits} << rotary::kDigitBits;

struct Entry {
  const double* cos;
  const double* sin;
};

// Any numbers, so that no two entries can be taken for each other.
std::vector<double> RandomTable() {
  Random random(1);
  std::vector<double> table;
  for (int64_t i = 0; i < kEntries * 2 * kPairs; ++i) {
    table.push_back(static_cast<double>(random.Float()));
  }
  return table;
}

Entry EntryOf(const std::vector<double>& table, int64_t digit, int64_t place) {
  const double* cos = table.data() + (digit + 256 * place) * 2 * kPairs;
  return {cos, cos + kPairs};
}

TEST_CASE("rows from a table: factors of cos and of sin, and signs") {
  const std::vector<double> table = RandomTable();
  // One, two, three and four digits that are not 0, or the first that is.
  const std::vector<int32_t> positions = {
      0,       5,        -5,       0x100, 0x2507, rotary::kNoPosition,
      0x70001, -0x70001, 0x1020304};
  const size_t count = positions.size();
  for (const double cos_factor : {1.0, 0.5}) {
    for (const double sin_factor : {1.0, -1.0, 2.0, -0.25}) {
      CAPTURE(cos_factor);
      CAPTURE(sin_factor);
      ForEachTarget([&](const char* name) {
        constexpr float kBefore = 77.0f;
        std::vector<float> cos(count * kPairs, kBefore), sin = cos;
        std::vector<uint8_t> rotates(count, 9);
        rotary::MakeRowsJob job = {};
        job.table = table.data();
        job.padded_pairs = kPairs;
        job.pair_count = kPairs;
        job.positions = positions.data();
        job.count = static_cast<int64_t>(count);
        job.cos_factor = cos_factor;
        job.sin_factor = sin_factor;
        job.cos = cos.data();
        job.sin = sin.data();
        job.row_stride = kPairs;
        job.rotates = rotates.data();
        rotary::kMakeRows[rotary::FindTarget(name)](job);
        for (size_t r = 0; r < count; ++r) {
          CAPTURE(positions[r]);
          const bool none = positions[r] == rotary::kNoPosition;
          CHECK(rotates[r] == (none ? rotary::kCopied : rotary::kRotated));
          const int64_t magnitude =
              positions[r] < 0 ? -int64_t{positions[r]} : positions[r];
          int64_t wrong = 0;
          for (int64_t i = 0; i < kPairs; ++i) {
            const Entry first = EntryOf(table, magnitude % 256, 0);
            double c = first.cos[i];
            double s = first.sin[i];
            for (int64_t k = 1; k < rotary::kDigits; ++k) {
              const int64_t digit = magnitude >> (8 * k) & 255;
              if (digit == 0) continue;
              const Entry next = EntryOf(table, digit, k);
              const double product = c * next.cos[i] - s * next.sin[i];
              s = s * next.cos[i] + c * next.sin[i];
              c = product;
            }
            if (positions[r] < 0) s = -s;
            const float expected_cos = static_cast<float>(c * cos_factor);
            const float expected_sin = static_cast<float>(s * sin_factor);
            const size_t at = r * kPairs + static_cast<size_t>(i);
            wrong += cos[at] != (none ? kBefore : expected_cos);
            wrong += sin[at] != (none ? kBefore : expected_sin);
          }
          CHECK(wrong == 0);
        }
      });
    }
  }
}

}  // namespace
}  // namespace rotary_test
