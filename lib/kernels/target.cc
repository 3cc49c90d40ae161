// Which targets there are.  Own detection: Highway's needs libhwy.so, and
// __builtin_cpu_supports does not know every feature in every compiler.

#include "lib/kernels/target.h"

#include <stdint.h>
#include <stdlib.h>
#include <strings.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace rotary {
namespace {

constexpr const char* kNames[kNumTargets] = {
    "scalar", "ssse3", "sse4", "avx2", "avx3", "avx3_bf16", "neon"};

#if defined(__x86_64__)

// Bits [low, low + count) of XCR0: which registers the system saves.
bool SystemSaves(uint32_t low, uint32_t count) {
  uint32_t eax = 0, edx = 0;
  __asm__("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
  const uint32_t mask = ((1u << count) - 1) << low;
  return (eax & mask) == mask;
}

bool Has(uint32_t word, uint32_t bits) { return (word & bits) == bits; }

// The features are those that Highway lets the compiler use for each target.
uint32_t DetectTargets() {
  uint32_t eax = 0, ebx1 = 0, ecx1 = 0, edx1 = 0;
  if (__get_cpuid(1, &eax, &ebx1, &ecx1, &edx1) == 0) return 0;
  uint32_t ebx7 = 0, ecx7 = 0, edx7 = 0;
  __get_cpuid_count(7, 0, &eax, &ebx7, &ecx7, &edx7);
  uint32_t ebx, ecx81 = 0, edx81 = 0;
  __get_cpuid(0x80000001u, &eax, &ebx, &ecx81, &edx81);

  uint32_t targets = 0;
  if (!Has(ecx1, bit_SSE3 | bit_SSSE3)) return targets;
  targets |= 1u << kTargetSsse3;
  if (!Has(ecx1, bit_SSE4_1 | bit_SSE4_2 | bit_AES | bit_PCLMUL)) {
    return targets;
  }
  targets |= 1u << kTargetSse4;
  if (!Has(ecx1, bit_OSXSAVE | bit_AVX | bit_FMA | bit_F16C) ||
      !Has(ebx7, bit_AVX2 | bit_BMI | bit_BMI2) || !Has(ecx81, bit_LZCNT) ||
      !SystemSaves(1, 2)) {  // SSE, AVX
    return targets;
  }
  targets |= 1u << kTargetAvx2;
  if (!Has(ebx7, bit_AVX512F | bit_AVX512DQ | bit_AVX512CD | bit_AVX512BW |
                     bit_AVX512VL) ||
      !SystemSaves(5, 3)) {  // masks, upper halves, upper registers
    return targets;
  }
  targets |= 1u << kTargetAvx3;
  constexpr uint32_t kAvx512Bf16 = 1u << 5;
  uint32_t eax71 = 0;
  __get_cpuid_count(7, 1, &eax71, &ebx, &ecx7, &edx7);
  if (Has(eax71, kAvx512Bf16)) targets |= 1u << kTargetAvx3Bf16;
  return targets;
}

#elif defined(__aarch64__)

uint32_t DetectTargets() { return 1u << kTargetNeon; }

#else

uint32_t DetectTargets() { return 0; }

#endif

bool Supported(uint32_t targets, int target) {
  return (targets >> target & 1u) != 0;
}

// A set of targets as bits, found out once.  Two threads may do so at the same
// time: they find the same, so that no lock is needed.
uint32_t Targets() {
  static std::atomic<uint32_t> found{0};
  uint32_t targets = found.load(std::memory_order_relaxed);
  if (targets != 0) return targets;
  targets = DetectTargets() | 1u << kTargetScalar;
  for (int target = 0; target < kNumTargets; ++target) {
    if (kRotateF32[target] == nullptr) targets &= ~(1u << target);
  }
  found.store(targets, std::memory_order_relaxed);
  return targets;
}

// What ROTARY_TARGET said, the first of it: the environment may change. Threads
// that find it out at the same time write the same.
constexpr size_t kWishSize = 64;
std::atomic<char> default_target_wish[kWishSize];

}  // namespace

std::atomic<int> default_target{-1};

int SupportedTargets() {
  int count = 0;
  for (uint32_t targets = Targets(); targets != 0; targets &= targets - 1) {
    ++count;
  }
  return count;
}

Target SupportedTarget(int i) {
  const uint32_t targets = Targets();
  int target = kNumTargets - 1;
  while (!Supported(targets, target) || i-- > 0) --target;
  return static_cast<Target>(target);
}

const char* TargetName(Target target) { return kNames[target]; }

Target FindTarget(const char* name) {
  const uint32_t targets = Targets();
  int target = 0;
  while (target < kNumTargets && (!Supported(targets, target) ||
                                  strcasecmp(name, kNames[target]) != 0)) {
    ++target;
  }
  return static_cast<Target>(target);
}

Target DetectDefaultTarget() {
  const char* wish = getenv("ROTARY_TARGET");
  const bool any = wish == nullptr || *wish == '\0';
  const Target target = any ? SupportedTarget(0) : FindTarget(wish);
  for (size_t i = 0; !any && i + 1 < kWishSize && wish[i] != '\0'; ++i) {
    default_target_wish[i].store(wish[i], std::memory_order_relaxed);
  }
  default_target.store(target, std::memory_order_release);
  return target;
}

void DefaultTargetWish(char* text, size_t size) {
  size_t i = 0;
  for (; i + 1 < size && i < kWishSize; ++i) {
    text[i] = default_target_wish[i].load(std::memory_order_relaxed);
  }
  text[i] = '\0';
}

}  // namespace rotary
