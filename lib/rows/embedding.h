// The embedding: what a model's rotation is.  Made by api, read by rows.

#ifndef ROTARY_LIB_ROWS_EMBEDDING_H_
#define ROTARY_LIB_ROWS_EMBEDDING_H_

#include <stddef.h>
#include <stdint.h>

#include "lib/frequencies/axes.h"
#include "lib/frequencies/scaling.h"
#include "lib/kernels/kernels.h"
#include "lib/rows/positions.h"

struct rotary_embedding;

namespace rotary {

static_assert(kMaxAxes == kMostAxes, "kernels hold as many axes");

enum class Arithmetic : int32_t { kExact, kHf, kGgml };

// xPos makes the one row of a query and another of a key.
enum class Xpos : int32_t { kNone, kQuery, kKey };

// The positions that an axis may have.
struct AxisRange {
  double low;
  double high;
};

constexpr AxisRange kAllPositions = {1.0 - 0x1p31, 0x1p31 - 1.0};

// What defines an embedding.
struct EmbeddingConfig {
  int64_t rotary_dim;
  int64_t heads;     // with rows of their own
  int64_t freq_dim;  // 0: as the axes' layout has it
  Axes axes;
  AxisRange ranges[kMaxAxes];
  double gain;  // beside the model's attention factor
  // [heads][axes][rotary_dim / 2]: one of these, or neither: by the model, for
  // the axes' layout.
  const double* inv_freq_f64;
  const float* inv_freq_f32;
  // Or the way from one embedding to another: those of the first, turned back,
  // and behind them those of the second.
  const rotary_embedding* from = nullptr;
  const rotary_embedding* to = nullptr;
  Model model;
  Arithmetic arithmetic;
  Dtype row_dtype;  // that cos and sin are rounded to
  Xpos xpos;
  double xpos_scale_base;
  double xpos_center;

  bool given() const {
    return inv_freq_f64 != nullptr || inv_freq_f32 != nullptr ||
           from != nullptr;
  }
};

// Whether rows are of angles that several axes add to.
inline bool SumsAxes(const EmbeddingConfig& config) {
  return config.axes.layout == AxesLayout::kGiven && config.axes.count > 1;
}

}  // namespace rotary

// One allocation: this, then its arrays.  Immutable once made.
struct rotary_embedding {
  int64_t pairs;
  int64_t padded_pairs;
  int64_t heads;
  int64_t axes;
  double gain;
  double softmax_multiplier;
  size_t bytes;
  // Angle per step of the position, [heads][axes][padded_pairs] with zeros.
  double* inv_freq;
  // Which axes turn some of kPairPadding pairs, one bit for each; [heads]
  // [padded_pairs / kPairPadding].
  uint8_t* group_axes;
  rotary::GgmlPairs ggml;  // [padded_pairs], or nullptr
  double* powers;          // of xPos, [padded_pairs], or nullptr
  const double* table;     // see rows/table.h; or nullptr
  rotary::PositionRange ranges[rotary::kMaxAxes];
  // Of the differences that an already rotated key is moved by.
  rotary::PositionRange shift_ranges[rotary::kMaxAxes];
  rotary::EmbeddingConfig config;  // whose arrays are its own

  const double* InvFreq(int64_t head) const {
    return inv_freq + head * axes * padded_pairs;
  }
  const uint8_t* GroupAxes(int64_t head) const {
    return group_axes + head * (padded_pairs / rotary::kPairPadding);
  }
};

namespace rotary {

// Larger heads than any model has; keeps every size far from overflow.
constexpr int64_t kMaxRotaryDim = 65536;

size_t EmbeddingBytes(const EmbeddingConfig& config);

// nullptr if there is no memory.  Without a table, if it has one at all, no
// rows can be made of it.
rotary_embedding* MakeEmbedding(const EmbeddingConfig& config,
                                bool with_table = true);
void FreeEmbedding(rotary_embedding* embedding);

}  // namespace rotary

#endif  // ROTARY_LIB_ROWS_EMBEDDING_H_
