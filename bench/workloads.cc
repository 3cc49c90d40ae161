// The tables of workloads and element types, the cases made from them, and
// their memory.

#include "bench/workloads.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <algorithm>

namespace rotary_bench {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;

int32_t Deep(int64_t) { return 1234; }
int32_t Scattered(int64_t token) {
  return static_cast<int32_t>((token * 2657 + 11) % 4096);
}
int32_t Consecutive(int64_t token) { return static_cast<int32_t>(token); }

constexpr Workload kWorkloads[] = {
    {"D1", 1, 1, &Deep},               // decode of one sequence: in L1
    {"D64", 64, 1, &Scattered},        // decode of 64: in L2
    {"P512", 512, 1, &Consecutive},    // prefill: in L3
    {"P8192", 8192, 64, &Consecutive}  // in DRAM
};

void WriteF32(void* data, int64_t element, float value) {
  static_cast<float*>(data)[element] = value;
}
double ReadF32(const void* data, int64_t element) {
  return static_cast<double>(static_cast<const float*>(data)[element]);
}

// A further type is a further line here.
constexpr Dtype kDtypes[] = {
    {"f32", ROTARY_F32, sizeof(float), &WriteF32, &ReadF32}};

constexpr int kThreads[] = {1, 2, 0};

size_t LargestTensorBytes() {
  size_t largest = 0;
  for (const Case& c : AllCases()) largest = std::max(largest, TensorBytes(c));
  return largest;
}

}  // namespace

std::string Name(const Case& c) {
  return std::string("rotate/") + c.workload->name + "/" + c.dtype->name +
         (c.pairing == ROTARY_HALF ? "/half" : "/interleaved") +
         (c.out_of_place ? "/out" : "/in") + "/t" + std::to_string(c.threads) +
         (c.kept_rows ? "/rows" : "") + (c.prepared ? "/prepared" : "");
}

size_t TensorBytes(const Case& c) {
  return static_cast<size_t>(c.workload->tokens * kTokenElements *
                             c.dtype->bytes);
}

std::vector<Case> AllCases() {
  std::vector<Case> cases;
  for (const Workload& workload : kWorkloads) {
    for (const Dtype& dtype : kDtypes) {
      for (const rotary_pairing pairing : {ROTARY_HALF, ROTARY_INTERLEAVED}) {
        for (const bool out_of_place : {false, true}) {
          for (const int threads : kThreads) {
            for (const bool kept_rows : {false, true}) {
              for (const bool prepared : {false, true}) {
                if (prepared && threads != 1) continue;  // it has slices
                cases.push_back({&workload, &dtype, pairing, out_of_place,
                                 kept_rows, prepared, threads});
              }
            }
          }
        }
      }
    }
  }
  return cases;
}

bool InDefaultSet(const Case& c) {
  const bool half = c.pairing == ROTARY_HALF;
  const bool in_dram = c.workload->checked_every > 1;
  if (c.prepared) return c.workload->tokens == 1 && half && !c.out_of_place;
  if (c.threads != 1) {
    return c.workload->tokens >= 512 && half && !c.out_of_place && !c.kept_rows;
  }
  if (c.out_of_place) return in_dram && half && !c.kept_rows;
  return half || !c.kept_rows;
}

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
  const int64_t elements = c.workload->tokens * kTokenElements;
  for (int64_t i = 0; i < elements; ++i) {
    c.dtype->write(x.data(), i, Element(i));
  }
}

}  // namespace rotary_bench
