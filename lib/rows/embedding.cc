#include "lib/rows/embedding.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <new>

#include "lib/frequencies/xpos.h"
#include "lib/rows/ggml.h"
#include "lib/rows/table.h"

namespace rotary {
namespace {

constexpr size_t kAlignment = 64;

constexpr size_t kGgmlPairBytes = 3 * sizeof(float) + sizeof(uint8_t);

constexpr size_t AlignUp(size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

// Whether rows are made of a table: of one angle per pair, by whole steps.
bool HasTable(const EmbeddingConfig& config) {
  return config.arithmetic == Arithmetic::kExact &&
         config.xpos == Xpos::kNone && config.heads == 1 && !SumsAxes(config);
}

// Where the parts are, in bytes from the start.
struct Layout {
  size_t inv_freq;
  size_t frequencies;
  size_t powers;
  size_t ggml;
  size_t divisors;
  size_t sources;
  size_t group_axes;
  size_t table;
  size_t bytes;
};

Layout LayoutOf(const EmbeddingConfig& config) {
  const int64_t pairs = config.rotary_dim / 2;
  const Model& model = config.model;
  const size_t lists = size_t{model.factors.data != nullptr} +
                       size_t{model.short_factors.data != nullptr} +
                       size_t{model.long_factors.data != nullptr};
  const size_t padded = static_cast<size_t>(PaddedPairs(pairs));
  const size_t heads = static_cast<size_t>(config.heads);
  const size_t list = heads * static_cast<size_t>(pairs) * sizeof(double);
  const bool has_sources = config.axes.layout != AxesLayout::kGiven;
  const size_t axes = static_cast<size_t>(config.axes.count);
  Layout layout;
  layout.inv_freq = AlignUp(sizeof(rotary_embedding));
  layout.frequencies = layout.inv_freq + heads * axes * padded * sizeof(double);
  layout.powers = layout.frequencies + list;
  layout.ggml = layout.powers +
                (config.xpos != Xpos::kNone ? padded : 0) * sizeof(double);
  layout.divisors =
      layout.ggml +
      (config.arithmetic == Arithmetic::kGgml ? padded : 0) * kGgmlPairBytes;
  layout.sources = layout.divisors + lists * list;
  layout.group_axes =
      layout.sources +
      (has_sources ? list / sizeof(double) : 0) * sizeof(PairSource);
  layout.table = AlignUp(layout.group_axes +
                         heads * padded / static_cast<size_t>(kPairPadding));
  layout.bytes = layout.table;
  if (HasTable(config)) {
    layout.bytes += static_cast<size_t>(TableSize(pairs)) * sizeof(double);
  }
  return layout;
}

// Copies what `divisors` are to *to, which moves behind them, and points them
// there.
void Keep(int64_t count, Divisors* divisors, double** to) {
  if (divisors->data == nullptr) return;
  for (int64_t i = 0; i < count; ++i) (*to)[i] = (*divisors)[i];
  *divisors = {*to, true};
  *to += count;
}

// Element i of the inv_freq that is given, [heads][axes][pairs].
double Given(const EmbeddingConfig& config, int64_t i) {
  if (config.from != nullptr) {
    const int64_t axes = config.from->axes;
    const int64_t pairs = config.from->pairs;
    const int64_t head = i / pairs / (2 * axes);
    const int64_t axis = i / pairs % (2 * axes);
    const bool is_to = axis >= axes;
    const rotary_embedding& of = is_to ? *config.to : *config.from;
    const double* inv_freq =
        of.InvFreq(head) + (is_to ? axis - axes : axis) * of.padded_pairs;
    return is_to ? inv_freq[i % pairs] : -inv_freq[i % pairs];
  }
  return config.inv_freq_f64 != nullptr
             ? config.inv_freq_f64[i]
             : static_cast<double>(config.inv_freq_f32[i]);
}

// Spreads the matrix that is given, or frequencies of all heads' pairs, over
// heads and axes.
void FillInvFreq(const EmbeddingConfig& config, const double* frequencies,
                 rotary_embedding* embedding) {
  const bool matrix =
      config.given() && config.axes.layout == AxesLayout::kGiven;
  const int64_t pairs = embedding->pairs;
  const int64_t axes = embedding->axes;
  for (int64_t h = 0; h < embedding->heads; ++h) {
    for (int64_t a = 0; a < axes; ++a) {
      double* to =
          embedding->inv_freq + (h * axes + a) * embedding->padded_pairs;
      for (int64_t i = 0; i < pairs; ++i) {
        const int64_t own = h * pairs + i;
        if (matrix) {
          to[i] = Given(config, (h * axes + a) * pairs + i);
        } else if (SourceOf(embedding->config.model, own).axis == a) {
          to[i] = frequencies[own];
        }
      }
    }
  }
}

void FillGroupAxes(rotary_embedding* embedding) {
  const int64_t groups = embedding->padded_pairs / kPairPadding;
  for (int64_t h = 0; h < embedding->heads; ++h) {
    for (int64_t a = 0; a < embedding->axes; ++a) {
      const double* inv_freq =
          embedding->InvFreq(h) + a * embedding->padded_pairs;
      for (int64_t i = 0; i < embedding->pairs; ++i) {
        if (inv_freq[i] == 0.0) continue;
        embedding->group_axes[h * groups + i / kPairPadding] |=
            static_cast<uint8_t>(1u << a);
      }
    }
  }
}

// |position| * inv_freq, where it is summed over the axes their sum, must be
// within what the cos and sin of angles can be computed of.
double AngleReach(const rotary_embedding& embedding, int64_t axis) {
  constexpr double kMaxAngle = 0x1p40;
  double most = 0.0;
  for (int64_t h = 0; h < embedding.heads; ++h) {
    const double* inv_freq =
        embedding.InvFreq(h) + axis * embedding.padded_pairs;
    for (int64_t i = 0; i < embedding.pairs; ++i) {
      most = fmax(most, fabs(inv_freq[i]));
    }
  }
  const int64_t addends = SumsAxes(embedding.config) ? embedding.axes : 1;
  return kMaxAngle / static_cast<double>(addends) / most;
}

// The positions of an axis within a range, as far as rows can be made for them,
// with so much gain and xPos counted from `center`.
PositionRange RangeOf(const rotary_embedding& embedding, int64_t axis,
                      const AxisRange& range, double gain, double center) {
  const EmbeddingConfig& config = embedding.config;
  double low = range.low;
  double high = range.high;
  if (config.xpos != Xpos::kNone) {
    const double reach =
        XposReach(126.0 - fabs(log2(gain))) * config.xpos_scale_base;
    low = fmax(low, center - reach);
    high = fmin(high, center + reach);
  }
  const double reach = AngleReach(embedding, axis);
  const double real_low = fmax(low, -reach);
  const double real_high = fmin(high, reach);
  // A table has no such bound.
  if (!HasTable(config)) low = real_low, high = real_high;
  const auto whole = [](double x) {
    return static_cast<int64_t>(fmin(fmax(x, -0x1p31), 0x1p31));
  };
  return {whole(ceil(low)), whole(floor(high)), real_low, real_high};
}

}  // namespace

size_t EmbeddingBytes(const EmbeddingConfig& config) {
  return LayoutOf(config).bytes;
}

rotary_embedding* MakeEmbedding(const EmbeddingConfig& config,
                                bool with_table) {
  const int64_t pairs = config.rotary_dim / 2;
  const Layout layout = LayoutOf(config);
  with_table = with_table && HasTable(config);
  void* memory = aligned_alloc(
      kAlignment, AlignUp(with_table ? layout.bytes : layout.table));
  if (memory == nullptr) return nullptr;
  memset(memory, 0, layout.table);
  char* bytes = static_cast<char*>(memory);
  const auto doubles = [bytes](size_t at) {
    return reinterpret_cast<double*>(bytes + at);
  };
  rotary_embedding* embedding = new (memory) rotary_embedding;
  embedding->pairs = pairs;
  embedding->padded_pairs = PaddedPairs(pairs);
  embedding->heads = config.heads;
  embedding->axes = config.axes.count;
  embedding->bytes = layout.bytes;
  embedding->inv_freq = doubles(layout.inv_freq);
  embedding->group_axes = reinterpret_cast<uint8_t*>(bytes + layout.group_axes);
  embedding->config = config;

  Model* model = &embedding->config.model;
  double* divisors = doubles(layout.divisors);
  Keep(model->count, &model->factors, &divisors);
  Keep(model->count, &model->short_factors, &divisors);
  Keep(model->count, &model->long_factors, &divisors);
  model->sources = nullptr;
  if (config.axes.layout != AxesLayout::kGiven) {
    auto* sources = reinterpret_cast<PairSource*>(bytes + layout.sources);
    MakeSources(config.axes, model->count, config.freq_dim, sources);
    model->sources = sources;
  }
  double* frequencies = doubles(layout.frequencies);
  embedding->gain = config.gain;
  embedding->softmax_multiplier = 1.0;
  if (!config.given()) {
    embedding->gain *= MakeFrequencies(*model, frequencies);
    embedding->softmax_multiplier = SoftmaxMultiplier(*model);
  } else {
    for (int64_t i = 0; i < model->count; ++i) {
      const bool turns = SourceOf(*model, i).axis >= 0;
      frequencies[i] = turns ? Given(config, i) : 0.0;
    }
  }
  FillInvFreq(config, frequencies, embedding);
  FillGroupAxes(embedding);
  // What was given may go: it is never made again.
  embedding->config.inv_freq_f64 = nullptr;
  embedding->config.inv_freq_f32 = nullptr;
  embedding->config.from = nullptr;
  embedding->config.to = nullptr;
  embedding->powers = nullptr;
  if (config.xpos != Xpos::kNone) {
    embedding->powers = doubles(layout.powers);
    XposPowers(pairs, embedding->powers);
  }
  embedding->ggml = {};
  if (config.arithmetic == Arithmetic::kGgml) {
    auto* floats = reinterpret_cast<float*>(bytes + layout.ggml);
    const int64_t padded = embedding->padded_pairs;
    embedding->ggml.steps = floats;
    embedding->ggml.divisors = floats + padded;
    embedding->ggml.mixes = floats + 2 * padded;
    embedding->ggml.axes = reinterpret_cast<uint8_t*>(floats + 3 * padded);
    MakeGgmlPairs(*model, embedding->padded_pairs, &embedding->ggml);
  }
  for (int64_t a = 0; a < embedding->axes; ++a) {
    embedding->ranges[a] = RangeOf(*embedding, a, config.ranges[a],
                                   embedding->gain, config.xpos_center);
    embedding->shift_ranges[a] =
        RangeOf(*embedding, a, kAllPositions, 1.0, 0.0);
  }
  embedding->table = nullptr;
  if (with_table) {
    embedding->table = doubles(layout.table);
    FillTable(frequencies, pairs, doubles(layout.table));
  }
  return embedding;
}

void FreeEmbedding(rotary_embedding* embedding) { free(embedding); }

}  // namespace rotary
