// Comparisons of outputs, run by run.
#include "tests/fuzz/same_results.h"

#include <cstring>

#include "tests/support/element.h"

namespace rotary_test {
namespace {

template <typename Visit>
void ForEachRun(const Outputs& outputs, const Visit& visit) {
  for (const Written& w : outputs) {
    for (int64_t i = 0; i < w.size[0]; ++i) {
      for (int64_t j = 0; j < w.size[1]; ++j) {
        for (int64_t k = 0; k < w.size[2]; ++k) {
          visit(w,
                w.data + i * w.stride[0] + j * w.stride[1] + k * w.stride[2]);
        }
      }
    }
  }
}

}  // namespace

void Outputs::Add(const Written& written) {
  Check(count_ < kMax, "too many outputs");
  written_[count_++] = written;
}

void Outputs::AddBlock(const Arena& arena, const void* at) {
  size_t bytes;
  uint8_t* const data = arena.BlockOf(at, &bytes);
  if (data == nullptr) return;
  Add({data, {1, 1, 1}, {0, 0, 0}, static_cast<int64_t>(bytes), 0});
}

int Targets(const char* const** names) {
  static const char* all[16];
  static const int count = [] {
    int n = 0;
    for (; n < rotary_target_count() && n < 16; ++n) {
      all[n] = rotary_target_name(n);
    }
    return n;
  }();
  *names = all;
  return count;
}

bool UndoOutputs(const Outputs& outputs, Arena* arena) {
  ForEachRun(outputs, [arena](const Written& w, uint8_t* at) {
    std::memcpy(at, arena->Sealed(at), static_cast<size_t>(w.run));
  });
  return arena->IsAsSealed();
}

bool IsAlike(const Outputs& outputs, Arena* arena) {
  ForEachRun(outputs, [arena](const Written& w, uint8_t* at) {
    if (w.dtype == 0) return;
    const auto bytes = static_cast<int64_t>(ElementBytes(w.dtype));
    uint8_t* const kept = arena->Kept(at);
    for (int64_t e = 0; e < w.run / bytes; ++e) {
      const uint32_t bits = LoadBits(w.dtype, kept, e);
      if (IsNan(w.dtype, bits) && IsNan(w.dtype, LoadBits(w.dtype, at, e))) {
        StoreBits(w.dtype, at, e, bits);
      }
    }
  });
  return arena->IsAsKept();
}

}  // namespace rotary_test
