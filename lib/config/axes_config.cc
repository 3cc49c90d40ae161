#include "lib/config/axes_config.h"

#include <math.h>
#include <stdio.h>

#include "lib/config/common_args.h"
#include "lib/config/error.h"
#include "lib/config/structs.h"

namespace rotary {
namespace {

// Sections of all the axes.
rotary_status ReadSections(const rotary_axes& from, int64_t pairs, Axes* axes,
                           rotary_error* error) {
  const SectionsUse use = UseOfSections(axes->layout);
  if (use == SectionsUse::kNone) return ROTARY_OK;
  int64_t sum = 0;
  for (int64_t a = 0; a < axes->count; ++a) {
    const int64_t section = from.sections[a];
    if (section < 0 || section > kMaxRotaryDim) {
      char name[40];
      snprintf(name, sizeof(name), "axes.sections[%d]", static_cast<int>(a));
      return FailArgument(error, name, section, "must be 0 to 65536");
    }
    axes->sections[a] = section;
    sum += section;
  }
  if (use == SectionsUse::kWhole && sum != pairs) {
    char reason[80];
    snprintf(reason, sizeof(reason), "in all, but there are %lld pairs",
             static_cast<long long>(pairs));
    return FailArgument(error, "axes.sections", sum, reason);
  }
  if (sum == 0) {
    return FailArgument(error, "axes.sections", sum,
                        "in all, and must be positive");
  }
  return ROTARY_OK;
}

rotary_status CheckLayout(const Axes& axes, int64_t pairs,
                          rotary_error* error) {
  if (axes.layout == AxesLayout::kInterleavedRepeated && axes.count != 4) {
    return FailArgument(error, "axes.num_axes", axes.count,
                        "must be 4 with ROTARY_AXES_INTERLEAVED_GGML");
  }
  if (axes.layout == AxesLayout::kAlternatingLast && axes.count != 3) {
    return FailArgument(error, "axes.num_axes", axes.count,
                        "must be 3 with ROTARY_AXES_ALTERNATING_LAST");
  }
  if (axes.layout == AxesLayout::kStrided && pairs % axes.count != 0) {
    return FailArgument(error, "axes.num_axes", axes.count,
                        "must divide the pairs with ROTARY_AXES_STRIDED");
  }
  if (axes.layout == AxesLayout::kAlternating && pairs < axes.count) {
    return FailArgument(error, "axes.num_axes", axes.count,
                        "must not be more than the pairs with "
                        "ROTARY_AXES_ALTERNATING");
  }
  return ROTARY_OK;
}

rotary_status ReadRanges(const rotary_axes& from, int64_t num_axes,
                         AxisRange* ranges, rotary_error* error) {
  for (int64_t a = 0; a < num_axes; ++a) {
    const AxisRange range = {from.low[a], from.high[a]};
    char name[40];
    const auto name_it = [&](const char* field) {
      snprintf(name, sizeof(name), "axes.%s[%d]", field, static_cast<int>(a));
    };
    // Of NaN nothing holds.
    if (!(fabs(range.low) <= 0x1p31 - 1.0)) {
      name_it("low");
      return FailReal(error, name, range.low, "must be within +-(2^31 - 1)");
    }
    if (!(fabs(range.high) <= 0x1p31 - 1.0)) {
      name_it("high");
      return FailReal(error, name, range.high, "must be within +-(2^31 - 1)");
    }
    if (range.high < range.low) {
      name_it("high");
      return FailReal(error, name, range.high, "must not be less than low");
    }
    ranges[a] = range;
  }
  return ROTARY_OK;
}

rotary_status ReadAxes(const rotary_embedding_config& from,
                       EmbeddingConfig* config, rotary_error* error) {
  config->axes = {};
  config->ranges[0] = kAllPositions;
  if (from.axes == nullptr) return ROTARY_OK;
  rotary_axes copy;
  const rotary_axes* axes;
  rotary_status status =
      ReadStruct(from.axes, "axes", "axes.struct_size", &copy, &axes, error);
  if (status != ROTARY_OK) return status;
  if (axes->num_axes < 1 || axes->num_axes > kMaxAxes) {
    return FailArgument(error, "axes.num_axes", axes->num_axes,
                        "must be 1 to 8");
  }
  if (axes->layout < 0 ||
      axes->layout >= static_cast<int32_t>(AxesLayout::kCount)) {
    return FailArgument(error, "axes.layout", axes->layout,
                        "must be one of ROTARY_AXES_*");
  }
  if (axes->reserved != 0) {
    return FailArgument(error, "axes.reserved", axes->reserved, "must be 0");
  }
  config->axes.layout = static_cast<AxesLayout>(axes->layout);
  config->axes.count = axes->num_axes;
  const bool given = config->axes.layout == AxesLayout::kGiven;
  if (given && from.inv_freq == nullptr && axes->num_axes > 1) {
    return FailNull(error, "inv_freq");
  }
  const int64_t pairs = config->heads * from.rotary_dim / 2;
  status = CheckLayout(config->axes, pairs, error);
  if (status != ROTARY_OK) return status;
  status = ReadSections(*axes, pairs, &config->axes, error);
  if (status != ROTARY_OK) return status;
  return ReadRanges(*axes, axes->num_axes, config->ranges, error);
}

// Whether ggml's recurrence reaches each pair from the one before it.
bool IsSequential(AxesLayout layout) {
  return layout != AxesLayout::kStrided && layout != AxesLayout::kAlternating;
}

}  // namespace

rotary_status ReadHeadsAndAxes(const rotary_embedding_config& from,
                               EmbeddingConfig* config, rotary_error* error) {
  // 0 in a struct of a version before there were heads.
  config->heads = from.heads == 0 ? 1 : from.heads;
  if (config->heads < 1 || config->heads > kMaxRotaryDim / from.rotary_dim) {
    return FailArgument(error, "heads", from.heads,
                        "must be 1 or more, times rotary_dim at most 65536");
  }
  return ReadAxes(from, config, error);
}

rotary_status ReadArithmetic(const rotary_embedding_config& from,
                             EmbeddingConfig* config, rotary_error* error) {
  if (from.arithmetic < ROTARY_EXACT ||
      from.arithmetic > ROTARY_COMPATIBLE_GGML) {
    return FailArgument(error, "arithmetic", from.arithmetic,
                        "must be ROTARY_EXACT, COMPATIBLE_HF or _GGML");
  }
  config->arithmetic = static_cast<Arithmetic>(from.arithmetic);
  config->row_dtype = kF32;
  if (from.row_dtype != 0 && !ReadDtype(from.row_dtype, &config->row_dtype)) {
    return FailArgument(error, "row_dtype", from.row_dtype,
                        "must be ROTARY_F32, F16 or BF16");
  }
  if (config->row_dtype != kF32 && config->arithmetic != Arithmetic::kHf) {
    return FailArgument(error, "row_dtype", from.row_dtype,
                        "must be ROTARY_F32 unless arithmetic is "
                        "ROTARY_COMPATIBLE_HF");
  }
  if (from.xpos < ROTARY_XPOS_NONE || from.xpos > ROTARY_XPOS_KEY) {
    return FailArgument(error, "xpos", from.xpos,
                        "must be ROTARY_XPOS_NONE, QUERY or KEY");
  }
  if (from.reserved2 != 0) {
    return FailArgument(error, "reserved2", from.reserved2, "must be 0");
  }
  config->xpos = static_cast<Xpos>(from.xpos);
  config->xpos_scale_base = from.xpos_scale_base;
  config->xpos_center = from.xpos_center;
  if (config->xpos == Xpos::kNone) return ROTARY_OK;
  if (!(from.xpos_scale_base > 0.0 && isfinite(from.xpos_scale_base))) {
    return FailReal(error, "xpos_scale_base", from.xpos_scale_base,
                    "must be positive and finite");
  }
  if (!(fabs(from.xpos_center) <= 0x1p31)) {
    return FailReal(error, "xpos_center", from.xpos_center,
                    "must be within +-2^31");
  }
  if (config->axes.count > 1 || config->heads > 1 ||
      config->arithmetic != Arithmetic::kExact) {
    return FailArgument(error, "xpos", from.xpos,
                        "must be ROTARY_XPOS_NONE unless the arithmetic is "
                        "exact, with one axis, the same for all heads");
  }
  return ROTARY_OK;
}

rotary_status CheckArithmetic(const EmbeddingConfig& config,
                              rotary_error* error) {
  if (config.arithmetic == Arithmetic::kHf && SumsAxes(config)) {
    return FailArgument(error, "arithmetic", ROTARY_COMPATIBLE_HF,
                        "is not known where angles are summed over axes");
  }
  if (config.arithmetic != Arithmetic::kGgml) return ROTARY_OK;
  const char* reason = nullptr;
  if (config.given()) {
    reason = "multiplies a base: inv_freq must be NULL";
  } else if (config.heads > 1 || !IsSequential(config.axes.layout)) {
    reason = "knows no heads, and no such axes.layout";
  } else if (config.model.scaling != Scaling::kDefault &&
             config.model.scaling != Scaling::kGgml) {
    reason = "needs ROTARY_SCALING_DEFAULT or GGML";
  }
  if (reason == nullptr) return ROTARY_OK;
  return FailArgument(error, "arithmetic", ROTARY_COMPATIBLE_GGML, reason);
}

}  // namespace rotary
