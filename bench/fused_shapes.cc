// The shapes of fused passes.

#include "bench/fused_shapes.h"

#include <string.h>

namespace rotary_bench {
namespace {

constexpr FusedType kF32 = {"f32", ROTARY_F32, ROTARY_SCALES_NONE};
constexpr FusedType kF16 = {"f16", ROTARY_F16, ROTARY_SCALES_NONE};
constexpr FusedType kBF16 = {"bf16", ROTARY_BF16, ROTARY_SCALES_NONE};
constexpr FusedType kI8 = {"i8", ROTARY_I8, ROTARY_SCALES_MADE};
constexpr FusedType kE4M3 = {"e4m3", ROTARY_F8_E4M3, ROTARY_SCALES_NONE};
constexpr FusedType kQ8 = {"q8_0", ROTARY_Q8_0, ROTARY_SCALES_NONE};

constexpr FusedShape kShapes[] = {
    {"append", "llama", kBF16, kBF16}, {"append", "llama", kBF16, kI8},
    {"append", "llama", kBF16, kE4M3}, {"append", "llama", kF32, kF16},
    {"append", "llama", kF32, kQ8},    {"qkv", "llama", kBF16, kBF16},
    {"qkv", "qwen3", kBF16, kBF16},    {"qkv", "qwen3", kBF16, kI8},
    {"norm", "qwen3", kBF16, kBF16},   {"norm", "qwen3", kF32, kF32},
    {"mla", "deepseek", kBF16, kBF16}, {"shift", "llama", kBF16, kBF16},
    {"shift", "llama", kI8, kI8},      {"shift", "llama", kQ8, kQ8}};

struct Step {
  const char* name;
  int64_t tokens;
};
constexpr Step kSteps[] = {{"decode1", 1},
                           {"decode16", 16},
                           {"decode64", 64},
                           {"prefill512", 512},
                           {"prefill4096", 4096}};

}  // namespace

int64_t BytesOf(const FusedType& type, int64_t elements) {
  if (type.dtype == ROTARY_Q8_0) return elements / 32 * 34;
  const int64_t size = type.dtype == ROTARY_F32    ? 4
                       : type.dtype == ROTARY_F16  ? 2
                       : type.dtype == ROTARY_BF16 ? 2
                                                   : 1;
  return elements * size;
}

bool FusedCase::Is(const char* what) const {
  return strcmp(shape.what, what) == 0;
}

bool FusedCase::IsDecode() const { return strncmp(step, "decode", 6) == 0; }

std::vector<FusedCase> FusedCases(int cores) {
  std::vector<FusedCase> cases;
  for (const FusedShape& shape : kShapes) {
    for (const Step& step : kSteps) {
      FusedCase c = {shape, step.name, step.tokens, 1};
      // A whole cache is shifted.
      if (c.Is("shift") && c.IsDecode()) continue;
      cases.push_back(c);
      c.threads = cores;
      if (cores > 1 && !c.IsDecode()) cases.push_back(c);
    }
  }
  return cases;
}

std::string Name(const FusedCase& c) {
  return std::string("fused/") + c.shape.what + "/" + c.shape.model + "-" +
         c.step + "/" + c.shape.input.name + "-" + c.shape.cache.name + "/t" +
         std::to_string(c.threads);
}

// Queries 32, keys 8, values 8 heads of 128; or kv_c and k_pe, and of decoding
// the last 64 of 192 elements of 128 query heads.
std::vector<FusedPart> PartsOf(const FusedCase& c) {
  constexpr FusedOutput kInPlace = FusedOutput::kInPlace;
  constexpr FusedOutput kCache = FusedOutput::kCache;
  if (c.Is("mla")) {
    std::vector<FusedPart> parts = {{1, 512, 512, 0, false, true, kCache, 0},
                                    {1, 64, 64, 512, true, false, kCache, 512}};
    if (c.IsDecode()) {
      parts.push_back(
          {128, 64, 192, 576 + 128, true, false, FusedOutput::kWideQueries, 0});
    }
    return parts;
  }
  if (c.Is("shift")) return {{8, 128, 128, 0, true, false, kCache, 0}};
  const bool norms = strcmp(c.shape.model, "qwen3") == 0;
  if (c.Is("norm")) {
    return {{32, 128, 128, 0, true, norms, kInPlace, 0},
            {8, 128, 128, 4096, true, norms, kInPlace, 0}};
  }
  const bool queries = c.Is("qkv");
  const int64_t keys = queries ? 4096 : 0;
  std::vector<FusedPart> parts = {
      {8, 128, 128, keys, true, norms, kCache, 0},
      {8, 128, 128, keys + 1024, false, false, kCache, 1024}};
  if (queries) {
    parts.push_back({32, 128, 128, 0, true, norms, kInPlace, 0});
  }
  return parts;
}

}  // namespace rotary_bench
