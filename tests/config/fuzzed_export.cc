// The exports of fuzzed_export.h.
#include "tests/config/fuzzed_export.h"

#include <cstdlib>
#include <vector>

#include "tests/config/fuzzed_call.h"
#include "tests/support/element.h"

namespace rotary_test {

Export RandomExport(char* at, Random* random) {
  Export to = {random->Integer(0, 2),
               random->Integer(0, 5),
               random->Choose(Dtypes()),
               static_cast<int32_t>(random->Integer(1, 3)),
               at,
               at,
               ROTARY_DENSE,
               ROTARY_DENSE};
  const auto size = static_cast<int64_t>(ElementBytes(to.dtype));
  const int64_t width =
      to.width == ROTARY_WIDTH_PAIRS ? Export::kPairs : 2 * Export::kPairs;
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

void Corrupt(char* at, const rotary_rows* rows, Random* random, Export* to) {
  const auto somewhere = [&]() -> char* {
    if (random->Integer(0, 3) == 0) return nullptr;
    if (random->Integer(0, 4) == 0) {
      return reinterpret_cast<char*>(const_cast<rotary_rows*>(rows)) +
             4 * random->Integer(
                     -20, static_cast<int64_t>(rotary_rows_bytes(rows) / 4));
    }
    const int64_t offset = 4 * random->Integer(-100, 100);
    return at + offset +
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

bool WriteExport(const Export& to, const RowValues& values, const char* memory,
                 int64_t bytes, char* copy) {
  const int64_t size = static_cast<int64_t>(ElementBytes(to.dtype));
  const int64_t copies = to.width == ROTARY_WIDTH_PAIRS ? 1 : 2;
  const int64_t element_stride =
      to.element_stride == ROTARY_DENSE ? 1 : to.element_stride;
  const int64_t row_stride =
      to.row_stride == ROTARY_DENSE
          ? copies * Export::kPairs * std::abs(element_stride)
          : to.row_stride;
  std::vector<bool> written(static_cast<size_t>(bytes));
  for (int64_t row = 0; row < to.count; ++row) {
    for (int64_t e = 0; e < copies * Export::kPairs; ++e) {
      const int64_t pair =
          to.width == ROTARY_WIDTH_NEIGHBORS ? e / 2 : e % Export::kPairs;
      // (Of one row the stride may be any.)
      const int64_t element =
          (row == 0 ? 0 : row * row_stride) + e * element_stride;
      for (const bool is_sin : {false, true}) {
        const float* const from = is_sin ? values.Sin(to.first_row + row)
                                         : values.Cos(to.first_row + row);
        const int64_t at = (is_sin ? to.sin : to.cos) + element * size - memory;
        if (at < 0 || at + size > bytes) return false;
        for (int64_t byte = at; byte < at + size; ++byte) {
          if (written[static_cast<size_t>(byte)]) return false;
          written[static_cast<size_t>(byte)] = true;
        }
        StoreBits(to.dtype, copy + at, 0, Narrowed(to.dtype, from[pair]));
      }
    }
  }
  return true;
}

}  // namespace rotary_test
