// A tensor of a fused pass with a fusion of any kind: from a tensor or a cache,
// to a tensor, a cache or tiles.  Used by fused_pass.cc.
#ifndef TESTS_FUZZ_DRAWN_FUSED_H_
#define TESTS_FUZZ_DRAWN_FUSED_H_

#include <rotary/rotary.h>

#include <cstdint>

#include "tests/fused/cache_layout.h"
#include "tests/fused/fused_reference.h"
#include "tests/fuzz/arena.h"
#include "tests/fuzz/hostile_fields.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/models.h"
#include "tests/fuzz/same_results.h"
#include "tests/support/strided.h"

namespace rotary_test {

// A norm with weights in the arena.
struct DrawnNorm {
  rotary_norm norm;
  View weight;  // as far as the norm has them
  View bias;

  void Draw(Input* input, Arena* arena, int64_t heads, int64_t head_dim);
};

// What the tensors of a pass share.
struct SharedFused {
  static constexpr int64_t kMaxTokens = 12;

  const Model* model;
  int64_t batch;
  int64_t tokens;
  int64_t first_row;  // of model's rows: token i of all has row first_row + i
  int64_t num_slots;
  int64_t slots[kMaxTokens];  // -1: none
  int64_t sources[kMaxTokens];
  bool is_plain;  // no special values

  bool HasPosition(int64_t i) const {
    return model->ids[static_cast<size_t>(first_row + i)] !=
           ROTARY_NO_POSITION_I64;
  }
};

// The tokens, heads and steps of a tensor, forward or backward.
struct DrawnSteps {
  rotary_fusion fusion;
  Shape shape;
  DrawnNorm norm;

  void Draw(Input* input, Arena* arena, const SharedFused& shared,
            bool may_be_partial);
  // Of token t of the tensor's.
  int64_t Token(const SharedFused& shared, int64_t b, int64_t t) const {
    return b * shared.tokens + t + fusion.first_token;
  }
  FusedSteps Steps(const SharedFused& shared, int64_t token,
                   int64_t rotary_offset, rotary_pairing from,
                   rotary_pairing to) const;
};

class DrawnFused {
 public:
  void Draw(Input* input, Arena* arena, const SharedFused& shared,
            bool from_cache);
  void AddOutputs(const SharedFused& shared, Outputs* outputs) const;
  // The fields behind pointers, and all memory that outputs are in.
  void Expose(HostileFields* fields, Outputs* outputs);
  // Compares what the arena holds with the reference.
  void CheckResult(const Arena& arena, const SharedFused& shared) const;

  rotary_tensor tensor;
  rotary_fusion fusion() const { return steps_.fusion; }

 private:
  enum class To { kInPlace, kTensor, kCache, kTiles };

  void DrawSource(Input* input, Arena* arena, const SharedFused& shared);
  void DrawOutput(Input* input, Arena* arena, const SharedFused& shared);
  void DrawCache(Input* input, Arena* arena, const SharedFused& shared);
  void DrawTiles(Input* input, Arena* arena, const SharedFused& shared);
  static void OnTile(void* user, const rotary_tile* tile);

  StoredHead Got(const SharedFused& shared, int64_t b, int64_t t,
                 int64_t h) const;
  StoredHead Given(const Arena& arena, const SharedFused& shared, int64_t b,
                   int64_t t, int64_t h) const;
  bool IsLeftOut(const SharedFused& shared, int64_t token) const;
  void CheckToken(const Arena& arena, const SharedFused& shared, int64_t b,
                  int64_t t) const;

  DrawnSteps steps_;
  To to_;
  View input_;
  View output_;
  bool has_source_;
  rotary_cache source_;
  rotary_cache cache_;
  CacheLayout source_layout_;
  CacheLayout cache_layout_;
  // Of tiles: [batch][tokens of the call][heads].
  uint8_t* tiles_;
  float* tile_scales_;
  int64_t tile_bytes_;  // of a head
  int64_t tile_tokens_;
};

}  // namespace rotary_test

#endif  // TESTS_FUZZ_DRAWN_FUSED_H_
