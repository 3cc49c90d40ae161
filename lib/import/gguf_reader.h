// GGUF metadata by key: of a file or of memory, or what a caller's functions
// give.  Used by gguf_model.cc.

#ifndef ROTARY_LIB_IMPORT_GGUF_READER_H_
#define ROTARY_LIB_IMPORT_GGUF_READER_H_

#include <rotary/import.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/import/bytes.h"
#include "lib/import/gguf_value.h"

namespace rotary_import {

class GgufReader {
 public:
  virtual ~GgufReader() = default;

  // Nothing if there is no such key or tensor.
  virtual std::optional<GgufValue> Find(const std::string& key) = 0;
  virtual std::optional<std::vector<double>> FindTensor(
      const std::string& name) = 0;
  virtual std::vector<std::string> Keys() = 0;
};

// Reads the keys at once; throws a Refusal if they are no GGUF's.
std::unique_ptr<GgufReader> ReadGguf(std::unique_ptr<Bytes> bytes);

// `source` must stay.
std::unique_ptr<GgufReader> ReadGgufSource(const rotary_gguf_source& source);

}  // namespace rotary_import

#endif  // ROTARY_LIB_IMPORT_GGUF_READER_H_
