// Pages, and their elements.

#include "bench/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <algorithm>

namespace rotary_bench {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;

size_t LargestTensorBytes() {
  size_t largest = 0;
  for (const Case& c : AllCases()) {
    largest = std::max({largest, InputBytes(c), OutputBytes(c)});
  }
  return largest;
}

}  // namespace

float Element(int64_t element) {
  uint64_t bits = static_cast<uint64_t>(element) + 0x9E3779B97F4A7C15u;
  bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9u;
  bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EBu;
  return static_cast<float>(static_cast<int32_t>(bits >> 32)) * 0x1p-31f;
}

HugeBuffer::HugeBuffer(size_t bytes) {
  const size_t pages = (bytes + kHugePage - 1) / kHugePage * kHugePage;
  mapping_bytes_ = pages + kHugePage;
  mapping_ = mmap(nullptr, mapping_bytes_, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping_ == MAP_FAILED) {
    perror("rotary_bench: mmap");
    exit(EXIT_FAILURE);
  }
  const size_t past = reinterpret_cast<uintptr_t>(mapping_) % kHugePage;
  data_ = static_cast<unsigned char*>(mapping_) + (kHugePage - past);
  madvise(data_, pages, MADV_HUGEPAGE);  // a wish: smaller pages work too
  memset(data_, 0, pages);
}

HugeBuffer::~HugeBuffer() { munmap(mapping_, mapping_bytes_); }

Memory::Memory(size_t bytes_of_rows)
    : x(LargestTensorBytes()),
      y(LargestTensorBytes()),
      rows(bytes_of_rows),
      row_bytes(bytes_of_rows) {}

void Memory::Fill(const Case& c) const {
  const int64_t elements = Elements(*c.workload);
  for (int64_t i = 0; i < elements; ++i) {
    c.input->write(x.data(), i, Element(i));
  }
}

}  // namespace rotary_bench
