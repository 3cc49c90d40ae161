#include "lib/apply/stages.h"

#include <algorithm>

#include "lib/apply/chunk.h"
#include "lib/apply/head_norm.h"
#include "lib/apply/move_run.h"

namespace rotary {
namespace {

// The heads of a run, one tile after the other.
class Stages {
 public:
  Stages(const FusedCall& call, int64_t index, const RotateJob& job,
         const HeadRun& run, float* tile)
      : fused_(call.tensors[index]),
        chunk_(call, index, job, run),
        norm_(fused_),
        halves_(fused_, tile),
        tile_(halves_.first),
        other_(halves_.second) {}

  void Run() {
    chunk_.ForEachTokens(halves_.most_heads,
                         [this](int64_t step) { GoThroughHeads(step); });
  }

 private:
  bool CallsFunction() const { return fused_.on_tile != nullptr; }

  void GoThroughHeads(int64_t step) {
    if (norm_.IsFirst() && fused_.norm.all_heads) {
      norm_.FindFactorOfAll(step, &chunk_, [this] { return Fetch(); });
    } else if (norm_.IsLast() && fused_.norm.all_heads) {
      norm_.FindFactorOfAll(step, &chunk_,
                            [this] { return chunk_.InTile(Turn()); });
    }
    chunk_.ForEachHeads(step, [this] {
      norm_.ReadScales(chunk_);
      if (float* turned = Turn()) Finish(turned);
    });
  }

  // The heads of the chunk as they were before everything.
  TileInput Fetch() {
    if (!fused_.gathers) return chunk_.Input();
    kLoadStored[chunk_.target()](
        {chunk_.Shape(), chunk_.Source(), chunk_.SourceScales(), tile_});
    // Its own inverse.
    chunk_.Transform(tile_);
    return chunk_.InTile(tile_);
  }

  // Loads and rotates the heads of the chunk: to the tile that is returned, or
  // to where they are stored.
  float* Turn() {
    if (fused_.rotate_normed != nullptr) {
      norm_.FindFactors(chunk_, chunk_.Input());
      norm_.Rotate(chunk_, fused_.stores ? tile_ : nullptr);
      return fused_.stores ? tile_ : nullptr;
    }
    if (fused_.loads) {
      const TileInput input = Fetch();
      const bool norms = norm_.IsFirst();
      if (norms && !fused_.norm.all_heads) norm_.FindFactors(chunk_, input);
      // What was gathered is there.
      if (norms || !fused_.gathers || norm_.Scales()) {
        norm_.Load(chunk_, input, norms, tile_);
      }
      if (!fused_.rotates) return tile_;
    }
    Tensor tensor = fused_.tensor;
    if (fused_.loads) {
      chunk_.ReadFrom(tile_, &tensor);
    } else {
      chunk_.ReadFromInput(&tensor);
    }
    if (!fused_.stores) {
      chunk_.WriteToOutput(&tensor);
      chunk_.Rotate(tensor);
      return nullptr;
    }
    float* to = fused_.Changes() && fused_.loads ? other_ : tile_;
    chunk_.WriteTo(to, &tensor);
    chunk_.Rotate(tensor);
    return to;
  }

  // What is left to be done with heads that have been rotated.
  void Finish(float* tile) {
    if (norm_.IsLast()) {
      const TileInput input = chunk_.InTile(tile);
      if (!fused_.norm.all_heads) norm_.FindFactors(chunk_, input);
      norm_.Load(chunk_, input, true, tile);
    }
    chunk_.Transform(tile);
    if (CallsFunction()) return CallFunction(tile);
    int64_t saturated = 0;
    kStoreHeads[chunk_.target()]({chunk_.Shape(), tile, chunk_.Output(),
                                  chunk_.Scales(), &saturated, chunk_.Ahead()});
    if (saturated != 0 && fused_.saturated != nullptr) {
      __atomic_fetch_add(fused_.saturated, saturated, __ATOMIC_RELAXED);
    }
  }

  // Gives the tile away, or a copy of it in another storage.
  void CallFunction(const float* tile) {
    const int64_t head_dim = fused_.tensor.head_dim;
    rotary_tile given = {};
    given.struct_size = sizeof(given);
    given.tensor = chunk_.index();
    given.batch = chunk_.b();
    given.token = chunk_.first_token();
    given.tokens = chunk_.tokens;
    given.head = chunk_.head;
    given.heads = chunk_.heads;
    given.head_dim = head_dim;
    given.data = tile;
    if (fused_.storage != kStoredF32) {
      const int64_t row = StoredElements(fused_.storage, head_dim);
      float* copy = tile == tile_ ? other_ : tile_;
      TileScales scales = {};
      if (fused_.storage == kStoredI8) {
        scales = {norm_.Spare(), kF32, true, chunk_.heads, 1, 0};
        given.scales = norm_.Spare();
      }
      kStoreHeads[chunk_.target()](
          {chunk_.Shape(),
           tile,
           {copy, fused_.storage, false, chunk_.heads * row, row, 1},
           scales,
           nullptr,
           {}});
      given.data = copy;
    }
    fused_.on_tile(fused_.user, &given);
  }

  const FusedTensor& fused_;
  Chunk chunk_;
  HeadNorm norm_;
  const TileHalves halves_;
  float* const tile_;
  float* const other_;  // the second half, where there are two
};

// A function of its own, so that only what needs a tile has one on the stack.
[[gnu::noinline]] void GoByTile(const FusedCall& call, int64_t index,
                                const RotateJob& job, const HeadRun& run) {
  alignas(64) float tile[kTileFloats];
  Stages(call, index, job, run, tile).Run();
}

}  // namespace

void RunStages(const FusedCall& call, int64_t index, const RotateJob& job,
               const HeadRun& run) {
  const FusedTensor& fused = call.tensors[index];
  if (run.still) {
    if (fused.stays && run.slot == run.source_slot) return;
    if (fused.as_is) return MoveRun(call, index, run);
  }
  if (fused.loads || fused.stores) return GoByTile(call, index, job, run);
  Chunk(call, index, job, run).RotateRun();
}

}  // namespace rotary
