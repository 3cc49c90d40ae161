// Makes GGUF files, and the same metadata as a rotary_gguf_source.  Of this
// folder's tests and fuzz target.

#ifndef TESTS_IMPORT_GGUF_WRITER_H_
#define TESTS_IMPORT_GGUF_WRITER_H_

#include <rotary/import.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace rotary_test {

// ggml's types of tensors that hold factors.
enum GgmlType : uint32_t { kGgmlF32 = 0, kGgmlF16 = 1, kGgmlBf16 = 30 };

class GgufWriter {
 public:
  // With general.architecture; keys that begin with "." get it in front.
  explicit GgufWriter(const std::string& architecture);

  // A number or a bool of its own type.
  template <class T>
  GgufWriter& Set(const std::string& key, T value) {
    return Add(key, TypeOf<T>(), 0, 1, Bytes(value));
  }
  template <class T>
  GgufWriter& SetArray(const std::string& key, const std::vector<T>& values) {
    std::string data;
    for (const T value : values) data += Bytes(value);
    return Add(key, kArray, TypeOf<T>(), values.size(), data);
  }
  GgufWriter& SetText(const std::string& key, const std::string& text);
  GgufWriter& SetTexts(const std::string& key,
                       const std::vector<std::string>& texts);
  // Whatever is said, true or not.
  GgufWriter& Add(const std::string& key, uint32_t type, uint32_t element_type,
                  uint64_t count, const std::string& data);
  GgufWriter& Remove(const std::string& key);

  // One dimension; or those that are given.  Numbers are rounded towards 0.
  GgufWriter& SetTensor(const std::string& name, uint32_t type,
                        const std::vector<double>& values,
                        const std::vector<uint64_t>& dims = {});

  uint32_t version = 3;

  std::string File() const;
  // It points to this.
  rotary_gguf_source Source() const;

 private:
  static constexpr uint32_t kText = 8;
  static constexpr uint32_t kArray = 9;

  struct Entry {
    std::string key;
    uint32_t type;
    uint32_t element_type;
    uint64_t count;
    std::string data;
  };
  struct Tensor {
    std::string name;
    uint32_t type;
    std::vector<uint64_t> dims;
    uint64_t count;
    std::string data;
  };

  template <class T>
  static constexpr uint32_t TypeOf() {
    if constexpr (std::is_same_v<T, bool>) return 7;
    if constexpr (std::is_same_v<T, float>) return 6;
    if constexpr (std::is_same_v<T, double>) return 12;
    constexpr uint32_t kFirst[] = {0, 2, 4, 0, 10};  // by half the size
    return kFirst[sizeof(T) / 2] + (std::is_signed_v<T> ? 1u : 0u);
  }
  template <class T>
  static std::string Bytes(T value) {
    return {reinterpret_cast<const char*>(&value), sizeof(value)};
  }
  static std::string Name(std::string_view text);
  std::string FullKey(const std::string& key) const;

  static int32_t FindValue(void* user, const char* key,
                           rotary_gguf_value* value);
  static int32_t FindTensor(void* user, const char* name,
                            rotary_gguf_tensor* tensor);
  static const char* KeyAt(void* user, uint64_t index);

  std::string architecture_;
  std::vector<Entry> entries_;
  std::vector<Tensor> tensors_;
};

}  // namespace rotary_test

#endif  // TESTS_IMPORT_GGUF_WRITER_H_
