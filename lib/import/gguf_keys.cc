#include "lib/import/gguf_keys.h"

#include <math.h>

#include <algorithm>
#include <iterator>

#include "lib/import/refusal.h"

namespace rotary_import {
namespace {

using Kind = GgufValue::Kind;

// What llama.cpp has of rope.*, read here or, as there, by few architectures.
constexpr const char* kRopeKeys[] = {"dimension_count",
                                     "dimension_count_swa",
                                     "dimension_sections",
                                     "freq_base",
                                     "freq_base_swa",
                                     "scale_linear",
                                     "scaling.type",
                                     "scaling.factor",
                                     "scaling.original_context_length",
                                     "scaling.attn_factor",
                                     "scaling.alpha",
                                     "scaling.finetuned",
                                     "scaling.yarn_log_multiplier",
                                     "scaling.yarn_beta_fast",
                                     "scaling.yarn_beta_slow",
                                     "scaling.yarn_ext_factor",
                                     "scaling.yarn_attn_factor"};

}  // namespace

GgufKeys::GgufKeys(GgufReader* reader) : reader_(reader) {
  const std::string key = "general.architecture";
  const std::optional<GgufValue> value = reader->Find(key);
  if (!value) throw Refusal(key, "is missing");
  if (value->kind != Kind::kText || value->text.empty()) {
    throw Refusal(key, "must be a string");
  }
  architecture_ = value->text;
}

std::optional<GgufValue> GgufKeys::Find(const std::string& key) const {
  return reader_->Find(Full(key));
}

Found<double> GgufKeys::Number(const std::string& key) const {
  const std::optional<GgufValue> value = Find(key);
  if (!value || value->kind == Kind::kNumbers) return std::nullopt;
  if (value->kind != Kind::kNumber) {
    throw Refusal(Full(key), "must be a number");
  }
  if (!isfinite(value->number)) throw Refusal(Full(key), "must be finite");
  return {{value->number, Full(key)}};
}

Found<int64_t> GgufKeys::Whole(const std::string& key) const {
  const Found<double> number = Number(key);
  if (!number) return std::nullopt;
  if (number->value != floor(number->value) || fabs(number->value) > 0x1p53) {
    throw Refusal(Full(key), "must be a whole number");
  }
  return {{static_cast<int64_t>(number->value), number->source}};
}

Found<bool> GgufKeys::Flag(const std::string& key) const {
  const std::optional<GgufValue> value = Find(key);
  if (!value) return std::nullopt;
  if (value->kind != Kind::kFlag) throw Refusal(Full(key), "must be a bool");
  return {{value->number != 0.0, Full(key)}};
}

Found<std::string> GgufKeys::Text(const std::string& key) const {
  const std::optional<GgufValue> value = Find(key);
  if (!value) return std::nullopt;
  if (value->kind != Kind::kText) throw Refusal(Full(key), "must be a string");
  return {{value->text, Full(key)}};
}

Found<std::vector<double>> GgufKeys::Numbers(const std::string& key) const {
  const std::optional<GgufValue> value = Find(key);
  if (!value) return std::nullopt;
  if (value->kind == Kind::kNumber || value->kind == Kind::kFlag) {
    return {{{value->number}, Full(key)}};
  }
  if (value->kind != Kind::kNumbers) {
    throw Refusal(Full(key), "must be an array of numbers");
  }
  return {{value->numbers, Full(key)}};
}

Found<std::vector<double>> GgufKeys::PerLayer(const std::string& key,
                                              int64_t count) const {
  Found<std::vector<double>> found = Numbers(key);
  if (!found) return found;
  const auto size = static_cast<size_t>(count);
  if (found->value.size() == 1) found->value.resize(size, found->value[0]);
  if (found->value.size() < size) {
    throw Refusal(Full(key), "has " + std::to_string(found->value.size()) +
                                 " elements for " + std::to_string(count) +
                                 " layers");
  }
  return found;
}

Found<std::vector<double>> GgufKeys::Tensor(const std::string& name) const {
  const std::optional<std::vector<double>> numbers = reader_->FindTensor(name);
  if (!numbers) return std::nullopt;
  if (numbers->empty()) throw Refusal(name, "has no elements");
  return {{*numbers, name}};
}

void GgufKeys::CheckAllKnown() const {
  const std::string prefix = Full("rope.");
  for (const std::string& key : reader_->Keys()) {
    if (key.compare(0, prefix.size(), prefix) != 0) continue;
    const std::string rest = key.substr(prefix.size());
    if (std::find(std::begin(kRopeKeys), std::end(kRopeKeys), rest) ==
        std::end(kRopeKeys)) {
      throw Refusal(key, "is not understood");
    }
  }
}

}  // namespace rotary_import
