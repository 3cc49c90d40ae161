// The mappings of GuardedBuffer (POSIX).
#include "tests/support/guarded_buffer.h"

#include <doctest/doctest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

namespace rotary_test {
namespace {

constexpr int kCanary = 0xA5;

bool AllCanary(const uint8_t* begin, const uint8_t* end) {
  for (; begin != end; ++begin) {
    if (*begin != kCanary) return false;
  }
  return true;
}

}  // namespace

GuardedBuffer::GuardedBuffer(size_t bytes, Flush flush, size_t misalignment)
    : page_(static_cast<size_t>(sysconf(_SC_PAGESIZE))), bytes_(bytes) {
  const size_t inner = (bytes + misalignment + page_ - 1) / page_ * page_;
  mapping_bytes_ = inner + 2 * page_;
  void* const mapping = mmap(nullptr, mapping_bytes_, PROT_NONE,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(mapping != MAP_FAILED);
  mapping_ = static_cast<uint8_t*>(mapping);
  uint8_t* const begin = mapping_ + page_;
  if (inner != 0) {
    REQUIRE(mprotect(begin, inner, PROT_READ | PROT_WRITE) == 0);
    std::memset(begin, kCanary, inner);
  }
  data_ = flush == Flush::kStart ? begin + misalignment
                                 : begin + inner - misalignment - bytes;
}

GuardedBuffer::~GuardedBuffer() { munmap(mapping_, mapping_bytes_); }

bool GuardedBuffer::CanariesIntact() const {
  return AllCanary(mapping_ + page_, data_) &&
         AllCanary(data_ + bytes_, mapping_ + mapping_bytes_ - page_);
}

}  // namespace rotary_test
