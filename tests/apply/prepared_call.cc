// The preparation and runs of prepared_call.h.
#include "tests/apply/prepared_call.h"

#include <doctest/doctest.h>

#include <cstring>
#include <numeric>
#include <vector>

#include "tests/support/objects.h"
#include "tests/support/random.h"

namespace rotary_test {
namespace {

size_t BytesNeeded(int64_t num_tensors) {
  size_t bytes = 0;
  rotary_error error;
  RequireOk(rotary_prepared_bytes_needed(num_tensors, &bytes, &error), error);
  return bytes;
}

// So that what still reads a struct is found out.
template <typename Struct>
void Spoil(Struct* what, size_t count = 1) {
  std::memset(static_cast<void*>(what), 0xff, count * sizeof(Struct));
}

}  // namespace

PreparedCall::PreparedCall(const rotary_apply_args& args, const char* target)
    : memory_(BytesNeeded(args.num_tensors), Flush::kEnd) {
  rotary_apply_args copy = args;
  copy.target = target;
  std::vector<rotary_tensor> tensors(args.tensors,
                                     args.tensors + args.num_tensors);
  copy.tensors = tensors.data();
  rotary_cos_sin cos_sin{};
  if (args.cos_sin != nullptr) {
    cos_sin = *args.cos_sin;
    copy.cos_sin = &cos_sin;
  }
  rotary_positions positions{};
  if (args.positions != nullptr) {
    positions = *args.positions;
    copy.positions = &positions;
  }
  rotary_error error;
  RequireOk(rotary_prepare(&copy, memory_.data(), memory_.bytes(), &prepared_,
                           &error),
            error);
  REQUIRE(static_cast<void*>(prepared_) == memory_.data());
  Spoil(tensors.data(), tensors.size());
  Spoil(&cos_sin);
  Spoil(&positions);
  Spoil(&copy);
}

bool PreparedCall::RunShuffled(int64_t num_slices) const {
  std::vector<int64_t> slices(static_cast<size_t>(num_slices));
  std::iota(slices.begin(), slices.end(), 0);
  Random(9).Shuffle(&slices);
  bool ok = true;
  for (const int64_t slice : slices) {
    ok = ok && Run(slice, num_slices) == ROTARY_OK;
  }
  return ok;
}

}  // namespace rotary_test
