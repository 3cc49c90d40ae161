// GGUF's types, and bytes of them as the few kinds of values that count.  Used
// by gguf_reader.cc.

#ifndef ROTARY_LIB_IMPORT_GGUF_VALUE_H_
#define ROTARY_LIB_IMPORT_GGUF_VALUE_H_

#include <stddef.h>
#include <stdint.h>

#include <string>
#include <vector>

namespace rotary_import {

enum GgufType : uint32_t {
  kGgufBool = 7,
  kGgufString = 8,
  kGgufArray = 9,
  kGgufTypes = 13
};

struct GgufValue {
  enum class Kind { kNumber, kFlag, kText, kNumbers, kOther };
  Kind kind = Kind::kOther;
  double number = 0.0;          // kNumber; kFlag: 0 or 1
  std::string text;             // kText
  std::vector<double> numbers;  // kNumbers: also of flags
};

// The bytes of a number or flag, 0 of the other types.
size_t GgufSize(uint32_t type);

// Of `count` elements of an array if `type` is kGgufArray, of bytes if it is a
// string.
GgufValue GgufValueOf(uint32_t type, uint32_t element_type, uint64_t count,
                      const void* data);

// The bytes of an element of a tensor of ggml's f32, f16 or bf16, 0 of others.
size_t GgmlSize(uint32_t type);
std::vector<double> GgmlNumbers(uint32_t type, uint64_t count,
                                const void* data);

}  // namespace rotary_import

#endif  // ROTARY_LIB_IMPORT_GGUF_VALUE_H_
