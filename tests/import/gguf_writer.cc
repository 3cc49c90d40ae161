#include "tests/import/gguf_writer.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace rotary_test {
namespace {

// Positive normal numbers alone: factors are no others.
uint16_t HalfBits(double value) {
  int exponent = 0;
  const double fraction = std::frexp(value, &exponent);  // 0.5 to 1
  const auto bits = static_cast<uint32_t>(std::ldexp(fraction, 11));
  return static_cast<uint16_t>(
      (static_cast<uint32_t>(exponent + 14) << 10 | (bits & 1023)));
}

uint16_t BrainHalfBits(double value) {
  const auto single = static_cast<float>(value);
  uint32_t bits = 0;
  std::memcpy(&bits, &single, sizeof(bits));
  return static_cast<uint16_t>(bits >> 16);
}

}  // namespace

GgufWriter::GgufWriter(const std::string& architecture)
    : architecture_(architecture) {
  SetText("general.architecture", architecture);
}

std::string GgufWriter::FullKey(const std::string& key) const {
  return key.empty() || key[0] != '.' ? key : architecture_ + key;
}

std::string GgufWriter::Name(std::string_view text) {
  return Bytes(uint64_t{text.size()}) + std::string(text);
}

GgufWriter& GgufWriter::Add(const std::string& key, uint32_t type,
                            uint32_t element_type, uint64_t count,
                            const std::string& data) {
  Remove(key);
  entries_.push_back({FullKey(key), type, element_type, count, data});
  return *this;
}

GgufWriter& GgufWriter::Remove(const std::string& key) {
  const std::string full = FullKey(key);
  entries_.erase(std::remove_if(entries_.begin(), entries_.end(),
                                [&](const Entry& e) { return e.key == full; }),
                 entries_.end());
  return *this;
}

GgufWriter& GgufWriter::SetText(const std::string& key,
                                const std::string& text) {
  return Add(key, kText, 0, text.size(), text);
}

GgufWriter& GgufWriter::SetTexts(const std::string& key,
                                 const std::vector<std::string>& texts) {
  std::string data;
  for (const std::string& text : texts) data += Name(text);
  return Add(key, kArray, kText, texts.size(), data);
}

GgufWriter& GgufWriter::SetTensor(const std::string& name, uint32_t type,
                                  const std::vector<double>& values,
                                  const std::vector<uint64_t>& dims) {
  std::string data;
  for (const double value : values) {
    data += type == kGgmlF32   ? Bytes(static_cast<float>(value))
            : type == kGgmlF16 ? Bytes(HalfBits(value))
                               : Bytes(BrainHalfBits(value));
  }
  tensors_.push_back(
      {name, type, dims.empty() ? std::vector<uint64_t>{values.size()} : dims,
       values.size(), data});
  return *this;
}

std::string GgufWriter::File() const {
  std::string file = "GGUF" + Bytes(version) +
                     Bytes(uint64_t{tensors_.size()}) +
                     Bytes(uint64_t{entries_.size()});
  size_t alignment = 32;
  for (const Entry& entry : entries_) {
    file += Name(entry.key) + Bytes(entry.type);
    if (entry.type == kArray) file += Bytes(entry.element_type);
    if (entry.type == kArray || entry.type == kText) file += Bytes(entry.count);
    file += entry.data;
    if (entry.key == "general.alignment") {
      alignment = static_cast<unsigned char>(entry.data[0]);
    }
  }
  const auto pad = [&](std::string* text) {
    if (alignment > 0 && text->size() % alignment != 0) {
      text->resize(text->size() + alignment - text->size() % alignment);
    }
  };
  std::string data;
  for (const Tensor& tensor : tensors_) {
    file +=
        Name(tensor.name) + Bytes(static_cast<uint32_t>(tensor.dims.size()));
    for (const uint64_t size : tensor.dims) file += Bytes(size);
    file += Bytes(tensor.type) + Bytes(uint64_t{data.size()});
    data += tensor.data;
    pad(&data);
  }
  if (!data.empty()) pad(&file);
  return file + data;
}

rotary_gguf_source GgufWriter::Source() const {
  rotary_gguf_source source;
  rotary_gguf_source_init(&source, sizeof(source));
  source.user = const_cast<GgufWriter*>(this);
  source.value = FindValue;
  source.tensor = FindTensor;
  source.key = KeyAt;
  return source;
}

int32_t GgufWriter::FindValue(void* user, const char* key,
                              rotary_gguf_value* value) {
  for (const Entry& entry : static_cast<const GgufWriter*>(user)->entries_) {
    if (entry.key != key) continue;
    *value = {entry.type, entry.element_type, entry.count, entry.data.data()};
    return 1;
  }
  return 0;
}

int32_t GgufWriter::FindTensor(void* user, const char* name,
                               rotary_gguf_tensor* tensor) {
  for (const Tensor& own : static_cast<const GgufWriter*>(user)->tensors_) {
    if (own.name != name) continue;
    *tensor = {own.type, 0, own.count, own.data.data()};
    return 1;
  }
  return 0;
}

const char* GgufWriter::KeyAt(void* user, uint64_t index) {
  const auto& entries = static_cast<const GgufWriter*>(user)->entries_;
  return index < entries.size() ? entries[index].key.c_str() : nullptr;
}

}  // namespace rotary_test
