// Exports of rows with fields set to extreme or small values: each either
// succeeds and writes the elements of cos and sin only, or fails, names an
// argument and writes nothing.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "tests/config/fuzzed_call.h"
#include "tests/support/effort.h"
#include "tests/support/element.h"
#include "tests/support/objects.h"
#include "tests/support/random.h"

namespace rotary_test {
namespace {

constexpr int64_t kCount = 7, kPairs = 3;

struct Export {
  int64_t first_row, count;
  rotary_dtype dtype;
  rotary_width width;
  char* cos;
  char* sin;
  int64_t row_stride, element_stride;
};

// One that is valid, of a random layout.
Export RandomExport(char* memory, Random* random) {
  Export to = {random->Integer(0, 2),
               random->Integer(0, 5),
               random->Choose(Dtypes()),
               static_cast<int32_t>(random->Integer(1, 3)),
               memory,
               memory,
               ROTARY_DENSE,
               ROTARY_DENSE};
  const auto size = static_cast<int64_t>(ElementBytes(to.dtype));
  const int64_t width = to.width == ROTARY_WIDTH_PAIRS ? kPairs : 2 * kPairs;
  const int64_t count = to.count > 0 ? to.count : 1;
  switch (random->Integer(0, 3)) {
    case 0:
      to.sin += 1000;
      break;
    case 1:  // one behind the other in a row
      to.row_stride = 2 * width + random->Integer(0, 2);
      to.sin += width * size;
      break;
    case 2:  // complex
      to.row_stride = -2 * width - random->Integer(0, 2);
      to.element_stride = 2;
      to.sin += size;
      break;
    default:  // transposed
      to.row_stride = 1;
      to.element_stride = count + random->Integer(0, 2);
      to.sin -= width * to.element_stride * size;
      break;
  }
  return to;
}

void Corrupt(char* memory, rotary_rows* rows, Random* random, Export* to) {
  const auto somewhere = [&]() -> char* {
    if (random->Integer(0, 3) == 0) return nullptr;
    if (random->Integer(0, 4) == 0) {
      return reinterpret_cast<char*>(rows) +
             4 * random->Integer(
                     -20, static_cast<int64_t>(rotary_rows_bytes(rows) / 4));
    }
    const int64_t at = 4 * random->Integer(-100, 100);
    return memory + at +
           (random->Integer(0, 3) == 0 ? random->Integer(1, 3) : 0);
  };
  switch (random->Integer(0, 7)) {
    case 0:
      to->first_row = Value64(random);
      break;
    case 1:
      to->count = Value64(random);
      break;
    case 2:
      to->dtype = Value32(random);
      break;
    case 3:
      to->width = Value32(random);
      break;
    case 4:
      to->row_stride = Value64(random);
      break;
    case 5:
      to->element_stride = Value64(random);
      break;
    case 6:
      to->cos = somewhere();
      break;
    default:
      to->sin = somewhere();
      break;
  }
}

// What memory must hold after an export that succeeds: `before`, and every
// element of cos and sin once.
void Expect(const Export& to, const RowValues& values, char* memory,
            std::vector<char>* before) {
  const int64_t size = static_cast<int64_t>(ElementBytes(to.dtype));
  const int64_t copies = to.width == ROTARY_WIDTH_PAIRS ? 1 : 2;
  const int64_t element_stride =
      to.element_stride == ROTARY_DENSE ? 1 : to.element_stride;
  const int64_t row_stride = to.row_stride == ROTARY_DENSE
                                 ? copies * kPairs * std::abs(element_stride)
                                 : to.row_stride;
  std::set<int64_t> written;
  for (int64_t row = 0; row < to.count; ++row) {
    for (int64_t e = 0; e < copies * kPairs; ++e) {
      const int64_t pair =
          to.width == ROTARY_WIDTH_NEIGHBORS ? e / 2 : e % kPairs;
      // (Of one row the stride may be any.)
      const int64_t element =
          (row == 0 ? 0 : row * row_stride) + e * element_stride;
      for (const bool is_sin : {false, true}) {
        const float* const from = is_sin ? values.Sin(to.first_row + row)
                                         : values.Cos(to.first_row + row);
        const int64_t at = (is_sin ? to.sin : to.cos) + element * size - memory;
        REQUIRE(at >= 0);
        REQUIRE(at + size <= static_cast<int64_t>(before->size()));
        for (int64_t byte = at; byte < at + size; ++byte) {
          REQUIRE(written.insert(byte).second);
        }
        StoreBits(to.dtype, before->data() + at, 0,
                  Narrowed(to.dtype, from[pair]));
      }
    }
  }
}

TEST_CASE("exports with corrupt arguments succeed, or write nothing") {
  const Embedding embedding = MakeEmbedding(2 * kPairs, 100, 1.5);
  const std::vector<int64_t> ids = {1,  2,    3,    ROTARY_NO_POSITION_I64,
                                    50, 6000, 70000};
  std::vector<uint64_t> memory(1000, 0x5A5A5A5A5A5A5A5Au);
  char* const begin = reinterpret_cast<char*>(memory.data());
  // The rows are in the same memory.
  rotary_rows* rows = nullptr;
  rotary_error made;
  RequireOk(rotary_rows_init(begin + 1000, 2000, embedding.get(), kCount, &rows,
                             &made),
            made);
  const rotary_positions positions = MakePositions(ids);
  SetRowsOk(rows, MakeRowsArgs(embedding.get(), &positions, kCount));
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
    const rotary_status status = rotary_rows_export(
        rows, to.first_row, to.count, to.dtype, to.width, to.cos, to.sin,
        to.row_stride, to.element_stride, &error);
    if (status == ROTARY_OK) {
      ++succeeded;
      if (to.count > 0) Expect(to, values, begin, &expected);
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
