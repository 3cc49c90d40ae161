#include "lib/config/scaling_config.h"

#include <math.h>
#include <stdio.h>

#include "lib/config/error.h"
#include "lib/config/structs.h"

namespace rotary {
namespace {

// What a number may be: finite, and so much at least and at most.
struct FieldRule {
  const char* name;
  double rotary_scaling::*field;
  double low;
  double high;
  const char* reason;
};

constexpr double kAbove0 = 0x1p-1022;
constexpr double kFinite = 0x1.fffffffffffffp1023;
constexpr char kPositive[] = "must be positive and finite";
constexpr char kNotNegative[] = "must be finite and not negative";
constexpr char kShare[] = "must be 0 to 1";

// In the order of ScalingField.
constexpr FieldRule kRules[kNumScalingFields] = {
    {"scaling.factor", &rotary_scaling::factor, kAbove0, kFinite, kPositive},
    {"scaling.original_length", &rotary_scaling::original_length, kAbove0,
     kFinite, kPositive},
    {"scaling.length", &rotary_scaling::length, 0.0, kFinite, kNotNegative},
    {"scaling.attention_factor", &rotary_scaling::attention_factor, 0.0,
     kFinite, kNotNegative},
    {"scaling.beta_fast", &rotary_scaling::beta_fast, kAbove0, kFinite,
     kPositive},
    {"scaling.beta_slow", &rotary_scaling::beta_slow, kAbove0, kFinite,
     kPositive},
    {"scaling.extrapolation_factor", &rotary_scaling::extrapolation_factor, 0.0,
     1.0, kShare},
    {"scaling.mscale", &rotary_scaling::mscale, 0.0, kFinite, kNotNegative},
    {"scaling.mscale_all_dim", &rotary_scaling::mscale_all_dim, 0.0, kFinite,
     kNotNegative},
    {"scaling.low_freq_factor", &rotary_scaling::low_freq_factor, kAbove0,
     kFinite, kPositive},
    {"scaling.high_freq_factor", &rotary_scaling::high_freq_factor, kAbove0,
     kFinite, kPositive},
    {"scaling.partial_rotary_factor", &rotary_scaling::partial_rotary_factor,
     0.0, 1.0, kShare},
    {"scaling.ntk_factor", &rotary_scaling::ntk_factor, 0.0, 1.0, kShare},
    {"scaling.beta_0", &rotary_scaling::beta_0, kAbove0, kFinite, kPositive},
    {"scaling.beta_1", &rotary_scaling::beta_1, kAbove0, kFinite, kPositive},
    {"scaling.gamma_0", &rotary_scaling::gamma_0, kAbove0, kFinite, kPositive},
    {"scaling.gamma_1", &rotary_scaling::gamma_1, kAbove0, kFinite, kPositive},
    {"scaling.exponent", &rotary_scaling::exponent, 0.0, kFinite, kNotNegative},
    {"scaling.first_freq", &rotary_scaling::first_freq, kAbove0, kFinite,
     kPositive},
    {"scaling.last_freq", &rotary_scaling::last_freq, kAbove0, kFinite,
     kPositive},
    {"scaling.pair", &rotary_scaling::pair, 0.0, kFinite, kNotNegative},
};

// Two of which the first must not be the smaller one.
struct OrderRule {
  ScalingField large;
  ScalingField small;
  bool ramp;  // they are the turns at the ends of a ramp
};
constexpr OrderRule kOrders[] = {{kBetaFast, kBetaSlow, true},
                                 {kBeta0, kBeta1, true},
                                 {kGamma0, kGamma1, true},
                                 {kHighFreqFactor, kLowFreqFactor, false}};

// Whether the pairs that turn so many times are where a ramp can be.
rotary_status CheckRamp(const Model& model, const OrderRule& ends,
                        rotary_error* error) {
  if (!(model.base > 1.0)) {
    return FailReal(error, "base", model.base,
                    "must be more than 1 with the ramps of this scaling");
  }
  const Ramp ramp =
      RampIn(model, model.fields[ends.large], model.fields[ends.small]);
  if (ramp.low < ramp.high) return ROTARY_OK;
  char reason[80];
  if (ramp.low == 0.0) {
    snprintf(reason, sizeof(reason), "no pair turns %s times in it",
             kRules[ends.small].name);
  } else {
    snprintf(reason, sizeof(reason), "every pair turns more than %s times",
             kRules[ends.large].name);
  }
  return FailReal(error, kRules[kOriginalLength].name,
                  model.fields[kOriginalLength], reason);
}

rotary_status ReadFields(const rotary_scaling& from, uint32_t uses,
                         Model* model, rotary_error* error) {
  for (int i = 0; i < kNumScalingFields; ++i) {
    const FieldRule& rule = kRules[i];
    const double value = from.*rule.field;
    model->fields[i] = value;
    if ((uses >> i & 1) == 0) continue;
    // Of NaN neither holds.
    if (!(value >= rule.low && value <= rule.high)) {
      return FailReal(error, rule.name, value, rule.reason);
    }
  }
  for (const OrderRule& rule : kOrders) {
    if ((uses >> rule.large & 1) == 0) continue;
    if (model->fields[rule.large] < model->fields[rule.small]) {
      char reason[80];
      snprintf(reason, sizeof(reason), "must not be less than %s",
               kRules[rule.small].name);
      return FailReal(error, kRules[rule.large].name, model->fields[rule.large],
                      reason);
    }
    if (!rule.ramp) continue;
    if (const rotary_status status = CheckRamp(*model, rule, error)) {
      return status;
    }
  }
  return ROTARY_OK;
}

// What the numbers of a kind must be together.
rotary_status CheckKind(const Model& model, uint32_t traits,
                        rotary_error* error) {
  if ((traits & kNeedsLastPair) != 0 && model.count > 1 &&
      model.freq_dim <= 2) {
    return FailArgument(error, "freq_dim", model.freq_dim,
                        "must be more than 2 with this scaling");
  }
  const double* f = model.fields;
  if (model.scaling == Scaling::kLongRope && f[kAttentionFactor] == 0.0 &&
      f[kFactor] > 1.0 && f[kOriginalLength] <= 1.0) {
    return FailReal(error, kRules[kOriginalLength].name, f[kOriginalLength],
                    "must be more than 1 to make an attention factor of");
  }
  return ROTARY_OK;
}

// Divisors as an argument and in the model, where they are none if the kind
// does not use them.
struct List {
  const char* name;
  const void* rotary_scaling::*field;
  Divisors Model::*divisors;
};
constexpr List kLists[] = {
    {"scaling.factors", &rotary_scaling::factors, &Model::factors},
    {"scaling.short_factors", &rotary_scaling::short_factors,
     &Model::short_factors},
    {"scaling.long_factors", &rotary_scaling::long_factors,
     &Model::long_factors}};

rotary_status ReadLists(const rotary_scaling& from, bool needs_lists,
                        Model* model, rotary_error* error) {
  for (const List& list : kLists) {
    const bool of_any_kind = list.divisors == &Model::factors;
    const void* data = from.*list.field;
    if (!of_any_kind && !needs_lists) continue;
    if (data == nullptr) {
      if (of_any_kind) continue;
      return FailNull(error, list.name);
    }
    const bool f64 = from.factors_dtype == ROTARY_F64;
    if (!f64 && from.factors_dtype != ROTARY_F32) {
      return FailArgument(error, "scaling.factors_dtype", from.factors_dtype,
                          "must be ROTARY_F64 or ROTARY_F32");
    }
    const intptr_t at = reinterpret_cast<intptr_t>(data);
    if (at % (f64 ? 8 : 4) != 0) {
      return FailArgument(error, list.name, at,
                          "must be aligned to its element");
    }
    model->*list.divisors = {data, f64};
  }
  return ROTARY_OK;
}

}  // namespace

rotary_status ReadScaling(const rotary_scaling* scaling, Model* model,
                          rotary_error* error) {
  rotary_scaling copy;
  if (scaling == nullptr) return ROTARY_OK;
  if (const rotary_status status = ReadStruct(
          scaling, "scaling", "scaling.struct_size", &copy, &scaling, error)) {
    return status;
  }
  if (scaling->kind < 0 ||
      scaling->kind >= static_cast<int32_t>(Scaling::kCount)) {
    return FailArgument(error, "scaling.kind", scaling->kind,
                        "must be one of ROTARY_SCALING_*");
  }
  model->scaling = static_cast<Scaling>(scaling->kind);
  const ScalingRule& rule = kScalings[scaling->kind];
  if ((rule.traits & kHasTruncate) != 0) {
    if (scaling->truncate != 0 && scaling->truncate != 1) {
      return FailArgument(error, "scaling.truncate", scaling->truncate,
                          "must be 0 or 1");
    }
    model->truncate = scaling->truncate == 1;
  }
  if (scaling->reserved != 0) {
    return FailArgument(error, "scaling.reserved", scaling->reserved,
                        "must be 0");
  }
  const bool keeps = scaling->extrapolation_factor != 0.0;
  const uint32_t uses = rule.uses | (keeps ? rule.uses_to_keep : 0);
  if (const rotary_status status = ReadFields(*scaling, uses, model, error)) {
    return status;
  }
  if (const rotary_status status = CheckKind(*model, rule.traits, error)) {
    return status;
  }
  return ReadLists(*scaling, (rule.traits & kNeedsLists) != 0, model, error);
}

rotary_status CheckLists(const Model& model, rotary_error* error) {
  for (const List& list : kLists) {
    const Divisors& divisors = model.*list.divisors;
    if (divisors.data == nullptr) continue;
    for (int64_t i = 0; i < model.count; ++i) {
      const double value = divisors[i];
      if (value > 0.0 && isfinite(value)) continue;
      char element[64];
      snprintf(element, sizeof(element), "%s[%lld]", list.name,
               static_cast<long long>(i));
      return FailReal(error, element, value, kPositive);
    }
  }
  return ROTARY_OK;
}

}  // namespace rotary
