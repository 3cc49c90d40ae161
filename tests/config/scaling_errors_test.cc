// What is wrong with the fields of a scaling, and that those which its kind
// does not use are not looked at.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "tests/config/refused_config.h"
#include "tests/config/valid_call.h"
#include "tests/frequencies/scaled_config.h"
#include "tests/support/objects.h"

namespace rotary_test {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
const double kNan = std::nan("");

// A field and the kinds that use it, by the header.
struct Field {
  std::string name;
  double rotary_scaling::*field;
  std::vector<rotary_scaling_kind> kinds;
  bool may_be_0;
  double most;
};

const std::vector<Field>& Fields() {
  constexpr double kAny = kInfinity;
  static const std::vector<Field> fields = {
      {"factor",
       &rotary_scaling::factor,
       {1, 2, 3, 4, 5, 6, 7, 8, 9, 10},
       false,
       kAny},
      {"original_length",
       &rotary_scaling::original_length,
       {3, 4, 6, 7, 8, 10},
       false,
       kAny},
      {"length", &rotary_scaling::length, {3, 7, 13}, true, kAny},
      {"attention_factor",
       &rotary_scaling::attention_factor,
       {6, 7},
       true,
       kAny},
      {"beta_fast", &rotary_scaling::beta_fast, {6, 10}, false, kAny},
      {"beta_slow", &rotary_scaling::beta_slow, {6, 10}, false, kAny},
      {"extrapolation_factor",
       &rotary_scaling::extrapolation_factor,
       {4, 6, 10},
       true,
       1},
      {"mscale", &rotary_scaling::mscale, {6}, true, kAny},
      {"mscale_all_dim", &rotary_scaling::mscale_all_dim, {6}, true, kAny},
      {"low_freq_factor", &rotary_scaling::low_freq_factor, {8}, false, kAny},
      {"high_freq_factor", &rotary_scaling::high_freq_factor, {8}, false, kAny},
      {"partial_rotary_factor",
       &rotary_scaling::partial_rotary_factor,
       {9},
       true,
       1},
      {"ntk_factor", &rotary_scaling::ntk_factor, {4}, true, 1},
      {"beta_0", &rotary_scaling::beta_0, {4}, false, kAny},
      {"beta_1", &rotary_scaling::beta_1, {4}, false, kAny},
      {"gamma_0", &rotary_scaling::gamma_0, {4}, false, kAny},
      {"gamma_1", &rotary_scaling::gamma_1, {4}, false, kAny},
      {"exponent", &rotary_scaling::exponent, {5}, true, kAny},
      {"first_freq", &rotary_scaling::first_freq, {11, 12}, false, kAny},
      {"last_freq", &rotary_scaling::last_freq, {11, 12}, false, kAny},
      {"pair", &rotary_scaling::pair, {13}, true, kAny}};
  return fields;
}

bool Uses(const Field& field, rotary_scaling_kind kind) {
  for (const rotary_scaling_kind one : field.kinds) {
    if (one == kind) return true;
  }
  return false;
}

TEST_CASE("scaling: every number must be finite and in its range") {
  for (rotary_scaling_kind kind = 0; kind <= kLastScaling; ++kind) {
    CAPTURE(kind);
    for (const Field& field : Fields()) {
      CAPTURE(field.name);
      std::vector<double> wrong = {kNan, kInfinity, -kInfinity, -1, -1e-300};
      if (!field.may_be_0) wrong.insert(wrong.end(), {0.0, -0.0});
      if (field.most == 1) wrong.insert(wrong.end(), {1 + 0x1p-52, 2.0});
      for (const double value : wrong) {
        ScaledConfig scaled(kind, 8);
        if (kind == ROTARY_SCALING_GGML) {
          scaled.scaling.extrapolation_factor = 1;
        }
        const std::vector<double> right = InvFreq(scaled.Make().get());
        scaled.scaling.*field.field = value;
        if (Uses(field, kind)) {
          CheckConfigRefused(scaled.config,
                             WrongReal("scaling." + field.name, value));
        } else {
          CHECK(InvFreq(scaled.Make().get()) == right);
        }
      }
    }
  }
}

TEST_CASE("scaling: ranges include their ends") {
  for (const Field& field : Fields()) {
    CAPTURE(field.name);
    for (const rotary_scaling_kind kind : field.kinds) {
      CAPTURE(kind);
      ScaledConfig scaled(kind, 8);
      if (field.may_be_0) {
        scaled.scaling.*field.field = 0;
        scaled.Make();
      }
      if (field.most == 1) {
        scaled.scaling.*field.field = 1;
        scaled.Make();
      }
    }
  }
}

TEST_CASE("scaling: without a ramp its numbers are not looked at") {
  for (const rotary_scaling_kind kind :
       {ROTARY_SCALING_YARN, ROTARY_SCALING_GGML}) {
    ScaledConfig scaled(kind, 8, 1.0);
    scaled.scaling.extrapolation_factor = 0;
    scaled.scaling.original_length = kNan;
    scaled.scaling.beta_fast = -1;
    scaled.scaling.beta_slow = kInfinity;
    CHECK(InvFreq(scaled.Make().get()) == std::vector<double>(4, 0.25));
  }
}

TEST_CASE("scaling: the larger of two limits must not be the smaller") {
  const struct {
    rotary_scaling_kind kind;
    const char* large_name;
    double rotary_scaling::*large;
    double rotary_scaling::*small;
  } cases[] = {
      {ROTARY_SCALING_YARN, "scaling.beta_fast", &rotary_scaling::beta_fast,
       &rotary_scaling::beta_slow},
      {ROTARY_SCALING_GGML, "scaling.beta_fast", &rotary_scaling::beta_fast,
       &rotary_scaling::beta_slow},
      {ROTARY_SCALING_NTK_BY_PARTS, "scaling.beta_0", &rotary_scaling::beta_0,
       &rotary_scaling::beta_1},
      {ROTARY_SCALING_NTK_BY_PARTS, "scaling.gamma_0", &rotary_scaling::gamma_0,
       &rotary_scaling::gamma_1},
      {ROTARY_SCALING_LLAMA3, "scaling.high_freq_factor",
       &rotary_scaling::high_freq_factor, &rotary_scaling::low_freq_factor}};
  for (const auto& one : cases) {
    ScaledConfig scaled(one.kind, 8);
    scaled.scaling.extrapolation_factor = 1;
    scaled.scaling.*one.large = 3;
    scaled.scaling.*one.small = 3;
    scaled.Make();
    scaled.scaling.*one.large = std::nextafter(3.0, 0.0);
    CheckConfigRefused(scaled.config,
                       WrongReal(one.large_name, std::nextafter(3.0, 0.0)));
  }
}

TEST_CASE("scaling: kind, truncate and reserved") {
  for (const int32_t kind :
       {-1, kLastScaling + 1, 1000, INT32_MAX, INT32_MIN}) {
    ScaledConfig scaled(ROTARY_SCALING_LINEAR);
    scaled.scaling.kind = kind;
    CheckConfigRefused(scaled.config, {"scaling.kind", kind});
  }
  for (rotary_scaling_kind kind = 0; kind <= kLastScaling; ++kind) {
    CAPTURE(kind);
    for (const int32_t value : {2, -1, INT32_MIN}) {
      ScaledConfig scaled(kind, 8);
      scaled.scaling.truncate = value;
      if (kind == ROTARY_SCALING_YARN) {
        CheckConfigRefused(scaled.config, {"scaling.truncate", value});
      } else {
        scaled.Make();
      }
      scaled.scaling.truncate = 1;
      scaled.scaling.reserved = value;
      CheckConfigRefused(scaled.config, {"scaling.reserved", value});
    }
  }
}

}  // namespace
}  // namespace rotary_test
