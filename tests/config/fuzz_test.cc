// Valid calls with one or two fields set to extreme or small values: each
// either succeeds and writes its outputs only, or fails, names an argument and
// writes nothing.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "tests/config/corruptions.h"
#include "tests/config/fuzzed_call.h"
#include "tests/config/tensor_elements.h"
#include "tests/config/valid_call.h"
#include "tests/support/effort.h"
#include "tests/support/element.h"
#include "tests/support/random.h"

namespace rotary_test {
namespace {

// Whether what differs from before is in an output.
bool OnlyOutputsDiffer(const FuzzedCall& call,
                       const std::vector<float>& before) {
  const auto* const was = reinterpret_cast<const char*>(before.data());
  const auto* const is = reinterpret_cast<const char*>(call.memory.data());
  std::vector<bool> allowed(before.size() * sizeof(float));
  for (int64_t i = 0; i < call.args.num_tensors; ++i) {
    const TensorSide output = OutputOf(call.args, call.tensors[i]);
    if (output.empty()) continue;
    const ByteSet bytes(call.memory, output);
    for (size_t b = 0; b < allowed.size(); ++b) {
      allowed[b] = allowed[b] || bytes.Has(b);
    }
  }
  for (size_t b = 0; b < allowed.size(); ++b) {
    if (is[b] != was[b] && !allowed[b]) return false;
  }
  return true;
}

TEST_CASE("calls with corrupt fields succeed, or fail and write nothing") {
  const std::vector<Corruption> corruptions = AllCorruptions();
  Random random(20250101);
  FuzzedCall call;
  int succeeded = 0, by_cos_sin = 0, by_head = 0;
  const int calls = Effort(6000, 100000);
  for (int i = 0; i < calls; ++i) {
    CAPTURE(i);
    call.Reset();
    const int64_t source = random.Integer(0, 5);
    if (source == 0) call.UseRows();
    if (source == 1 || source == 2) call.UseCosSin(source == 1);
    // Heads with rows of their own, of which there are enough.
    if (source == 0 && i % 3 == 0) {
      call.args.row_batch_stride = random.Integer(0, 1);
      call.args.row_head_stride = random.Integer(1, 2);
    }
    for (int t = 0; t < 3 && i % 2 == 0; ++t) {
      SetFormats(&call.tensors[t], &random);
    }
    for (int64_t n = random.Integer(1, 2); n > 0; --n) {
      random.Choose(corruptions)(&call, &random);
    }
    const std::vector<float> before = call.memory;
    const std::vector<int64_t> ids_before = call.ids;
    const std::vector<uint32_t> table_before = call.table;
    rotary_error error;
    std::memset(&error, 0xA5, sizeof(error));
    const rotary_status status = rotary_apply(&call.args, &error);
    CHECK(call.ids == ids_before);
    CHECK(call.table == table_before);
    if (status == ROTARY_OK) {
      ++succeeded;
      by_cos_sin += call.args.cos_sin != nullptr;
      by_head += call.args.row_head_stride != 0;
      REQUIRE(OnlyOutputsDiffer(call, before));
    } else {
      RequireConsistent(status, error);
      REQUIRE(SameBytes(call.memory, before));
    }
  }
  CHECK(by_cos_sin > calls / 20);
  CHECK(by_head > calls / 100);
  CHECK(succeeded > calls / 10);
  CHECK(succeeded < calls / 10 * 9);
}

}  // namespace
}  // namespace rotary_test
