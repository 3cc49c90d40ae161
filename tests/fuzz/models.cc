// The models and the numbers of models.h.
#include "tests/fuzz/models.h"

#include <algorithm>
#include <cstring>

#include "tests/support/element.h"

namespace rotary_test {
namespace {

constexpr double kReach = 2147483647.0;

Embedding MakeBetween(rotary_embedding_config config,
                      const rotary_scaling& scaling) {
  const Embedding from = EmbeddingOf(config);
  config.scaling = &scaling;
  const Embedding to = EmbeddingOf(config);
  rotary_embedding* between = nullptr;
  rotary_error error;
  RequireOk(rotary_embedding_between(from.get(), to.get(), &between, &error),
            error);
  return Embedding(between);
}

// The configs, by index.
Embedding MakeModelEmbedding(size_t index) {
  rotary_embedding_config config;
  rotary_embedding_config_init(&config, sizeof(config));
  rotary_axes axes;
  rotary_axes_init(&axes, sizeof(axes));
  rotary_scaling scaling;
  rotary_scaling_init(&scaling, sizeof(scaling), ROTARY_SCALING_YARN);
  scaling.factor = 4;
  scaling.original_length = 4096;
  const double inv_freq[] = {1.0, -0.25, 0.0, 3e-5, 0.7, 1e-3};
  const int64_t dims[kModels] = {8, 16, 2, 64, 6,  8,  8,  8,
                                 8, 16, 4, 32, 12, 16, 16, 136};
  config.rotary_dim = dims[index];
  switch (index) {
    case 1:
      config.gain = 1.25;
      break;
    case 4:
      config.inv_freq = inv_freq;
      break;
    case 5:
      axes.num_axes = 3;
      axes.layout = ROTARY_AXES_SECTIONS;
      axes.sections[0] = 2;
      axes.sections[1] = axes.sections[2] = 1;
      config.axes = &axes;
      break;
    case 6:
      config.heads = 2;
      break;
    case 7:
      config.xpos = ROTARY_XPOS_QUERY;
      break;
    case 8:
      config.arithmetic = ROTARY_COMPATIBLE_HF;
      config.row_dtype = ROTARY_BF16;
      break;
    case 9:
      config.arithmetic = ROTARY_COMPATIBLE_GGML;
      break;
    case 10:
      axes.num_axes = 2;
      config.inv_freq = inv_freq;
      config.axes = &axes;
      break;
    case 12:
      axes.num_axes = 2;
      axes.layout = ROTARY_AXES_BLOCKS;
      axes.sections[0] = axes.sections[1] = 6;
      axes.low[0] = axes.low[1] = -1000;
      axes.high[0] = axes.high[1] = 1000;
      config.axes = &axes;
      config.heads = 2;
      break;
    case 13:
      config.scaling = &scaling;
      break;
    case 14:
      return MakeBetween(config, scaling);
    default:
      break;
  }
  return EmbeddingOf(config);
}

Model MakeModel(size_t index) {
  Model model;
  model.embedding = MakeModelEmbedding(index);
  const rotary_embedding* const embedding = model.embedding.get();
  model.rotary_dim = rotary_embedding_rotary_dim(embedding);
  model.axes = rotary_embedding_axes(embedding);
  model.heads = rotary_embedding_heads(embedding);
  model.reach = index == 7 ? 34000 : index == 12 ? 900 : kReach;
  for (int64_t t = 0; t < Model::kTokens; ++t) {
    const bool none = t % 7 == 3;
    model.ids.push_back(none ? ROTARY_NO_POSITION_I64 : t * 37 - 300);
    model.row_ids.push_back(none ? ROTARY_NO_POSITION_I64 : t);
  }
  rotary_rows* rows = nullptr;
  rotary_error error;
  RequireOk(rotary_rows_create(embedding, Model::kTokens * model.heads, &rows,
                               &error),
            error);
  model.rows.reset(rows);
  rotary_positions positions = MakePositions(model.ids);
  positions.axis_stride = 0;
  SetRowsOk(rows, MakeRowsArgs(embedding, &positions, Model::kTokens));
  model.values = ReadRows(rows);
  return model;
}

// Numbers of each dtype; some of the second half are special.
struct Pool {
  static constexpr size_t kHalf = 8192;  // elements
  static constexpr size_t kMost = 4096;  // that are taken at a time

  Pool() {
    Random random(3);
    for (size_t i = 0; i < 2 * kHalf; ++i) {
      const bool special = i >= kHalf && random.Integer(0, 15) == 0;
      const auto bits = static_cast<uint32_t>(random.Bits());
      const double value = static_cast<double>(random.Float());
      f32[i] =
          special ? Special(&random, 31, 23, bits) : Nearest(ROTARY_F32, value);
      f16[i] = static_cast<uint16_t>(special ? Special(&random, 15, 10, bits)
                                             : Nearest(ROTARY_F16, value));
      bf16[i] = static_cast<uint16_t>(special ? Special(&random, 15, 7, bits)
                                              : Nearest(ROTARY_BF16, value));
    }
  }

  // Any bits; zero, infinity and NaN; subnormal numbers; large ones.
  static uint32_t Special(Random* random, int sign, int significand,
                          uint32_t bits) {
    const uint32_t infinity = (1u << sign) - (1u << significand);
    const uint32_t fraction = bits & ((1u << significand) - 1);
    const uint32_t negative = (bits >> 31) << sign;
    switch (random->Integer(0, 5)) {
      case 0:
        return bits & ((2u << sign) - 1);
      case 1:
        return negative;
      case 2:
        return negative | infinity;
      case 3:
        return negative | infinity | fraction;
      case 4:
        return negative | fraction;
      default:
        return negative | (infinity - (1u << significand)) | fraction;
    }
  }

  uint32_t f32[2 * kHalf];
  uint16_t f16[2 * kHalf];
  uint16_t bf16[2 * kHalf];
};

}  // namespace

const Model& ModelAt(size_t index) {
  static const std::vector<Model> models = [] {
    std::vector<Model> made;
    for (size_t i = 0; i < kModels; ++i) made.push_back(MakeModel(i));
    return made;
  }();
  return models[index];
}

const Model& DrawModel(Input* input) {
  // Few have many pairs.
  const int64_t most = static_cast<int64_t>(kModels) - 1;
  return ModelAt(static_cast<size_t>(
      input->Integer(0, input->Once(16) ? most : most - 1)));
}

void Fill(Input* input, rotary_dtype dtype, void* memory, size_t bytes,
          bool is_plain) {
  static const Pool pool;
  const void* const from = dtype == ROTARY_F32
                               ? static_cast<const void*>(pool.f32)
                           : dtype == ROTARY_F16 ? pool.f16
                                                 : pool.bf16;
  const size_t element = ElementBytes(dtype);
  const bool special = !is_plain && input->Once(4);
  const auto start = static_cast<size_t>(input->Integer(0, 255)) * 16 +
                     (special ? Pool::kHalf : 0);
  const auto* const begin = static_cast<const char*>(from) + start * element;
  for (size_t at = 0; at < bytes; at += Pool::kMost * element) {
    std::memcpy(static_cast<char*>(memory) + at, begin,
                std::min(bytes - at, Pool::kMost * element));
  }
}

void FillBytes(Input* input, void* memory, size_t bytes) {
  static const std::vector<uint64_t> any = [] {
    std::vector<uint64_t> words;
    Random random(9);
    for (int i = 0; i < 4096; ++i) words.push_back(random.Bits());
    return words;
  }();
  const auto start = static_cast<size_t>(input->Integer(0, 255));
  for (size_t at = 0; at < bytes; at += 8 * 2048) {
    std::memcpy(static_cast<char*>(memory) + at, any.data() + start,
                std::min<size_t>(bytes - at, 8 * 2048));
  }
}

}  // namespace rotary_test
