// Public structs of other versions than this one.  Used by the tests of
// struct_size.
#ifndef TESTS_API_STRUCT_VERSIONS_H_
#define TESTS_API_STRUCT_VERSIONS_H_

#include <rotary/rotary.h>

#include <cstddef>
#include <cstdint>

namespace rotary_test {

constexpr unsigned char kCanary = 0xA5;

// A struct as a later version may have it.
template <typename Struct>
struct Later {
  Struct known;
  uint64_t added[3];
};

// The sizes that a struct had in versions 0.1 and 0.2.
template <typename Struct>
inline constexpr size_t kFirstSize = sizeof(Struct);
template <>
inline constexpr size_t kFirstSize<rotary_embedding_config> = 48;
template <>
inline constexpr size_t kFirstSize<rotary_positions> = 48;
template <>
inline constexpr size_t kFirstSize<rotary_rows_args> = 64;
template <>
inline constexpr size_t kFirstSize<rotary_apply_args> = 112;
template <typename Struct>
inline constexpr size_t kSecondSize = kFirstSize<Struct>;
template <>
inline constexpr size_t kSecondSize<rotary_positions> = 72;
template <>
inline constexpr size_t kSecondSize<rotary_apply_args> = 128;

template <typename Struct>
bool IsSize(size_t size) {
  return size == kFirstSize<Struct> || size == kSecondSize<Struct> ||
         size >= sizeof(Struct);
}

}  // namespace rotary_test

#endif  // TESTS_API_STRUCT_VERSIONS_H_
