#include "lib/import/json_object.h"

#include <math.h>

#include <algorithm>
#include <utility>

#include "lib/import/refusal.h"

namespace rotary_import {
namespace {

using nlohmann::json;

// A config.json has some hundreds of values; few have some thousands of labels.
constexpr int kMostDepth = 32;
constexpr int64_t kMostValues = 200000;
constexpr size_t kMostBytes = size_t{4} << 20;

// nlohmann's parser asks it about each event: throws a Refusal at what no
// config.json has.
class Guard {
 public:
  bool operator()(int depth, json::parse_event_t event, json& parsed) {
    if (depth > kMostDepth) {
      throw Refusal("text", "is nested deeper than " +
                                std::to_string(kMostDepth) + " levels");
    }
    if (++count_ > kMostValues) {
      throw Refusal("text",
                    "has more than " + std::to_string(kMostValues) + " values");
    }
    switch (event) {
      case json::parse_event_t::object_start:
        keys_.emplace_back();
        break;
      case json::parse_event_t::object_end:
        keys_.pop_back();
        break;
      case json::parse_event_t::key: {
        const std::string& key = parsed.get_ref<const std::string&>();
        if (!keys_.back().insert(key).second) {
          throw Refusal(key, "stands twice in an object");
        }
        break;
      }
      default:
        break;
    }
    return true;
  }

 private:
  int64_t count_ = 0;
  std::vector<std::set<std::string>> keys_;  // of the objects around
};

// Python writes NaN and Infinity, which are no JSON, in places that do not
// count here (the time steps of Mamba): as strings they are read, but as no
// number.
std::string QuoteNamedNumbers(const char* text, size_t size) {
  std::string quoted;
  bool in_string = false;
  for (size_t i = 0; i < size; ++i) {
    if (!in_string) {
      for (const std::string name : {"NaN", "Infinity", "-Infinity"}) {
        if (name.compare(0, name.size(), text + i,
                         std::min(name.size(), size - i)) != 0) {
          continue;
        }
        quoted += '"' + name;
        i += name.size();
        quoted += '"';
        break;
      }
      if (i == size) break;
    }
    if (text[i] == '"') in_string = !in_string;
    quoted += text[i];
    if (in_string && text[i] == '\\' && i + 1 < size) quoted += text[++i];
  }
  return quoted;
}

}  // namespace

json ParseJson(const char* text, size_t size) {
  if (size > kMostBytes) {
    throw Refusal("size", "is more than the 4 MB that a config.json may have");
  }
  const std::string quoted = QuoteNamedNumbers(text, size);
  Guard guard;
  json parsed;
  try {
    parsed = json::parse(
        quoted, [&guard](int depth, json::parse_event_t event, json& value) {
          return guard(depth, event, value);
        });
  } catch (const json::exception& failure) {
    throw Refusal("text", std::string("is no JSON: ") + failure.what());
  }
  if (!parsed.is_object()) throw Refusal("text", "is no JSON object");
  return parsed;
}

JsonObject::JsonObject(const json& in_json, std::string path)
    : json_(&in_json), path_(std::move(path)) {}

std::string JsonObject::PathOf(const std::string& key) const {
  return path_.empty() ? key : path_ + "." + key;
}

void JsonObject::RefuseType(const std::string& key,
                            const std::string& type) const {
  throw Refusal(PathOf(key),
                "must be " + type + ", not " + json_->at(key).type_name());
}

const json* JsonObject::Find(const std::string& key) const {
  read_.insert(key);
  const auto found = json_->find(key);
  return found == json_->end() || found->is_null() ? nullptr : &*found;
}

bool JsonObject::Has(const std::string& key) const {
  const auto found = json_->find(key);
  return found != json_->end() && !found->is_null();
}

Found<double> JsonObject::Number(const std::string& key) const {
  const json* value = Find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number()) RefuseType(key, "a number");
  const double number = value->get<double>();
  if (!isfinite(number)) throw Refusal(PathOf(key), "must be finite");
  return {{number, PathOf(key)}};
}

Found<int64_t> JsonObject::Whole(const std::string& key) const {
  const Found<double> number = Number(key);
  if (!number) return std::nullopt;
  if (number->value != floor(number->value) || fabs(number->value) > 0x1p53) {
    throw Refusal(PathOf(key), "must be a whole number");
  }
  return {{static_cast<int64_t>(number->value), number->source}};
}

Found<bool> JsonObject::Flag(const std::string& key) const {
  const json* value = Find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) RefuseType(key, "true or false");
  return {{value->get<bool>(), PathOf(key)}};
}

Found<std::string> JsonObject::Text(const std::string& key) const {
  const json* value = Find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) RefuseType(key, "a string");
  return {{value->get<std::string>(), PathOf(key)}};
}

Found<std::vector<double>> JsonObject::Numbers(const std::string& key) const {
  const json* value = Find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_array()) RefuseType(key, "an array of numbers");
  std::vector<double> numbers;
  for (const json& element : *value) {
    if (!element.is_number() && !element.is_boolean()) {
      RefuseType(key, "an array of numbers");
    }
    numbers.push_back(element.is_boolean() ? (element.get<bool>() ? 1.0 : 0.0)
                                           : element.get<double>());
    if (!isfinite(numbers.back())) {
      throw Refusal(PathOf(key), "must be of finite numbers");
    }
  }
  return {{numbers, PathOf(key)}};
}

Found<std::vector<std::string>> JsonObject::Texts(
    const std::string& key) const {
  const json* value = Find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_array()) RefuseType(key, "an array of strings");
  std::vector<std::string> texts;
  for (const json& element : *value) {
    if (!element.is_string()) RefuseType(key, "an array of strings");
    texts.push_back(element.get<std::string>());
  }
  return {{texts, PathOf(key)}};
}

std::optional<JsonObject> JsonObject::Object(const std::string& key) const {
  const json* value = Find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_object()) RefuseType(key, "an object");
  return JsonObject(*value, PathOf(key));
}

std::vector<std::string> JsonObject::Keys() const {
  std::vector<std::string> keys;
  for (const auto& item : json_->items()) keys.push_back(item.key());
  return keys;
}

}  // namespace rotary_import
