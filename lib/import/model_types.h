// What transformers' code knows of a model_type that its config.json does not
// tell.  Used by config_model.cc.

#ifndef ROTARY_LIB_IMPORT_MODEL_TYPES_H_
#define ROTARY_LIB_IMPORT_MODEL_TYPES_H_

#include <rotary/rotary.h>
#include <stdint.h>

#include <string>

namespace rotary_import {

enum ModelTrait : uint32_t {
  // Where a head is rotated.
  kLatent = 1u << 0,          // its last qk_rope_head_dim (MLA)
  kRopeInterleave = 1u << 1,  // half if rope_interleave is false
  kLastOfHead = 1u << 2,      // its last rotary_dim
  // Axes.
  kMropeSections = 1u << 3,     // M-RoPE by sections
  kMropeInterleaved = 1u << 4,  // the same, interleaved
  kMropeHwt = 1u << 5,          // Ernie's: sections h, w, t; t last
  kBlocks = 1u << 6,            // two blocks, one for each axis
  kStrided = 1u << 7,           // the same, strided
  kAlternating = 1u << 8,       // axes in turn
  kTwoPi = 1u << 9,             // angles are turns: times 2 pi
  kEmbedDim = 1u << 10,         // hidden_size is another's: embed_dim counts
  // Layers.
  kLocalBase = 1u << 11,      // sliding ones have rope_local_base_freq
  kGlobalBase = 1u << 12,     // global_rope_theta and local_rope_theta
  kScaledFull = 1u << 13,     // full ones alone are scaled
  kOnlySliding = 1u << 14,    // full ones do not rotate
  kIfWindow = 1u << 15,       // .. if there is a sliding_window
  kOnlyFull = 1u << 16,       // others are linear: they do not rotate
  kNopeInterval = 1u << 17,   // every period-th does not rotate
  kFullFirst = 1u << 18,      // of a period the first is full, not the last
  kMainCompress = 1u << 19,   // DeepSeek-V4: sliding ones are "main"
  kGlobalHeadDim = 1u << 24,  // full ones have global_head_dim
  // The rest.
  kFixedBase = 1u << 20,       // no key tells it
  kNeedsScaling = 1u << 21,    // the class has a scaling where there is none
  kAlibiSwitch = 1u << 22,     // does not rotate if alibi is true
  kRotaryPositions = 1u << 23  // rotates if position_embedding_type is rotary
};

struct ModelType {
  const char* name;
  rotary_pairing pairing;  // 0: it does not rotate
  uint32_t traits;
  double share;      // of a head that is rotated, where no key tells it
  double base;       // where no key tells it
  int32_t head_dim;  // where no key tells it; 0: of the hidden size and heads
  int32_t period;    // of the layers' types, where no key tells them; or 0
};

// nullptr if it is not known.
const ModelType* FindModelType(const std::string& name);

}  // namespace rotary_import

#endif  // ROTARY_LIB_IMPORT_MODEL_TYPES_H_
