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

constexpr int kThreads[] = {1, 2, 0};

size_t LargestTensorBytes() {
  size_t largest = 0;
  for (const Case& c : AllCases()) {
    largest = std::max({largest, InputBytes(c), OutputBytes(c)});
  }
  return largest;
}

}  // namespace

std::string Name(const Case& c) {
  const std::string to =
      c.input == c.output ? "" : std::string("-") + c.output->name;
  return std::string("rotate/") + c.workload->name + "/" + c.input->name + to +
         (c.pairing == ROTARY_HALF ? "/half" : "/interleaved") +
         (c.out_of_place ? "/out" : "/in") + "/t" + std::to_string(c.threads) +
         (c.kept_rows ? "/rows" : "") + (c.prepared ? "/prepared" : "");
}

size_t InputBytes(const Case& c) {
  return static_cast<size_t>(c.workload->tokens * kTokenElements *
                             c.input->bytes);
}
size_t OutputBytes(const Case& c) {
  return static_cast<size_t>(c.workload->tokens * kTokenElements *
                             c.output->bytes);
}

namespace {

// What may be combined with each dtype and workload.
void AddCases(Case c, std::vector<Case>* cases) {
  for (const rotary_pairing pairing : {ROTARY_HALF, ROTARY_INTERLEAVED}) {
    for (const bool out_of_place : {false, true}) {
      if (c.input != c.output && !out_of_place) continue;
      for (const int threads : kThreads) {
        for (const bool kept_rows : {false, true}) {
          for (const bool prepared : {false, true}) {
            if (prepared && threads != 1) continue;  // it has slices
            c.pairing = pairing;
            c.out_of_place = out_of_place;
            c.kept_rows = kept_rows;
            c.prepared = prepared;
            c.threads = threads;
            cases->push_back(c);
          }
        }
      }
    }
  }
}

}  // namespace

std::vector<Case> AllCases() {
  std::vector<Case> cases;
  for (const Workload& workload : kWorkloads) {
    for (const Dtype& input : kDtypes) {
      for (const Dtype& output : kDtypes) {
        Case c = {};
        c.workload = &workload;
        c.input = &input;
        c.output = &output;
        AddCases(c, &cases);
      }
    }
  }
  return cases;
}

bool InDefaultSet(const Case& c) {
  const bool half = c.pairing == ROTARY_HALF;
  if (c.input->value != ROTARY_F32) {
    return c.input == c.output && half && !c.out_of_place && c.threads == 1 &&
           !c.kept_rows && !c.prepared && c.workload->tokens < 8192;
  }
  if (c.input != c.output) return false;
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
    c.input->write(x.data(), i, Element(i));
  }
}

}  // namespace rotary_bench
