// An object of a config.json whose keys are looked up by name, remembered as
// read, and named in full where something is wrong.  Used by config_model.cc
// and what it calls.

#ifndef ROTARY_LIB_IMPORT_JSON_OBJECT_H_
#define ROTARY_LIB_IMPORT_JSON_OBJECT_H_

#include <stddef.h>
#include <stdint.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace rotary_import {

// A value and the key that it comes from.
template <class T>
struct Sourced {
  T value;
  std::string source;
};
template <class T>
using Found = std::optional<Sourced<T>>;

// The text as JSON: one object, no key twice, and neither deep nor of more
// values than any model's.
nlohmann::json ParseJson(const char* text, size_t size);

class JsonObject {
 public:
  // `json` must stay.  path: "" or that of the object.
  JsonObject(const nlohmann::json& json, std::string path);

  const std::string& path() const { return path_; }
  // Whether it is there, and not null.
  bool Has(const std::string& key) const;
  std::string PathOf(const std::string& key) const;

  // Nothing if it is not there or null; a Refusal if it is of another type.
  // Numbers are finite.
  Found<double> Number(const std::string& key) const;
  Found<int64_t> Whole(const std::string& key) const;
  Found<bool> Flag(const std::string& key) const;
  Found<std::string> Text(const std::string& key) const;
  Found<std::vector<double>> Numbers(const std::string& key) const;
  Found<std::vector<std::string>> Texts(const std::string& key) const;
  std::optional<JsonObject> Object(const std::string& key) const;

  // The value as it is; nullptr if it is not there or null.
  const nlohmann::json* Find(const std::string& key) const;

  std::vector<std::string> Keys() const;
  // Marks as read what says nothing that counts.
  void Ignore(const std::string& key) const { read_.insert(key); }
  bool WasRead(const std::string& key) const { return read_.count(key) > 0; }

 private:
  [[noreturn]] void RefuseType(const std::string& key,
                               const std::string& type) const;

  const nlohmann::json* json_;
  std::string path_;
  mutable std::set<std::string> read_;
};

}  // namespace rotary_import

#endif  // ROTARY_LIB_IMPORT_JSON_OBJECT_H_
