#include "tests/support/sparse_memory.h"

#include <doctest/doctest.h>
#include <sys/mman.h>

namespace rotary_test {
namespace {

constexpr size_t kPage = 4096;

}  // namespace

SparseMemory::SparseMemory(size_t bytes)
    : bytes_((bytes + kPage - 1) / kPage * kPage) {
  void* const mapping =
      mmap(nullptr, bytes_, PROT_NONE,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  REQUIRE(mapping != MAP_FAILED);
  data_ = static_cast<uint8_t*>(mapping);
}

SparseMemory::~SparseMemory() { munmap(data_, bytes_); }

void* SparseMemory::Open(size_t offset, size_t bytes) {
  const size_t begin = offset / kPage * kPage;
  REQUIRE(offset + bytes <= bytes_);
  REQUIRE(mprotect(data_ + begin, offset + bytes - begin,
                   PROT_READ | PROT_WRITE) == 0);
  return data_ + offset;
}

}  // namespace rotary_test
