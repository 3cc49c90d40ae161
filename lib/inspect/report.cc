#include "lib/inspect/report.h"

#include <math.h>

#include <limits>
#include <memory>
#include <utility>

#include "lib/inspect/failure.h"

namespace rotary_inspect {
namespace {

struct DestroyEmbedding {
  void operator()(rotary_embedding* embedding) const {
    rotary_embedding_destroy(embedding);
  }
};
using Embedding = std::unique_ptr<rotary_embedding, DestroyEmbedding>;

struct DestroyRows {
  void operator()(rotary_rows* rows) const { rotary_rows_destroy(rows); }
};
using Rows = std::unique_ptr<rotary_rows, DestroyRows>;

Embedding Make(const rotary_embedding_config& config) {
  rotary_embedding* embedding = nullptr;
  rotary_error error;
  Check(rotary_embedding_create(&config, &embedding, &error), error);
  return Embedding(embedding);
}

// [axes][pairs].
std::vector<double> InvFreq(const rotary_embedding* embedding) {
  const int64_t count = rotary_embedding_heads(embedding) *
                        rotary_embedding_axes(embedding) *
                        rotary_embedding_rotary_dim(embedding) / 2;
  std::vector<double> inv_freq(static_cast<size_t>(count));
  rotary_error error;
  Check(rotary_embedding_inv_freq(embedding, inv_freq.data(), count, &error),
        error);
  return inv_freq;
}

double Wavelength(double inv_freq) {
  static const double kFullTurn = 2.0 * acos(-1.0);
  return inv_freq == 0.0 ? std::numeric_limits<double>::infinity()
                         : kFullTurn / fabs(inv_freq);
}

// Of both lists, the axis that has a number: the scaling may have none left.
Pair PairAt(size_t i, size_t pairs, const std::vector<double>& inv_freq,
            const std::vector<double>& unscaled, double trained_length) {
  Pair pair = {};
  pair.axis = -1;
  for (size_t at = i; at < inv_freq.size(); at += pairs) {
    if (inv_freq[at] == 0.0 && unscaled[at] == 0.0) continue;
    pair.axis = static_cast<int64_t>(at / pairs);
    pair.inv_freq = inv_freq[at];
    pair.unscaled = unscaled[at];
  }
  pair.wavelength = Wavelength(pair.inv_freq);
  pair.unscaled_wavelength = Wavelength(pair.unscaled);
  // NaN if neither turns.
  pair.ratio = pair.wavelength / pair.unscaled_wavelength;
  pair.turns = trained_length > 0.0 ? trained_length / pair.wavelength : NAN;
  return pair;
}

// Every axis at the same position.
std::vector<PositionRow> RowsAt(const rotary_embedding* embedding,
                                const std::vector<int64_t>& positions,
                                const std::vector<Pair>& pairs) {
  std::vector<PositionRow> told;
  if (positions.empty()) return told;
  const auto count = static_cast<int64_t>(positions.size());
  rotary_error error;
  rotary_rows* made = nullptr;
  Check(rotary_rows_create(embedding, count, &made, &error), error);
  const Rows rows(made);

  rotary_positions of_tokens;
  rotary_positions_init(&of_tokens, sizeof(of_tokens));
  of_tokens.data = positions.data();
  of_tokens.dtype = ROTARY_I64;
  of_tokens.axis_stride = 0;
  rotary_rows_args args;
  rotary_rows_args_init(&args, sizeof(args));
  args.embedding = embedding;
  args.positions = &of_tokens;
  args.tokens = count;
  args.num_threads = 1;
  Check(rotary_rows_set(rows.get(), &args, &error), error);

  for (int64_t row = 0; row < count; ++row) {
    PositionRow at;
    at.position = positions[static_cast<size_t>(row)];
    at.cos.resize(pairs.size());
    at.sin.resize(pairs.size());
    Check(rotary_rows_read(rows.get(), row, 1, at.cos.data(), at.sin.data(),
                           ROTARY_DENSE, &error),
          error);
    for (const Pair& pair : pairs) {
      at.angle.push_back(static_cast<double>(at.position) * pair.inv_freq);
    }
    told.push_back(std::move(at));
  }
  return told;
}

RotationReport ReportOf(const rotary_model* model, int64_t index,
                        const std::vector<int64_t>& positions) {
  rotary_rotation rotation;
  rotary_rotation_init(&rotation, sizeof(rotation));
  rotary_error error;
  Check(rotary_model_rotation(model, index, &rotation, &error), error);

  // Before the other is made, as each may be large.
  rotary_embedding_config config = rotation.config;
  config.scaling = nullptr;
  const std::vector<double> unscaled = InvFreq(Make(config).get());
  const Embedding embedding = Make(rotation.config);
  const std::vector<double> inv_freq = InvFreq(embedding.get());

  RotationReport told = {};
  told.index = index;
  told.name = rotation.name;
  told.fields = FieldsOf(model, index, rotation, embedding.get());
  told.num_axes = rotary_embedding_axes(embedding.get());
  told.gain = rotary_embedding_gain(embedding.get());
  told.trained_length = rotation.trained_length;
  told.depends_on_length = DependsOnLength(rotation);
  const auto pairs = static_cast<size_t>(rotation.config.rotary_dim / 2);
  for (size_t i = 0; i < pairs; ++i) {
    const Pair pair =
        PairAt(i, pairs, inv_freq, unscaled, rotation.trained_length);
    told.pairs.push_back(pair);
    if (pair.turns < 1.0) {
      told.below_one_turn.push_back(static_cast<int64_t>(i));
    }
    if (pair.inv_freq == 0.0) {
      told.do_not_turn.push_back(static_cast<int64_t>(i));
    }
  }
  told.positions = RowsAt(embedding.get(), positions, told.pairs);
  return told;
}

}  // namespace

Report MakeReport(const ModelFile& file, const Options& options) {
  const rotary_model* model = file.model.get();
  Report report = {};
  report.file = options.file;
  report.is_gguf = file.is_gguf;
  report.is_vision = options.import.part == ROTARY_PART_VISION;
  report.model_type = rotary_model_type(model);
  report.layers = rotary_model_layers(model);
  report.layer = options.layer;
  report.length = options.import.length;
  if (options.layer >= report.layers) {
    throw Failure(report.layers == 0
                      ? "does not tell its layers"
                      : "has no layer " + std::to_string(options.layer) +
                            ", but " + std::to_string(report.layers) +
                            ", counted from 0");
  }
  const int64_t rotations = rotary_model_rotations(model);
  std::vector<std::vector<int64_t>> layers(static_cast<size_t>(rotations));
  for (int64_t layer = 0; layer < report.layers; ++layer) {
    const int64_t rotation = rotary_model_layer(model, layer);
    if (rotation < 0) {
      report.unrotated.push_back(layer);
    } else {
      layers[static_cast<size_t>(rotation)].push_back(layer);
    }
  }
  for (int64_t i = 0; i < rotations; ++i) {
    if (options.layer >= 0 && rotary_model_layer(model, options.layer) != i) {
      continue;
    }
    report.rotations.push_back(ReportOf(model, i, options.positions));
    report.rotations.back().layers = layers[static_cast<size_t>(i)];
  }
  return report;
}

const char* Unit(const Report& report) {
  return report.is_vision ? "positions" : "tokens";
}

std::string Ranges(const std::vector<int64_t>& numbers) {
  std::string text;
  for (size_t begin = 0; begin < numbers.size();) {
    size_t end = begin + 1;
    while (end < numbers.size() && numbers[end] == numbers[end - 1] + 1) ++end;
    if (!text.empty()) text += ", ";
    text += std::to_string(numbers[begin]);
    if (end - begin > 1) text += "-" + std::to_string(numbers[end - 1]);
    begin = end;
  }
  return text;
}

}  // namespace rotary_inspect
