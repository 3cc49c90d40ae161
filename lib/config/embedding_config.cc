#include "lib/config/embedding_config.h"

#include <math.h>
#include <stdio.h>

#include <algorithm>

#include "lib/config/axes_config.h"
#include "lib/config/common_args.h"
#include "lib/config/error.h"
#include "lib/config/scaling_config.h"
#include "lib/config/structs.h"

namespace rotary {
namespace {

// Angles reach 2^31 * inv_freq, which must be finite.
bool UsableInvFreq(double inv_freq) { return isfinite(inv_freq * 0x1p31); }

bool UsableInvFreq(const EmbeddingConfig& config, double inv_freq) {
  return UsableInvFreq(inv_freq) &&
         (config.arithmetic == Arithmetic::kExact || fabs(inv_freq) <= 0x1p127);
}

template <typename T>
rotary_status CheckInvFreq(const EmbeddingConfig& config, const T* inv_freq,
                           int64_t count, rotary_error* error) {
  for (int64_t i = 0; i < count; ++i) {
    const double value = static_cast<double>(inv_freq[i]);
    if (UsableInvFreq(config, value)) continue;
    char name[40];
    snprintf(name, sizeof(name), "inv_freq[%lld]", static_cast<long long>(i));
    return FailReal(error, name, value, "must be finite, also times 2^31");
  }
  return ROTARY_OK;
}

bool PositiveFinite(double value) { return value > 0.0 && isfinite(value); }

// It multiplies rows of f32, and so does its inverse.
bool UsableGain(double gain) { return gain >= 0x1p-126 && gain <= 0x1p126; }

// Whether there is one that RIFLEx may change.
bool HasFrequency(const Model& model) {
  for (int64_t i = 0; i < model.count; ++i) {
    const PairSource source = SourceOf(model, i);
    const double index = static_cast<double>(source.index);
    if (source.axis == 0 && index == model.fields[kPair]) return true;
  }
  return false;
}

}  // namespace

rotary_status ReadEmbeddingShape(const rotary_embedding_config* from,
                                 EmbeddingConfig* config, rotary_error* error) {
  rotary_embedding_config copy;
  if (const rotary_status status = ReadStruct(
          from, "config", "config.struct_size", &copy, &from, error)) {
    return status;
  }
  if (const rotary_status status =
          CheckRotaryDim(from->rotary_dim, "rotary_dim", error)) {
    return status;
  }
  if (from->inv_freq == nullptr && !PositiveFinite(from->base)) {
    return FailReal(error, "base", from->base, "must be positive and finite");
  }
  if (!UsableGain(from->gain)) {
    return FailReal(error, "gain", from->gain, "must be 2^-126 to 2^126");
  }
  if (from->inv_freq_dtype != ROTARY_F64 &&
      from->inv_freq_dtype != ROTARY_F32) {
    return FailArgument(error, "inv_freq_dtype", from->inv_freq_dtype,
                        "must be ROTARY_F64 or ROTARY_F32");
  }
  if (const rotary_status status = ReadHeadsAndAxes(*from, config, error)) {
    return status;
  }
  if (const rotary_status status = ReadArithmetic(*from, config, error)) {
    return status;
  }
  const bool f64 = from->inv_freq_dtype == ROTARY_F64;
  const uintptr_t size = f64 ? sizeof(double) : sizeof(float);
  if (reinterpret_cast<uintptr_t>(from->inv_freq) % size != 0) {
    return FailArgument(error, "inv_freq",
                        reinterpret_cast<intptr_t>(from->inv_freq),
                        "must be aligned to its element");
  }
  if (from->reserved != 0) {
    return FailArgument(error, "reserved", from->reserved, "must be 0");
  }
  if (from->inv_freq == nullptr &&
      (from->freq_dim < 0 || from->freq_dim > kMaxRotaryDim)) {
    return FailArgument(error, "freq_dim", from->freq_dim,
                        "must be 0 to 65536");
  }
  if (from->inv_freq != nullptr && from->scaling != nullptr) {
    Failure failure = {ROTARY_ERROR_ARGUMENT, "scaling"};
    failure.type = Failure::kNone;
    return Fail(error, failure, "is given together with inv_freq");
  }
  config->rotary_dim = from->rotary_dim;
  config->freq_dim = from->freq_dim;
  config->model.count = config->heads * from->rotary_dim / 2;
  config->model.freq_dim =
      from->freq_dim == 0 ? 2 * config->model.count : from->freq_dim;
  config->model.base = from->base;
  if (const rotary_status status =
          ReadScaling(from->scaling, &config->model, error)) {
    return status;
  }
  config->gain = from->gain;
  config->inv_freq_f64 =
      f64 ? static_cast<const double*>(from->inv_freq) : nullptr;
  config->inv_freq_f32 =
      f64 ? nullptr : static_cast<const float*>(from->inv_freq);
  return CheckArithmetic(*config, error);
}

rotary_status ReadEmbeddingConfig(const rotary_embedding_config* from,
                                  EmbeddingConfig* config,
                                  rotary_error* error) {
  if (const rotary_status status = ReadEmbeddingShape(from, config, error)) {
    return status;
  }
  const bool matrix = config->axes.layout == AxesLayout::kGiven;
  const int64_t count = config->model.count * (matrix ? config->axes.count : 1);
  if (config->inv_freq_f64 != nullptr) {
    return CheckInvFreq(*config, config->inv_freq_f64, count, error);
  }
  if (config->inv_freq_f32 != nullptr) {
    return CheckInvFreq(*config, config->inv_freq_f32, count, error);
  }
  return CheckLists(config->model, error);
}

rotary_status CheckEmbedding(const rotary_embedding& embedding,
                             rotary_error* error) {
  const Model& model = embedding.config.model;
  const int64_t count =
      embedding.heads * embedding.axes * embedding.padded_pairs;
  for (int64_t i = 0; i < count; ++i) {
    if (UsableInvFreq(embedding.config, embedding.inv_freq[i])) continue;
    if (model.scaling == Scaling::kDefault && model.factors.data == nullptr) {
      return FailReal(error, "base", model.base, "gives an infinite inv_freq");
    }
    return FailReal(error, "scaling", embedding.inv_freq[i],
                    "the inv_freq that it makes must be finite, also times "
                    "2^31");
  }
  if (model.scaling == Scaling::kRiflex && !HasFrequency(model)) {
    return FailReal(error, "scaling.pair", model.fields[kPair],
                    "must be the number of one of the first axis's "
                    "frequencies");
  }
  if (!UsableGain(embedding.gain)) {
    return FailReal(error, "scaling", embedding.gain,
                    "the gain that it makes must be 2^-126 to 2^126");
  }
  return ROTARY_OK;
}

rotary_status ReadLength(const rotary_embedding* embedding, double length,
                         EmbeddingConfig* config, rotary_error* error) {
  if (embedding == nullptr) return FailNull(error, "embedding");
  if (!(length >= 0.0 && isfinite(length))) {
    return FailReal(error, "length", length, "must be finite and not negative");
  }
  *config = embedding->config;
  config->model.fields[kLength] = length;
  return ROTARY_OK;
}

rotary_status ReadBetween(const rotary_embedding* from,
                          const rotary_embedding* to, EmbeddingConfig* config,
                          rotary_error* error) {
  if (from == nullptr) return FailNull(error, "from");
  if (to == nullptr) return FailNull(error, "to");
  const struct {
    const rotary_embedding* embedding;
    const char* name;
  } both[] = {{from, "from"}, {to, "to"}};
  for (const auto& one : both) {
    const EmbeddingConfig& of = one.embedding->config;
    Failure failure = {ROTARY_ERROR_UNSUPPORTED, one.name};
    failure.type = Failure::kNone;
    if (of.arithmetic != Arithmetic::kExact) {
      return Fail(error, failure, "must be of ROTARY_EXACT arithmetic");
    }
    if (of.xpos != Xpos::kNone) {
      return Fail(error, failure, "must be without xPos");
    }
  }
  if (to->pairs != from->pairs) {
    return FailArgument(error, "to", 2 * to->pairs,
                        "its rotary_dim must be that of `from`");
  }
  if (to->heads != from->heads) {
    return FailArgument(error, "to", to->heads,
                        "it must have as many heads as `from`");
  }
  if (to->axes != from->axes) {
    return FailArgument(error, "to", to->axes,
                        "it must have as many axes as `from`");
  }
  if (2 * from->axes > kMaxAxes) {
    return FailArgument(error, "from", from->axes,
                        "axes, of both together, are more than "
                        "ROTARY_MAX_AXES");
  }
  *config = {};
  config->rotary_dim = 2 * from->pairs;
  config->heads = from->heads;
  config->axes.count = 2 * from->axes;
  std::copy_n(from->config.ranges, from->axes, config->ranges);
  std::copy_n(to->config.ranges, to->axes, config->ranges + from->axes);
  config->gain = to->gain / from->gain;
  config->from = from;
  config->to = to;
  config->model.count = config->heads * from->pairs;
  config->model.freq_dim = 2 * config->model.count;
  if (UsableGain(config->gain)) return ROTARY_OK;
  return FailReal(error, "to", config->gain,
                  "its gain over that of `from` must be 2^-126 to 2^126");
}

}  // namespace rotary
