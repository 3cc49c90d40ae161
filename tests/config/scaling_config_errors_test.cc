// What is wrong with a scaling together with the config, with its divisors, and
// with what it makes.
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

constexpr rotary_scaling_kind kRampKinds[] = {
    ROTARY_SCALING_NTK_BY_PARTS, ROTARY_SCALING_YARN, ROTARY_SCALING_GGML};

TEST_CASE("scaling: not together with inv_freq") {
  const std::vector<double> inv_freq(4, 1.0);
  for (rotary_scaling_kind kind = 0; kind <= kLastScaling; ++kind) {
    ScaledConfig scaled(kind, 8);
    scaled.config.inv_freq = inv_freq.data();
    CheckConfigRefused(scaled.config, {"scaling"});
    scaled.config.scaling = nullptr;
    scaled.config.freq_dim = -1;  // unused, as base is
    CHECK(InvFreq(scaled.Make().get()) == inv_freq);
  }
}

TEST_CASE(
    "freq_dim must be 0 to 65536, and leave NTK-aware scaling a last pair") {
  for (rotary_scaling_kind kind = 0; kind <= kLastScaling; ++kind) {
    CAPTURE(kind);
    ScaledConfig scaled(kind, 8);
    for (const int64_t value : {int64_t{-1}, int64_t{65537}, kMin64, kMax64}) {
      scaled.config.freq_dim = value;
      CheckConfigRefused(scaled.config, {"freq_dim", value});
    }
    for (const int64_t value : {3, 7, 65536}) {
      scaled.config.freq_dim = value;
      scaled.Make();
    }
    const bool ntk = kind == ROTARY_SCALING_NTK ||
                     kind == ROTARY_SCALING_DYNAMIC_NTK ||
                     kind == ROTARY_SCALING_NTK_BY_PARTS;
    for (const int64_t value : {1, 2}) {
      scaled.config.freq_dim = value;
      if (ntk) {
        CheckConfigRefused(scaled.config, {"freq_dim", value});
      } else {
        scaled.Make();
      }
      ScaledConfig single(kind, 2);
      single.config.freq_dim = value;
      single.Make();
    }
  }
}

TEST_CASE(
    "scaling: base must be a number, and more than 1 where there are ramps") {
  for (rotary_scaling_kind kind = 0; kind <= kLastScaling; ++kind) {
    CAPTURE(kind);
    for (const double base : {kNan, kInfinity, 0.0, -10000.0}) {
      CheckConfigRefused(ScaledConfig(kind, 8, base).config,
                         WrongReal("base", base));
    }
    bool ramps = false;
    for (const rotary_scaling_kind one : kRampKinds) ramps |= one == kind;
    for (const double base : {1.0, 0.5}) {
      ScaledConfig scaled(kind, 8, base);
      scaled.scaling.extrapolation_factor = 1;
      scaled.scaling.length = 10000;
      if (ramps) {
        CheckConfigRefused(scaled.config, WrongReal("base", base));
      } else {
        CheckScaling(scaled);
      }
    }
  }
}

TEST_CASE("scaling: a ramp must not lie outside of the pairs") {
  for (const rotary_scaling_kind kind : kRampKinds) {
    CAPTURE(kind);
    ScaledConfig scaled(kind, 8);
    scaled.scaling.extrapolation_factor = 1;
    for (const double length : {1e-300, 0.01, 1e30, 1e300}) {
      scaled.scaling.original_length = length;
      CheckConfigRefused(scaled.config,
                         WrongReal("scaling.original_length", length));
    }
    // So near to 1 that all pairs turn as often.
    scaled.config.base = 1 + 0x1p-52;
    scaled.scaling.original_length = 4096;
    CheckConfigRefused(scaled.config,
                       WrongReal("scaling.original_length", 4096));
  }
}

TEST_CASE("LongRoPE: no attention factor of an original length up to 1") {
  ScaledConfig scaled(ROTARY_SCALING_LONGROPE, 8);
  for (const double length : {1.0, 0.5, 1e-300}) {
    scaled.scaling.original_length = length;
    scaled.scaling.attention_factor = 0;
    scaled.scaling.factor = 4;
    CheckConfigRefused(scaled.config,
                       WrongReal("scaling.original_length", length));
    scaled.scaling.factor = 1;
    scaled.Make();
    scaled.scaling.factor = 4;
    scaled.scaling.attention_factor = 1;
    scaled.Make();
  }
}

const void* Address(const void* data, size_t bytes) {
  return static_cast<const char*>(data) + bytes;
}

template <typename T>
void CheckDivisorsRefused(rotary_dtype dtype) {
  for (rotary_scaling_kind kind = 0; kind <= kLastScaling; ++kind) {
    CAPTURE(kind);
    const bool lists = kind == ROTARY_SCALING_LONGROPE;
    const struct {
      const char* name;
      const void* rotary_scaling::*field;
      bool used;
      bool needed;
    } all[] = {
        {"scaling.factors", &rotary_scaling::factors, true, false},
        {"scaling.short_factors", &rotary_scaling::short_factors, lists, lists},
        {"scaling.long_factors", &rotary_scaling::long_factors, lists, lists}};
    const std::vector<T> right(4, T(2));
    for (const auto& one : all) {
      CAPTURE(one.name);
      ScaledConfig scaled(kind, 8);
      scaled.scaling.factors_dtype = dtype;
      if (lists) {
        scaled.scaling.short_factors = right.data();
        scaled.scaling.long_factors = right.data();
      }
      scaled.scaling.*one.field = nullptr;
      if (one.needed) {
        CheckConfigRefused(scaled.config, {one.name});
      } else {
        scaled.Make();
      }
      scaled.scaling.*one.field = Address(right.data(), sizeof(T) / 2);
      if (!one.used) {
        scaled.Make();
        continue;
      }
      CheckConfigRefused(scaled.config, {one.name});
      scaled.scaling.*one.field = right.data();
      scaled.Make();
      for (const double value : {0.0, -0.0, -2.0, kNan, kInfinity}) {
        for (const size_t place : {size_t{0}, size_t{3}}) {
          std::vector<T> wrong = right;
          wrong[place] = static_cast<T>(value);
          scaled.scaling.*one.field = wrong.data();
          CheckCreateRefused(
              scaled.config,
              WrongReal(one.name + ("[" + std::to_string(place) + "]"), value));
        }
      }
    }
  }
}

TEST_CASE("scaling: divisors must be there, aligned, positive and finite") {
  CheckDivisorsRefused<double>(ROTARY_F64);
  CheckDivisorsRefused<float>(ROTARY_F32);
}

TEST_CASE("scaling: divisors have one of two types, if there are any") {
  const std::vector<double> factors(4, 2.0);
  for (rotary_scaling_kind kind = 0; kind <= kLastScaling; ++kind) {
    CAPTURE(kind);
    for (const int32_t value : {0, -1, +ROTARY_F16, +ROTARY_I64, INT32_MAX}) {
      ScaledConfig scaled(kind, 8);
      scaled.scaling.factors_dtype = value;
      if (kind != ROTARY_SCALING_LONGROPE) scaled.Make();
      scaled.scaling.factors = factors.data();
      CheckConfigRefused(scaled.config, {"scaling.factors_dtype", value});
    }
  }
}

TEST_CASE("scaling: what it makes must be finite, the gain in its range") {
  ScaledConfig linear(ROTARY_SCALING_LINEAR, 8);
  linear.scaling.factor = 1e-300;  // times 2^31 beyond f64
  CheckCreateRefused(linear.config, {"scaling"});
  linear.scaling.factor = 1e-290;
  linear.Make();
  ScaledConfig plain(ROTARY_SCALING_DEFAULT, 8);
  plain.factors = {1e-300, 1, 1, 1};
  plain.scaling.factors = plain.factors.data();
  CheckCreateRefused(plain.config, {"scaling"});
  for (const rotary_scaling_kind kind :
       {ROTARY_SCALING_YARN, ROTARY_SCALING_LONGROPE}) {
    ScaledConfig scaled(kind, 8);
    scaled.scaling.attention_factor = 0x1p126;
    scaled.Make();
    scaled.config.gain = 2;
    CheckCreateRefused(scaled.config, WrongReal("scaling", 0x1p127));
    scaled.config.gain = 0x1p-126;
    scaled.Make();
    scaled.scaling.attention_factor = 0.5;
    CheckCreateRefused(scaled.config, WrongReal("scaling", 0x1p-127));
  }
  // 1 + 0.1 ln s is not positive.
  ScaledConfig ggml(ROTARY_SCALING_GGML, 8);
  ggml.scaling.extrapolation_factor = 1;
  ggml.scaling.factor = 1e-5;
  CheckCreateRefused(ggml.config, {"scaling"});
}

}  // namespace
}  // namespace rotary_test
