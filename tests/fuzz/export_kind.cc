// Rows exported to any layout, some with corrupt arguments: every element is
// written once, and nothing else.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "tests/config/fuzzed_export.h"
#include "tests/fuzz/arena.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/kinds.h"

namespace rotary_test {
namespace {

// The rows lie in the memory that is written.
struct ExportMemory {
  ExportMemory();
  char* begin() { return reinterpret_cast<char*>(memory); }

  alignas(64) uint64_t memory[800];
  rotary_rows* rows = nullptr;
  RowValues values;
};

ExportMemory::ExportMemory() {
  const std::vector<int64_t> ids = {1,  2,    3,    ROTARY_NO_POSITION_I64,
                                    50, 6000, 70000};
  const Embedding embedding = MakeEmbedding(2 * Export::kPairs, 100, 1.5);
  std::memset(memory, 0x5A, sizeof(memory));
  rotary_error error;
  RequireOk(rotary_rows_init(begin() + 1000, 1200, embedding.get(),
                             Export::kCount, &rows, &error),
            error);
  const rotary_positions positions = MakePositions(ids);
  SetRowsOk(rows, MakeRowsArgs(embedding.get(), &positions, Export::kCount));
  values = ReadRows(rows);
}

// Whether it would write elsewhere in what memory there may be: that is a wild
// pointer, which no call can tell.
bool IsWild(const Export& args, const ExportMemory& to) {
  if (args.count < 1 || args.count > Export::kCount) return false;
  constexpr long double kElsewhere = 0x1p50L;
  const auto begin = reinterpret_cast<intptr_t>(to.memory);
  const auto size = static_cast<long double>(args.dtype == ROTARY_F32 ? 4 : 2);
  const long double columns = 2 * Export::kPairs;
  const long double element =
      args.element_stride == ROTARY_DENSE
          ? 1
          : static_cast<long double>(args.element_stride);
  const long double row = args.row_stride == ROTARY_DENSE
                              ? columns * std::fabs(element)
                              : static_cast<long double>(args.row_stride);
  const auto rows = static_cast<long double>(args.count - 1);
  const long double a = rows * row * size;
  const long double b = (columns - 1) * element * size;
  const long double low = std::min(a, 0.0L) + std::min(b, 0.0L);
  const long double high = std::max(a, 0.0L) + std::max(b, 0.0L) + size;
  if (high - low > kElsewhere) return false;
  for (const char* const side : {args.cos, args.sin}) {
    if (side == nullptr) continue;
    const auto at =
        static_cast<long double>(reinterpret_cast<intptr_t>(side) - begin);
    if (at + low < 0 || at + high > sizeof(to.memory)) return true;
  }
  return false;
}

}  // namespace

bool FuzzExport(Input* input) {
  static ExportMemory to;
  constexpr auto kBytes = static_cast<int64_t>(sizeof(to.memory));
  char* const at = to.begin() + 3400;
  Export args = RandomExport(at, input);
  for (int64_t n = input->Integer(0, 5) - 3; n > 0; --n) {
    Corrupt(at, to.rows, input, &args);
  }
  if (IsWild(args, to)) return false;
  Arena& arena = Arena::Get();
  arena.Attach(to.memory, sizeof(to.memory));
  arena.Seal();
  Told told;
  const rotary_status status = args.Run(to.rows, told.error());
  told.CheckStatus(status);
  arena.KeepSealed();
  if (status == ROTARY_OK && args.count > 0) {
    Check(WriteExport(args, to.values, to.begin(), kBytes,
                      reinterpret_cast<char*>(arena.Kept(to.begin()))),
          "an export is not within its memory, or writes it twice");
  }
  Check(arena.IsAsKept(), "an export wrote other bytes");
  arena.Restore();
  return status == ROTARY_OK;
}

}  // namespace rotary_test
