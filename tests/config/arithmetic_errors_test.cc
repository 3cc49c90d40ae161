// What is wrong with a config's arithmetic, xPos and heads.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

#include "tests/config/refused_config.h"
#include "tests/rows/row_check.h"

namespace rotary_test {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

void CheckAccepted(const rotary_embedding_config& config) {
  size_t bytes = 0;
  rotary_error error;
  RequireOk(rotary_embedding_bytes_needed(&config, &bytes, &error), error);
  const Embedding embedding = Create(config);
  CHECK(rotary_embedding_bytes(embedding.get()) == bytes);
}

void CheckField(rotary_embedding_config config, const char* name,
                int32_t rotary_embedding_config::*field,
                const std::vector<int32_t>& legal,
                const std::vector<int32_t>& illegal) {
  for (const int32_t value : legal) {
    config.*field = value;
    CheckAccepted(config);
  }
  for (const int32_t value : illegal) {
    config.*field = value;
    CheckConfigRefused(config, {name, value});
  }
}

TEST_CASE("arithmetic, row_dtype, xpos and reserved2 have few values") {
  const std::vector<int32_t> none = {-1, 3, 77, INT32_MAX, INT32_MIN};
  CheckField(MakeConfig(8), "arithmetic", &rotary_embedding_config::arithmetic,
             {ROTARY_EXACT, ROTARY_COMPATIBLE_HF, ROTARY_COMPATIBLE_GGML},
             none);
  CheckField(MakeConfig(8), "xpos", &rotary_embedding_config::xpos,
             {ROTARY_XPOS_NONE, ROTARY_XPOS_QUERY, ROTARY_XPOS_KEY}, none);
  CheckField(MakeConfig(8), "reserved2", &rotary_embedding_config::reserved2,
             {0}, {1, -1, INT32_MAX, INT32_MIN});
  rotary_embedding_config config = MakeConfig(8);
  config.arithmetic = ROTARY_COMPATIBLE_HF;
  // 0 is that of a struct that had no such field.
  CheckField(config, "row_dtype", &rotary_embedding_config::row_dtype,
             {0, ROTARY_F32, ROTARY_F16, ROTARY_BF16},
             {-1, ROTARY_F64, 5, ROTARY_I32, ROTARY_U64, INT32_MIN});
}

TEST_CASE("row_dtype is HF's alone") {
  for (const rotary_arithmetic arithmetic :
       {ROTARY_EXACT, ROTARY_COMPATIBLE_GGML}) {
    rotary_embedding_config config = MakeConfig(8);
    config.arithmetic = arithmetic;
    CheckField(config, "row_dtype", &rotary_embedding_config::row_dtype,
               {0, ROTARY_F32}, {ROTARY_F16, ROTARY_BF16});
  }
}

TEST_CASE("xPos needs a scale_base and a center") {
  for (const rotary_xpos role : {ROTARY_XPOS_QUERY, ROTARY_XPOS_KEY}) {
    rotary_embedding_config config = MakeConfig(8);
    config.xpos = role;
    for (const double value :
         {0.0, -0.0, -512.0, kInfinity, -kInfinity, std::nan("")}) {
      config.xpos_scale_base = value;
      CheckConfigRefused(config, WrongReal("xpos_scale_base", value));
    }
    for (const double value : {1e-3, 0.5, 512.0, 1e300}) {
      config.xpos_scale_base = value;
      CheckAccepted(config);
    }
    config.xpos_scale_base = 512;
    for (const double value :
         {kInfinity, -kInfinity, std::nan(""), 3e9, -3e9}) {
      config.xpos_center = value;
      CheckConfigRefused(config, WrongReal("xpos_center", value));
    }
    for (const double value : {0.5, -0.0, -70000.0, 0x1p31}) {
      config.xpos_center = value;
      CheckAccepted(config);
    }
  }
  // Without xPos they are not looked at.
  rotary_embedding_config config = MakeConfig(8);
  config.xpos_scale_base = -1;
  config.xpos_center = std::nan("");
  CheckAccepted(config);
}

TEST_CASE("xPos is exact, of one axis, and the same for all heads") {
  rotary_embedding_config config = MakeConfig(8);
  config.xpos = ROTARY_XPOS_KEY;
  for (const rotary_arithmetic arithmetic :
       {ROTARY_COMPATIBLE_HF, ROTARY_COMPATIBLE_GGML}) {
    config.arithmetic = arithmetic;
    CheckConfigRefused(config, {"xpos", ROTARY_XPOS_KEY});
  }
  config.arithmetic = ROTARY_EXACT;
  config.heads = 2;
  CheckConfigRefused(config, {"xpos", ROTARY_XPOS_KEY});
  config.heads = 1;
  rotary_axes axes;
  rotary_axes_init(&axes, sizeof(axes));
  config.axes = &axes;
  CheckAccepted(config);
  axes.num_axes = 2;
  axes.layout = ROTARY_AXES_STRIDED;
  CheckConfigRefused(config, {"xpos", ROTARY_XPOS_KEY});
}

TEST_CASE("heads times rotary_dim are 65536 at most") {
  rotary_embedding_config config = MakeConfig(8);
  for (const int64_t value :
       {int64_t{-1}, int64_t{8193}, kMin64, kMax64, int64_t{1} << 61}) {
    config.heads = value;
    CheckConfigRefused(config, {"heads", value});
  }
  for (const int64_t value : {0, 1, 3, 8192}) {
    config.heads = value;
    CheckAccepted(config);
    const Embedding embedding = Create(config);
    CHECK(rotary_embedding_heads(embedding.get()) == (value == 0 ? 1 : value));
  }
  config = MakeConfig(65536);
  config.heads = 2;
  CheckConfigRefused(config, {"heads", 2});
}

TEST_CASE("HF's arithmetic does not sum angles") {
  const std::vector<double> inv_freq(8, 0.5);
  rotary_axes axes;
  rotary_axes_init(&axes, sizeof(axes));
  rotary_embedding_config config = MakeConfig(8);
  config.axes = &axes;
  config.inv_freq = inv_freq.data();
  config.arithmetic = ROTARY_COMPATIBLE_HF;
  CheckAccepted(config);
  axes.num_axes = 2;
  CheckConfigRefused(config, {"arithmetic", ROTARY_COMPATIBLE_HF});
  config.arithmetic = ROTARY_EXACT;
  CheckAccepted(config);
}

TEST_CASE("ggml's arithmetic multiplies a base") {
  rotary_embedding_config config = MakeConfig(8);
  config.arithmetic = ROTARY_COMPATIBLE_GGML;
  const Wrong wrong = {"arithmetic", ROTARY_COMPATIBLE_GGML};
  config.heads = 2;
  CheckConfigRefused(config, wrong);
  config.heads = 1;
  const std::vector<double> inv_freq(8, 0.5);
  config.inv_freq = inv_freq.data();
  CheckConfigRefused(config, wrong);
  config.inv_freq = nullptr;
  for (rotary_scaling_kind kind = ROTARY_SCALING_DEFAULT;
       kind <= ROTARY_SCALING_LINSPACE; ++kind) {
    const std::vector<float> ones(4, 1.0f);
    rotary_scaling scaling;
    rotary_scaling_init(&scaling, sizeof(scaling), kind);
    scaling.original_length = 4096;
    scaling.first_freq = scaling.last_freq = 1;
    scaling.short_factors = scaling.long_factors = ones.data();
    config.scaling = &scaling;
    CAPTURE(kind);
    if (kind == ROTARY_SCALING_DEFAULT || kind == ROTARY_SCALING_GGML) {
      CheckAccepted(config);
    } else {
      CheckConfigRefused(config, wrong);
    }
  }
  config.scaling = nullptr;
  rotary_axes axes;
  rotary_axes_init(&axes, sizeof(axes));
  axes.num_axes = 2;
  axes.sections[0] = axes.sections[1] = 2;
  config.axes = &axes;
  for (const rotary_axes_layout layout :
       {ROTARY_AXES_SECTIONS, ROTARY_AXES_SECTIONS_GGML,
        ROTARY_AXES_INTERLEAVED, ROTARY_AXES_BLOCKS}) {
    axes.layout = layout;
    CheckAccepted(config);
  }
  for (const rotary_axes_layout layout :
       {ROTARY_AXES_STRIDED, ROTARY_AXES_ALTERNATING}) {
    axes.layout = layout;
    CheckConfigRefused(config, wrong);
  }
}

}  // namespace
}  // namespace rotary_test
