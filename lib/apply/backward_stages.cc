// What a run of tokens goes through in a backward pass.

#include <algorithm>

#include "lib/apply/backward.h"
#include "lib/apply/chunk.h"
#include "lib/apply/head_gradient.h"
#include "lib/apply/moments.h"

namespace rotary {
namespace {

double* LeafSums(const FusedCall& call, const RotateJob& job,
                 const HeadRun& run) {
  const Backward& backward = *call.backward;
  if (backward.leaf_sums == 0) return nullptr;
  const int64_t token = job.b * call.apply.tokens + run.token;
  return backward.sums + token / backward.leaf_tokens * backward.leaf_sums;
}

// The heads of a run, one tile after the other.
class BackwardStages {
 public:
  BackwardStages(const FusedCall& call, int64_t index, const RotateJob& job,
                 const HeadRun& run, float* tile)
      : fused_(call.tensors[index]),
        backward_(call.backward->tensors[index]),
        chunk_(call, index, job, run),
        scales_(fused_),
        norm_(fused_, backward_, LeafSums(call, job, run)),
        halves_(fused_, tile),
        tile_(halves_.first),
        other_(halves_.second) {}

  void Run() {
    chunk_.ForEachTokens(halves_.most_heads,
                         [this](int64_t step) { GoThroughHeads(step); });
  }

 private:
  bool Norms() const { return fused_.norm.kind != Norm::kNone; }
  bool NormWasLast() const { return fused_.norm.after && fused_.rotates; }

  void GoThroughHeads(int64_t step) {
    if (Norms() && fused_.norm.all_heads) return GoThroughAll(step);
    chunk_.ForEachHeads(step, [this] {
      if (!Norms()) return Finish(Load());
      const HeadGradients heads = {Gradients(), Input()};
      norm_.FindMeans(chunk_, heads);
      norm_.LeadBack(chunk_, heads);
      Finish(heads.gradients);
    });
  }

  // Of one token, whose heads were normed together.
  void GoThroughAll(int64_t step) {
    // What is made of all of them at once is made but once.
    const bool once = step == fused_.tensor.heads;
    HeadGradients made = {};
    if (once) {
      chunk_.head = 0;
      chunk_.heads = step;
      made = {Gradients(), Input()};
    }
    const auto input = [&] { return once ? made.input : Input(); };
    const auto gradients = [&] { return once ? made.gradients : Gradients(); };
    norm_.FindMeansOfAll(step, &chunk_, input, gradients);
    chunk_.ForEachHeads(step, [&] {
      const HeadGradients heads = {gradients(), input()};
      norm_.LeadBack(chunk_, heads);
      Finish(heads.gradients);
    });
  }

  // The gradients of the chunk's heads as they were behind their norm.
  float* Gradients() {
    float* gradients = Load();
    return NormWasLast() ? gradients : Turn(gradients);
  }

  // What was normed.
  TileInput Input() {
    const TileInput taken = Taken();
    if (!NormWasLast()) return taken;
    Tensor tensor = fused_.tensor;
    tensor.rotate = backward_.rotate;
    tensor.heads = chunk_.heads;
    tensor.input = taken.data;
    tensor.input_size = ElementSize(taken.dtype);
    tensor.input_strides = {0, taken.token_stride, taken.head_stride};
    chunk_.WriteTo(other_, &tensor);
    chunk_.Rotate(tensor);
    return chunk_.InTile(other_);
  }

  // What the forward pass took.
  TileInput Taken() const {
    const Strides& strides = backward_.strides;
    const int64_t at =
        chunk_.b() * strides.batch +
        (chunk_.first_token() - fused_.first_token) * strides.token +
        chunk_.head * strides.head;
    return {static_cast<const char*>(backward_.input) +
                at * ElementSize(backward_.dtype),
            backward_.dtype, strides.token, strides.head};
  }

  // The gradients of the output, before its transform and its scale; nullptr:
  // they are where they were.
  float* Load() {
    if (!fused_.loads) return nullptr;
    LoadHeadsJob job = {};
    job.shape = chunk_.Shape();
    job.input = chunk_.Input();
    job.tile = tile_;
    if (scales_.Any()) {
      scales_.Read(chunk_);
      job.factors = scales_.values();
    }
    kLoadHeads[chunk_.target()](job);
    chunk_.Transform(tile_);
    return tile_;
  }

  // A tensor that leads from a tile, or from where the gradients were.
  Tensor From(const float* tile) const {
    Tensor tensor = fused_.tensor;
    if (tile != nullptr) {
      chunk_.ReadFrom(tile, &tensor);
    } else {
      chunk_.ReadFromInput(&tensor);
    }
    return tensor;
  }

  // Rotated back, to a tile.
  float* Turn(float* tile) {
    if (!fused_.rotates) return tile;
    Tensor tensor = From(tile);
    float* to = fused_.Changes() && fused_.loads ? other_ : tile_;
    chunk_.WriteTo(to, &tensor);
    chunk_.Rotate(tensor, /*back=*/true);
    return to;
  }

  // To where they are stored.
  void Finish(const float* tile) {
    if (fused_.stores) {
      kStoreHeads[chunk_.target()](
          {chunk_.Shape(), tile, chunk_.Output(), {}, nullptr, {}});
      return;
    }
    Tensor tensor = From(tile);
    chunk_.WriteToOutput(&tensor);
    chunk_.Rotate(tensor, /*back=*/true);
  }

  const FusedTensor& fused_;
  const BackwardTensor& backward_;
  Chunk chunk_;
  HeadScales scales_;
  HeadGradient norm_;
  const TileHalves halves_;
  float* const tile_;
  float* const other_;  // the second half, where there are two
};

// A function of its own, so that only what needs a tile has one on the stack.
[[gnu::noinline]] void LeadByTile(const FusedCall& call, int64_t index,
                                  const RotateJob& job, const HeadRun& run) {
  alignas(64) float tile[kTileFloats];
  BackwardStages(call, index, job, run, tile).Run();
}

}  // namespace

void LeadBack(const FusedCall& call, int64_t index, const RotateJob& job,
              const HeadRun& run) {
  const FusedTensor& fused = call.tensors[index];
  if (fused.loads || fused.stores) return LeadByTile(call, index, job, run);
  Chunk(call, index, job, run).RotateRun(/*back=*/true);
}

}  // namespace rotary
