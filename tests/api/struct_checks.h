// What every public struct must keep to: its init function, and calls that take
// it, with sizes of any version.  Used by the tests of struct_size.
#ifndef TESTS_API_STRUCT_CHECKS_H_
#define TESTS_API_STRUCT_CHECKS_H_

#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "tests/api/struct_versions.h"
#include "tests/support/objects.h"

namespace rotary_test {

// init(&struct, struct_size) must leave `set`, but for struct_size.
template <typename Struct, typename Init>
void CheckInit(const Struct& set, const Init& init) {
  // Bytes behind the given size stay; those of later fields become zero.
  constexpr size_t kBytes = sizeof(Later<Struct>) + 16;
  for (size_t size = 0; size <= sizeof(Later<Struct>); ++size) {
    CAPTURE(size);
    alignas(Struct) unsigned char memory[kBytes];
    std::memset(memory, kCanary, sizeof(memory));
    init(reinterpret_cast<Struct*>(memory), size);
    // A size that no version has had is no struct: nothing is written.
    const size_t written = IsSize<Struct>(size) ? size : 0;
    std::vector<unsigned char> expected(kBytes, kCanary);
    if (written != 0) {
      Struct defaults = set;
      defaults.struct_size = size;
      std::memset(expected.data(), 0, written);
      std::memcpy(expected.data(), &defaults,
                  std::min(written, sizeof(defaults)));
    }
    CHECK(std::equal(expected.begin(), expected.end(), memory));
  }
  init(nullptr, sizeof(Struct));
}

// Calls call(&struct) with every size that it must refuse, and with larger ones
// whose additional fields are not set, or set.
template <typename Struct, typename Call>
void CheckCall(const Struct& valid, const std::string& name, const Call& call) {
  CAPTURE(name);
  Later<Struct> later;
  const auto reset = [&](size_t struct_size) {
    std::memset(static_cast<void*>(&later), 0, sizeof(later));
    later.known = valid;
    later.known.struct_size = struct_size;
  };
  rotary_error error;
  reset(sizeof(Struct));
  RequireOk(call(&later.known, &error), error);
  reset(sizeof(later));
  RequireOk(call(&later.known, &error), error);

  const auto refuses = [&] {
    const size_t size = later.known.struct_size;
    CAPTURE(size);
    std::memset(&error, kCanary, sizeof(error));
    CHECK(call(&later.known, &error) == ROTARY_ERROR_STRUCT_SIZE);
    CHECK(error.status == ROTARY_ERROR_STRUCT_SIZE);
    CHECK(std::string(error.argument) == name + "struct_size");
    CHECK(error.value == static_cast<int64_t>(size));
    CHECK(std::string(error.message).find(error.argument) != std::string::npos);
    CHECK(call(&later.known, nullptr) == ROTARY_ERROR_STRUCT_SIZE);
  };
  for (size_t size = 0; size < sizeof(Struct); ++size) {
    reset(size);
    if (!IsSize<Struct>(size)) {
      refuses();
      continue;
    }
    // What came later is not read.
    std::memset(reinterpret_cast<unsigned char*>(&later) + size, kCanary,
                sizeof(Struct) - size);
    RequireOk(call(&later.known, &error), error);
  }
  for (size_t byte = 0; byte < sizeof(later.added); ++byte) {
    reset(sizeof(later));
    reinterpret_cast<unsigned char*>(later.added)[byte] = 1;
    refuses();
    // Not a field of the struct that this caller knows.
    later.known.struct_size = sizeof(Struct);
    RequireOk(call(&later.known, &error), error);
  }
  // An uninitialized struct.
  for (const size_t size : {SIZE_MAX, SIZE_MAX / 2, size_t{1} << 40}) {
    reset(size);
    later.added[0] = 1;
    refuses();
  }
}

}  // namespace rotary_test

#endif  // TESTS_API_STRUCT_CHECKS_H_
