// Public structs of any version, seen as this version's.  Used by config.

#ifndef ROTARY_LIB_CONFIG_STRUCTS_H_
#define ROTARY_LIB_CONFIG_STRUCTS_H_

#include <stddef.h>
#include <string.h>

#include "include/rotary/rotary.h"
#include "lib/config/error.h"

namespace rotary {

// Whether `size` bytes at `data`, of a version whose struct had at least
// `min_size`, hold nothing that this version does not know.
inline bool KnownStruct(const void* data, size_t size, size_t min_size,
                        size_t own_size) {
  // A struct that was never initialized may say anything; none is so large.
  constexpr size_t kMaxSize = 4096;
  if (size < min_size || size > kMaxSize) return false;
  const char* bytes = static_cast<const char*>(data);
  for (size_t i = own_size; i < size; ++i) {
    if (bytes[i] != 0) return false;
  }
  return true;
}

// Struct is a public struct; its smallest size is that of version 0.1.  Returns
// `from` itself where it has this version's size, `copy` filled up with zeros
// where it is older or newer, or nullptr if it is no such struct.
template <class Struct>
const Struct* ViewStruct(const Struct* from, Struct* copy) {
  const size_t size = from->struct_size;
  if (size == sizeof(Struct)) return from;
  if (!KnownStruct(from, size, sizeof(Struct), sizeof(Struct))) return nullptr;
  memcpy(copy, from, sizeof(Struct));
  return copy;
}

// The same, with the failure in words.  `name` is the argument's.
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
       "no known size, or a field is set that this version has not");
  return ROTARY_ERROR_STRUCT_SIZE;
}

// Zeros the caller's struct, of whatever version, and sets its size.  False if
// it is too small to be one: then nothing is written.
template <class Struct>
bool ClearStruct(Struct* to, size_t struct_size) {
  if (to == nullptr || struct_size < sizeof(Struct)) return false;
  memset(static_cast<void*>(to), 0, struct_size);
  to->struct_size = struct_size;
  return true;
}

}  // namespace rotary

#endif  // ROTARY_LIB_CONFIG_STRUCTS_H_
