// An address range that is far larger than memory, of which only what is opened
// can be touched.  Used by the tests of distances beyond 2^31 and 2^32
// elements.
#ifndef TESTS_SUPPORT_SPARSE_MEMORY_H_
#define TESTS_SUPPORT_SPARSE_MEMORY_H_

#include <cstddef>
#include <cstdint>

namespace rotary_test {

class SparseMemory {
 public:
  explicit SparseMemory(size_t bytes);
  SparseMemory(const SparseMemory&) = delete;
  SparseMemory& operator=(const SparseMemory&) = delete;
  ~SparseMemory();

  // The pages that hold [offset, offset + bytes) may be used from now on; they
  // are zero at first.
  void* Open(size_t offset, size_t bytes);
  void* OpenAll() { return Open(0, bytes_); }

  template <typename T>
  T* As(size_t offset = 0) const {
    return reinterpret_cast<T*>(data_ + offset);
  }

 private:
  uint8_t* data_;
  size_t bytes_;
};

}  // namespace rotary_test

#endif  // TESTS_SUPPORT_SPARSE_MEMORY_H_
