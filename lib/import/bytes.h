// Bytes of a file or of memory, read one after the other.  Used by
// gguf_reader.cc.

#ifndef ROTARY_LIB_IMPORT_BYTES_H_
#define ROTARY_LIB_IMPORT_BYTES_H_

#include <stddef.h>
#include <stdint.h>

#include <memory>
#include <string>

namespace rotary_import {

class Bytes {
 public:
  virtual ~Bytes() = default;

  // Copies the next `count`; throws a Refusal if there are fewer.
  virtual void Read(void* to, size_t count) = 0;
  // Goes on at `offset` from the beginning.
  virtual void Seek(uint64_t offset) = 0;
  virtual uint64_t size() const = 0;

  uint64_t position() const { return position_; }
  // As many as `count` things of `each` bytes: whether they are there.
  bool Holds(uint64_t count, uint64_t each) const {
    return each == 0 || count <= (size() - position_) / each;
  }
  template <class T>
  T Get() {
    T value;
    Read(&value, sizeof(value));
    return value;
  }

 protected:
  uint64_t position_ = 0;  // at most size()
};

// The memory must stay; throws a Refusal if the file cannot be read.
std::unique_ptr<Bytes> BytesOfMemory(const void* data, size_t size);
std::unique_ptr<Bytes> BytesOfFile(const std::string& path);

}  // namespace rotary_import

#endif  // ROTARY_LIB_IMPORT_BYTES_H_
