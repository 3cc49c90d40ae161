// What llama.cpp knows of a GGUF's architecture that its metadata do not tell.
// Used by gguf_model.cc.

#ifndef ROTARY_LIB_IMPORT_GGUF_ARCHITECTURES_H_
#define ROTARY_LIB_IMPORT_GGUF_ARCHITECTURES_H_

#include <rotary/rotary.h>
#include <stdint.h>

#include <string>

namespace rotary_import {

enum GgufTrait : uint32_t {
  // Which elements and pairs.
  kTail = 1u << 0,         // the last of a head are rotated
  kSections = 1u << 1,     // M-RoPE by dimension_sections, ggml's MROPE
  kInterleaved = 1u << 2,  // the same, ggml's IMROPE
  kMaySections = 1u << 3,  // MROPE, half, where the first two are not 0
  // Layers with a sliding window, every one but the last of a period.
  kDenseFirst = 1u << 4,      // every one but the first
  kWindowed = 1u << 5,        // none without a sliding_window
  kPatternByLayer = 1u << 6,  // or as a list of them says
  kPatternNeeded = 1u << 7,   // as a list of them, or one for all, says
  kPlainWindows = 1u << 8,    // they are not scaled
  kOneBase = 1u << 9,         // they have the base of the others
  kOwnWindowDims = 1u << 10,  // and dimensions of their own
  // Layers that do not rotate.
  kOnlyWindows = 1u << 11,      // those without a window
  kOf64Layers = 1u << 12,       // all rotate alike unless there are 64
  kOf32Layers = 1u << 13,       // none rotates unless there are 32
  kNopeEveryFourth = 1u << 14,  // layers 3, 7, 11 ..
  kNopeFromFirst = 1u << 15,    // layers 0, 4, 8 .. of a model with windows
  kAttentionInterval =
      1u << 16,                 // all but each last of full_attention_interval
  kKvHeadLayers = 1u << 17,     // those of no key heads
  kHeadLayers = 1u << 18,       // those of no heads
  kFinetunedSwitch = 1u << 19,  // all, if rope.scaling.finetuned is false
  // Scaling.
  kFactorsAlways = 1u << 20,     // factor tensors count whatever the type
  kAlpha = 1u << 21,             // rope.scaling.alpha raises the base
  kYarnKeys = 1u << 22,          // the numbers of its ramp are read
  kLogMultiplier = 1u << 23,     // yarn_log_multiplier is 0.1 mscale_all_dim ..
  kRawLogMultiplier = 1u << 24,  // .. or is mscale_all_dim
  kEqualMscale = 1u << 25,       // and mscale is the same
  kYarnSoftmax = 1u << 26,       // the softmax has YaRN's factor
  kGrokYarn = 1u << 27  // its ramp begins at 8 turns, and its share is read
};

struct GgufArchitecture {
  const char* name;
  rotary_pairing pairing;  // 0: it does not rotate
  uint32_t traits;
  int32_t period;      // of layers with a window; or full_attention_interval
  double window_base;  // theirs where freq_base_swa is missing; 0: freq_base
};

// nullptr if it is not known.
const GgufArchitecture* FindGgufArchitecture(const std::string& name);

}  // namespace rotary_import

#endif  // ROTARY_LIB_IMPORT_GGUF_ARCHITECTURES_H_
