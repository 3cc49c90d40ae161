#include "lib/rows/make_rows.h"

#include <math.h>

#include <algorithm>

namespace rotary {
namespace {

// Rows that are made at a time.
constexpr int64_t kGroup = kCompatibleRows;

// What log-n scaling multiplies the row of a position by.
double LogNFactor(const RowFactors& factors, double position) {
  if (!(position > 0.0)) return 1.0;
  const double gain =
      fmax(1.0, log(position + 1.0) / log(factors.log_n_length));
  return factors.mode == Mode::kInverse ? 1.0 / gain : gain;
}

// By the table, several axes.
void MakeAxisRows(const TokenRows& rows, int64_t first, int64_t count) {
  const rotary_embedding& embedding = *rows.embedding;
  int32_t positions[kMaxAxes][kGroup];
  MakeAxisRowsJob job;
  job.rows = RowsJob(embedding, rows.factors);
  job.rows.pair_begin = rows.pair_begin;
  job.rows.pair_count = rows.pair_count;
  job.rows.positions = positions[0];
  job.rows.count = count;
  job.rows.cos = rows.cos + first * rows.row_stride;
  job.rows.sin = rows.sin + first * rows.row_stride;
  job.rows.row_stride = rows.row_stride;
  job.rows.rotates = rows.rotates + first;
  job.axes = embedding.axes;
  job.position_stride = kGroup;
  job.inv_freq = embedding.inv_freq;
  job.group_axes = embedding.group_axes;
  for (int64_t a = 0; a < embedding.axes; ++a) {
    ReadPositions(*rows.positions, a, rows.b, rows.token + first, count,
                  positions[a]);
  }
  kMakeAxisRows[rows.target](job);
}

// By their angles.
void MakeAngleRows(const TokenRows& rows, const double* positions,
                   int64_t first, int64_t count, double gain) {
  const rotary_embedding& embedding = *rows.embedding;
  const EmbeddingConfig& config = embedding.config;
  const RowFactors& factors = rows.factors;
  AngleRowsJob job;
  job.inv_freq = embedding.InvFreq(rows.head) + rows.pair_begin;
  job.axis_stride = embedding.padded_pairs;
  job.group_axes =
      embedding.GroupAxes(rows.head) + rows.pair_begin / kPairPadding;
  job.summed = SumsAxes(config);
  job.axes = embedding.axes;
  job.positions = positions;
  job.position_stride = kGroup;
  job.count = count;
  job.pair_count = rows.pair_count;
  job.powers = nullptr;
  if (embedding.powers != nullptr) {
    job.powers = embedding.powers + rows.pair_begin;
    // A key's is a query's inverse, and the inverse undoes it.
    const bool divides =
        (config.xpos == Xpos::kKey) != (factors.mode == Mode::kInverse);
    job.power_scale = (divides ? -1.0 : 1.0) / config.xpos_scale_base;
    job.power_origin = factors.mode == Mode::kShift ? 0.0 : config.xpos_center;
  }
  job.cos_factor = factors.cos * gain;
  job.sin_factor = factors.sin * gain;
  job.cos = rows.cos + first * rows.row_stride;
  job.sin = rows.sin + first * rows.row_stride;
  job.row_stride = rows.row_stride;
  job.rotates = rows.rotates + first;
  kAngleRows[rows.target](job);
}

bool HasPosition(const double* positions, int64_t axes, int64_t token) {
  for (int64_t a = 0; a < axes; ++a) {
    const double position = positions[a * kGroup + token];
    if (position != position) return false;
  }
  return true;
}

// As another framework makes them.
void MakeCompatibleRows(const TokenRows& rows, const double* positions,
                        int64_t first, int64_t count, double gain) {
  const rotary_embedding& embedding = *rows.embedding;
  CompatibleRowsJob job;
  const bool hf = embedding.config.arithmetic == Arithmetic::kHf;
  job.ggml = hf ? nullptr : &embedding.ggml;
  job.inv_freq = embedding.InvFreq(rows.head) + rows.pair_begin;
  job.axis_stride = embedding.padded_pairs;
  job.group_axes =
      embedding.GroupAxes(rows.head) + rows.pair_begin / kPairPadding;
  job.axes = embedding.axes;
  job.positions = positions;
  job.position_stride = kGroup;
  job.count = count;
  job.pair_begin = rows.pair_begin;
  job.pair_count = rows.pair_count;
  job.cos_factor = static_cast<float>(rows.factors.cos * gain);
  job.sin_factor = static_cast<float>(rows.factors.sin * gain);
  job.rounding = embedding.config.row_dtype;
  job.cos = rows.cos + first * rows.row_stride;
  job.sin = rows.sin + first * rows.row_stride;
  job.row_stride = rows.row_stride;
  job.rotates = rows.rotates + first;
  for (int64_t t = 0; t < count; ++t) {
    rows.rotates[first + t] =
        HasPosition(positions, embedding.axes, t) ? kRotated : kCopied;
  }
  kMakeCompatibleRows[rows.target](job);
}

void MakeRealRows(const TokenRows& rows, int64_t first, int64_t count) {
  const rotary_embedding& embedding = *rows.embedding;
  double positions[kMaxAxes * kGroup];
  for (int64_t a = 0; a < embedding.axes; ++a) {
    ReadRealPositions(*rows.positions, a, rows.b, rows.token + first, count,
                      positions + a * kGroup);
  }
  const auto make = embedding.config.arithmetic == Arithmetic::kExact
                        ? MakeAngleRows
                        : MakeCompatibleRows;
  if (rows.factors.log_n_length == 0.0) {
    return make(rows, positions, first, count, 1.0);
  }
  for (int64_t i = 0; i < count; ++i) {
    make(rows, positions + i, first + i, 1,
         LogNFactor(rows.factors, positions[i]));
  }
}

// By the table, each with a gain of its own.
void MakeLogNRows(const TokenRows& rows, int64_t first, int64_t count) {
  TokenRows one = rows;
  one.factors.log_n_length = 0.0;
  for (int64_t i = first; i < first + count; ++i) {
    double position;
    ReadRealPositions(*rows.positions, 0, rows.b, rows.token + i, 1, &position);
    const double factor = LogNFactor(rows.factors, position);
    one.factors.cos = rows.factors.cos * factor;
    one.factors.sin = rows.factors.sin * factor;
    MakeAxisRows(one, i, 1);
  }
}

}  // namespace

void MakeTokenRows(const TokenRows& rows) {
  const bool table =
      rows.embedding->table != nullptr && !IsReal(rows.positions->type);
  const auto make = !table                             ? MakeRealRows
                    : rows.factors.log_n_length != 0.0 ? MakeLogNRows
                                                       : MakeAxisRows;
  for (int64_t first = 0; first < rows.count; first += kGroup) {
    make(rows, first, std::min(kGroup, rows.count - first));
  }
  MarkRows(*rows.positions, rows.token, rows.count, rows.rotates);
}

}  // namespace rotary
