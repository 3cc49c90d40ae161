// GGUF metadata as typed values, by keys that begin with the architecture.
// Used by gguf_model.cc and gguf_scaling.cc.

#ifndef ROTARY_LIB_IMPORT_GGUF_KEYS_H_
#define ROTARY_LIB_IMPORT_GGUF_KEYS_H_

#include <stdint.h>

#include <string>
#include <vector>

#include "lib/import/gguf_reader.h"
#include "lib/import/json_object.h"

namespace rotary_import {

class GgufKeys {
 public:
  // `reader` must stay.  Reads general.architecture.
  explicit GgufKeys(GgufReader* reader);

  const std::string& architecture() const { return architecture_; }
  std::string Full(const std::string& key) const {
    return architecture_ + "." + key;
  }

  // Nothing if it is not there; a Refusal if it is of another type or not
  // finite.  A list is none where a single value is asked for, as llama.cpp has
  // it.
  Found<double> Number(const std::string& key) const;
  Found<int64_t> Whole(const std::string& key) const;
  Found<bool> Flag(const std::string& key) const;
  Found<std::string> Text(const std::string& key) const;
  // A list; or one number or flag, as a list of one.
  Found<std::vector<double>> Numbers(const std::string& key) const;
  // `count` of them: one stands for all.
  Found<std::vector<double>> PerLayer(const std::string& key,
                                      int64_t count) const;
  Found<std::vector<double>> Tensor(const std::string& name) const;

  // Refuses keys about the rotation that are not known.
  void CheckAllKnown() const;

 private:
  std::optional<GgufValue> Find(const std::string& key) const;

  GgufReader* reader_;
  std::string architecture_;
};

}  // namespace rotary_import

#endif  // ROTARY_LIB_IMPORT_GGUF_KEYS_H_
