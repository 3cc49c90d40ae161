// libFuzzer's entry.
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/kinds.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  rotary_test::RunInput(data, size);
  return 0;
}
