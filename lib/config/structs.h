// Public structs of any version, seen as this version's.  Used by config.

#ifndef ROTARY_LIB_CONFIG_STRUCTS_H_
#define ROTARY_LIB_CONFIG_STRUCTS_H_

#include <stddef.h>
#include <string.h>

#include "include/rotary/rotary.h"
#include "lib/config/error.h"

namespace rotary {

// The sizes of a public struct in versions 0.1 and 0.2.
struct OldSizes {
  size_t first;
  size_t second;
};
template <class Struct>
inline constexpr OldSizes kOldSizes = {sizeof(Struct), sizeof(Struct)};
template <>
inline constexpr OldSizes kOldSizes<rotary_positions> = {
    offsetof(rotary_positions, cu_seqlens),
    offsetof(rotary_positions, axis_stride)};
template <>
inline constexpr OldSizes kOldSizes<rotary_embedding_config> = {
    offsetof(rotary_embedding_config, scaling),
    offsetof(rotary_embedding_config, scaling)};
template <>
inline constexpr OldSizes kOldSizes<rotary_rows_args> = {
    offsetof(rotary_rows_args, log_n_length),
    offsetof(rotary_rows_args, log_n_length)};
template <>
inline constexpr OldSizes kOldSizes<rotary_apply_args> = {
    offsetof(rotary_apply_args, cos_sin),
    offsetof(rotary_apply_args, log_n_length)};

// Whether some version's struct, this one's or a later one's, may be so large.
template <class Struct>
constexpr bool IsSize(size_t size) {
  // A struct that was never initialized may say anything; none is so large.
  constexpr size_t kMaxSize = 4096;
  return size == kOldSizes<Struct>.first || size == kOldSizes<Struct>.second ||
         (size >= sizeof(Struct) && size <= kMaxSize);
}

// Whether nothing is set behind what this version knows.
inline bool AreZero(const void* data, size_t begin, size_t end) {
  const char* bytes = static_cast<const char*>(data);
  for (size_t i = begin; i < end; ++i) {
    if (bytes[i] != 0) return false;
  }
  return true;
}

// Struct is a public struct.  Returns `from` itself where it has this version's
// size, `copy` filled up with zeros where it is older or newer, or nullptr if
// it is no such struct.
template <class Struct>
const Struct* ViewStruct(const Struct* from, Struct* copy) {
  const size_t size = from->struct_size;
  if (size == sizeof(Struct)) return from;
  if (!IsSize<Struct>(size) || !AreZero(from, sizeof(Struct), size)) {
    return nullptr;
  }
  memset(static_cast<void*>(copy), 0, sizeof(Struct));
  memcpy(copy, from, size < sizeof(Struct) ? size : sizeof(Struct));
  return copy;
}

// Element `index` of an array of structs, all of which are of the first one's
// version, seen in the same way.  `size` becomes what it says.
template <class Struct>
const Struct* ViewElement(const Struct* array, int64_t index, Struct* copy,
                          size_t* size) {
  const size_t first = array[0].struct_size;
  const Struct* given =
      reinterpret_cast<const Struct*>(reinterpret_cast<const char*>(array) +
                                      static_cast<size_t>(index) * first);
  *size = given->struct_size;
  return *size == first ? ViewStruct(given, copy) : nullptr;
}

// ViewStruct, with the failure in words.  `name` is the argument's.
template <class Struct>
rotary_status ReadStruct(const Struct* from, const char* name,
                         const char* size_name, Struct* copy,
                         const Struct** view, rotary_error* error) {
  if (from == nullptr) {
    FailNull(error, name);
    return ROTARY_ERROR_ARGUMENT;
  }
  *view = ViewStruct(from, copy);
  if (*view != nullptr) return ROTARY_OK;
  Failure failure = {ROTARY_ERROR_STRUCT_SIZE, size_name};
  failure.value = static_cast<int64_t>(from->struct_size);
  Fail(error, failure,
       "no known size (was its init function called?), or a field is set that "
       "this version has not");
  return ROTARY_ERROR_STRUCT_SIZE;
}

// Zeros the caller's struct, of whatever version, and sets its size.  False if
// no version has such a size: then nothing is written.
template <class Struct>
bool ClearStruct(Struct* to, size_t struct_size) {
  if (to == nullptr || !IsSize<Struct>(struct_size)) return false;
  memset(static_cast<void*>(to), 0, struct_size);
  to->struct_size = struct_size;
  return true;
}

}  // namespace rotary

#endif  // ROTARY_LIB_CONFIG_STRUCTS_H_
