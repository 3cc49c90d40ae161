// Memory between two pages that cannot be touched: an access before or behind
// it ends the test.  Used by the tests of apply, rows and prepared calls.
#ifndef TESTS_SUPPORT_GUARDED_BUFFER_H_
#define TESTS_SUPPORT_GUARDED_BUFFER_H_

#include <cstddef>
#include <cstdint>

namespace rotary_test {

// Which guard page the memory touches.
enum class Flush { kStart, kEnd };

// `bytes` bytes that begin right behind the first guard page, or end right
// before the last, or stand `misalignment` bytes away from it.  Pages are
// aligned to 4096 bytes; what is left of them holds canaries.
class GuardedBuffer {
 public:
  GuardedBuffer(size_t bytes, Flush flush, size_t misalignment = 0);
  GuardedBuffer(const GuardedBuffer&) = delete;
  GuardedBuffer& operator=(const GuardedBuffer&) = delete;
  ~GuardedBuffer();

  void* data() const { return data_; }
  size_t bytes() const { return bytes_; }
  template <typename T>
  T* As() const {
    return reinterpret_cast<T*>(data_);
  }

  // Whether nothing was written between the memory and its guard pages.
  bool CanariesIntact() const;

 private:
  uint8_t* mapping_;  // guard page, pages, guard page
  size_t mapping_bytes_;
  size_t page_;
  uint8_t* data_;
  size_t bytes_;
};

}  // namespace rotary_test

#endif  // TESTS_SUPPORT_GUARDED_BUFFER_H_
