#include "lib/import/gguf_reader.h"

#include <map>
#include <set>
#include <utility>

#include "lib/import/refusal.h"

namespace rotary_import {
namespace {

// More than any model has, so that what a hostile file claims ends soon.
constexpr uint64_t kMostMetadata = uint64_t{64} << 20;
constexpr uint64_t kMostKeys = 16384;
constexpr uint64_t kMostTensors = uint64_t{1} << 20;
constexpr uint64_t kMostName = 256;
constexpr uint64_t kMostElements = 65536;
constexpr uint32_t kMostDims = 8;
constexpr uint64_t kMostRopeName = 64;

constexpr uint32_t kMagic = 0x46554747;  // "GGUF"

void RefuseMore(uint64_t count, uint64_t most, const std::string& of) {
  if (count <= most) return;
  throw Refusal(of, "has " + std::to_string(count) + ", more than " +
                        std::to_string(most));
}

struct Place {
  uint32_t type;
  uint32_t element_type;
  uint64_t count;
  uint64_t offset;
};

class Parsed final : public GgufReader {
 public:
  explicit Parsed(std::unique_ptr<Bytes> bytes) : bytes_(std::move(bytes)) {
    if (!bytes_->Holds(24, 1)) {
      throw Refusal("data", "is too short for a GGUF header");
    }
    if (bytes_->Get<uint32_t>() != kMagic) {
      throw Refusal("data", "is not GGUF: it does not begin with \"GGUF\"");
    }
    const uint32_t version = bytes_->Get<uint32_t>();
    if (version != 2 && version != 3) {
      throw Refusal("data",
                    (version & 0xffff) == 0
                        ? std::string("is big-endian GGUF")
                        : "is GGUF version " + std::to_string(version) +
                              "; versions 2 and 3 are known",
                    ROTARY_ERROR_UNSUPPORTED);
    }
    const uint64_t tensors = bytes_->Get<uint64_t>();
    const uint64_t keys = bytes_->Get<uint64_t>();
    RefuseMore(tensors, kMostTensors, "tensor count");
    RefuseMore(keys, kMostKeys, "metadata count");
    for (uint64_t i = 0; i < keys; ++i) ReadKey();
    for (uint64_t i = 0; i < tensors; ++i) ReadTensor();
    Align();
  }

  std::optional<GgufValue> Find(const std::string& key) override {
    const auto found = places_.find(key);
    if (found == places_.end()) return std::nullopt;
    const Place& place = found->second;
    // Long texts and lists are none that count.
    if (place.count > kMostElements) return GgufValue();
    const size_t each = place.type == kGgufString ? 1
                        : place.type == kGgufArray
                            ? GgufSize(place.element_type)
                            : GgufSize(place.type);
    std::vector<char> data(static_cast<size_t>(place.count) * each);
    bytes_->Seek(place.offset);
    bytes_->Read(data.data(), data.size());
    return GgufValueOf(place.type, place.element_type, place.count,
                       data.data());
  }

  std::optional<std::vector<double>> FindTensor(
      const std::string& name) override {
    const auto found = tensors_.find(name);
    if (found == tensors_.end()) return std::nullopt;
    const Place& place = found->second;
    const size_t each = GgmlSize(place.type);
    if (each == 0) {
      throw Refusal(name, "has ggml type " + std::to_string(place.type) +
                              "; f32, f16 and bf16 are known");
    }
    RefuseMore(place.count, kMostElements, name);
    std::vector<char> data(static_cast<size_t>(place.count) * each);
    if (place.offset > bytes_->size()) {
      throw Refusal(name, "lies behind the end of the data");
    }
    bytes_->Seek(place.offset);
    bytes_->Read(data.data(), data.size());
    return GgmlNumbers(place.type, place.count, data.data());
  }

  std::vector<std::string> Keys() override {
    std::vector<std::string> keys;
    for (const auto& place : places_) keys.push_back(place.first);
    return keys;
  }

 private:
  uint64_t Length() {
    const uint64_t length = bytes_->Get<uint64_t>();
    RefuseMore(bytes_->position(), kMostMetadata, "metadata");
    return length;
  }

  std::string Name() {
    const uint64_t length = Length();
    RefuseMore(length, kMostName, "length of a name");
    std::string name(static_cast<size_t>(length), '\0');
    bytes_->Read(name.data(), name.size());
    return name;
  }

  void Skip(uint64_t count, uint64_t each, const std::string& key) {
    if (!bytes_->Holds(count, each)) {
      throw Refusal(key, "goes on behind the end of the data");
    }
    bytes_->Seek(bytes_->position() + count * each);
  }

  void ReadKey() {
    const std::string key = Name();
    Place place = {};
    place.type = bytes_->Get<uint32_t>();
    place.count = 1;
    if (place.type == kGgufArray) {
      place.element_type = bytes_->Get<uint32_t>();
      place.count = Length();
    } else if (place.type == kGgufString) {
      place.count = Length();
    }
    place.offset = bytes_->position();
    if (place.type == kGgufArray && place.element_type == kGgufString) {
      for (uint64_t i = 0; i < place.count; ++i) Skip(Length(), 1, key);
    } else if (place.type == kGgufString) {
      Skip(place.count, 1, key);
    } else {
      const bool array = place.type == kGgufArray;
      const uint32_t type = array ? place.element_type : place.type;
      const size_t each = GgufSize(type);
      if (each == 0) {
        throw Refusal(key, "has unknown type " + std::to_string(type));
      }
      Skip(place.count, each, key);
    }
    if (!places_.emplace(key, place).second) throw Refusal(key, "stands twice");
  }

  void ReadTensor() {
    const std::string name = Name();
    const uint32_t dims = bytes_->Get<uint32_t>();
    RefuseMore(dims, kMostDims, "dimensions of " + name);
    Place place = {};
    place.count = 1;
    for (uint32_t i = 0; i < dims; ++i) {
      const uint64_t size = bytes_->Get<uint64_t>();
      // What overflows is more than is looked at.
      if (__builtin_mul_overflow(place.count, size, &place.count)) {
        place.count = UINT64_MAX;
      }
    }
    place.type = bytes_->Get<uint32_t>();
    place.offset = bytes_->Get<uint64_t>();
    RefuseMore(bytes_->position(), kMostMetadata, "metadata");
    if (name.compare(0, 5, "rope_") != 0 || name.size() > kMostRopeName) return;
    RefuseMore(tensors_.size(), kMostKeys, "count of rope tensors");
    if (!tensors_.emplace(name, place).second) {
      throw Refusal(name, "stands twice");
    }
  }

  // Offsets of tensors are those from the aligned end of what comes before.
  void Align() {
    const uint64_t end = bytes_->position();
    const std::optional<GgufValue> given = Find("general.alignment");
    const double wish = given ? given->number : 32.0;
    if (!(wish >= 1.0 && wish <= 65536.0)) {
      throw Refusal("general.alignment", "must be within 1 to 65536");
    }
    const auto alignment = static_cast<uint64_t>(wish);
    const uint64_t begin = (end + alignment - 1) / alignment * alignment;
    for (auto& tensor : tensors_) {
      if (__builtin_add_overflow(tensor.second.offset, begin,
                                 &tensor.second.offset)) {
        throw Refusal(tensor.first, "lies behind the end of the data");
      }
    }
  }

  std::unique_ptr<Bytes> bytes_;
  std::map<std::string, Place> places_;
  std::map<std::string, Place> tensors_;
};

class Given : public GgufReader {
 public:
  explicit Given(const rotary_gguf_source& source) : source_(source) {}

  std::optional<GgufValue> Find(const std::string& key) override {
    rotary_gguf_value value = {};
    if (source_.value(source_.user, key.c_str(), &value) == 0) {
      return std::nullopt;
    }
    if (value.count > kMostElements) return GgufValue();
    if (value.data == nullptr) throw Refusal(key, "has no data");
    return GgufValueOf(value.type, value.element_type, value.count, value.data);
  }

  std::optional<std::vector<double>> FindTensor(
      const std::string& name) override {
    rotary_gguf_tensor tensor = {};
    if (source_.tensor == nullptr ||
        source_.tensor(source_.user, name.c_str(), &tensor) == 0) {
      return std::nullopt;
    }
    RefuseMore(tensor.count, kMostElements, name);
    if (tensor.data == nullptr) throw Refusal(name, "has no data");
    if (GgmlSize(tensor.type) == 0) {
      throw Refusal(name, "has ggml type " + std::to_string(tensor.type) +
                              "; f32, f16 and bf16 are known");
    }
    return GgmlNumbers(tensor.type, tensor.count, tensor.data);
  }

  std::vector<std::string> Keys() override {
    std::vector<std::string> keys;
    if (source_.key == nullptr) return keys;
    while (const char* key = source_.key(source_.user, keys.size())) {
      RefuseMore(keys.size(), kMostKeys, "metadata count");
      keys.emplace_back(key);
    }
    return keys;
  }

 private:
  const rotary_gguf_source& source_;
};

}  // namespace

std::unique_ptr<GgufReader> ReadGguf(std::unique_ptr<Bytes> bytes) {
  return std::make_unique<Parsed>(std::move(bytes));
}

std::unique_ptr<GgufReader> ReadGgufSource(const rotary_gguf_source& source) {
  return std::make_unique<Given>(source);
}

}  // namespace rotary_import
