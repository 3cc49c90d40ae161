// Rows exported to any layout, some with corrupt arguments: every element is
// written once, and nothing else.
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

}  // namespace

bool FuzzExport(Input* input) {
  static ExportMemory to;
  constexpr auto kBytes = static_cast<int64_t>(sizeof(to.memory));
  char* const at = to.begin() + 3400;
  Export args = RandomExport(at, input);
  for (int64_t n = input->Integer(0, 5) - 3; n > 0; --n) {
    Corrupt(at, to.rows, input, &args);
  }
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
