// Every layout of axes: the matrix of frequencies against plain loops, and rows
// of random positions against MPFR.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/rows/axes_case.h"
#include "tests/rows/axis_rows.h"
#include "tests/support/effort.h"

namespace rotary_test {
namespace {

constexpr double kPi = 3.14159265358979323846;

// Some sections that add up to `pairs`, zeros among them.
std::vector<int64_t> RandomSections(Random* random, int64_t axes,
                                    int64_t pairs) {
  std::vector<int64_t> cuts = {0, pairs};
  for (int64_t a = 1; a < axes; ++a) {
    cuts.push_back(random->Integer(0, 3) == 0 ? random->Choose(cuts)
                                              : random->Integer(0, pairs));
  }
  std::sort(cuts.begin(), cuts.end());
  std::vector<int64_t> sections;
  for (size_t a = 1; a < cuts.size(); ++a) {
    sections.push_back(cuts[a] - cuts[a - 1]);
  }
  return sections;
}

struct Sizes {
  int64_t axes;
  int64_t pairs;
  int64_t heads;
};

// What a layout can have.
Sizes RandomSizes(Random* random, rotary_axes_layout layout) {
  Sizes sizes = {random->Integer(1, 8), random->Integer(1, 40),
                 random->Choose<int64_t>({1, 1, 1, 2, 3})};
  if (layout == ROTARY_AXES_INTERLEAVED_GGML) sizes.axes = 4;
  if (layout == ROTARY_AXES_ALTERNATING_LAST) sizes.axes = 3;
  if (layout == ROTARY_AXES_STRIDED) {
    sizes.pairs = sizes.axes * random->Integer(1, 9);
  }
  // Each has a pair at least.
  if (layout == ROTARY_AXES_ALTERNATING) {
    sizes.pairs = std::max(sizes.pairs, sizes.axes);
  }
  return sizes;
}

std::vector<int64_t> SectionsFor(Random* random, rotary_axes_layout layout,
                                 const Sizes& sizes) {
  int64_t sum = sizes.pairs * sizes.heads;
  const bool repeats = layout == ROTARY_AXES_SECTIONS_GGML ||
                       layout == ROTARY_AXES_INTERLEAVED_GGML;
  if (repeats && random->Integer(0, 1) == 1) {
    sum = random->Integer(1, 2 * sum);
  }
  return RandomSections(random, sizes.axes, sum);
}

// NTK-aware frequencies need more than one in each axis.
bool NtkFits(const AxesCase& of) {
  if (of.config.freq_dim != 0) return of.config.freq_dim > 2;
  const int64_t all = of.config.heads * of.config.rotary_dim / 2;
  if (of.axes.layout == ROTARY_AXES_ALTERNATING) {
    return all / of.axes.num_axes > 1;
  }
  if (of.axes.layout != ROTARY_AXES_BLOCKS) return all > 1;
  return std::count(of.axes.sections, of.axes.sections + of.axes.num_axes, 1) ==
         0;
}

std::vector<double> RandomPositionsOf(Random* random, rotary_dtype dtype,
                                      int64_t axes, int64_t count) {
  std::vector<double> positions;
  for (int64_t i = 0; i < axes * count; ++i) {
    positions.push_back(Representable(dtype, RandomReal(random, 31)));
    if (random->Integer(0, 9 * axes) == 0) positions.back() = kNone;
  }
  return positions;
}

// Of an embedding whose inv_freq are small enough for positions of any size.
void CheckRows(const rotary_embedding* embedding, rotary_dtype dtype,
               int64_t count, uint64_t seed, ErrorCount* errors) {
  Random random(seed);
  const std::vector<double> positions = RandomPositionsOf(
      &random, dtype, rotary_embedding_axes(embedding), count);
  const PositionData data(dtype, positions);
  const rotary_mode mode = random.Choose<rotary_mode>(
      {ROTARY_FORWARD, ROTARY_FORWARD, ROTARY_INVERSE, ROTARY_SHIFT});
  const RowValues values =
      RowsOnAllTargets(embedding, PositionsOf(data), 1, count, mode);
  AddErrors(embedding, positions, values, errors, mode);
}

void CheckCase(const AxesCase& of, ErrorCount* errors) {
  const Embedding embedding = CheckMatrix(of);
  const uint64_t seed = static_cast<uint64_t>(of.config.rotary_dim);
  CheckRows(embedding.get(), ROTARY_I32, 5, seed, errors);
  CheckRows(embedding.get(), ROTARY_F64, 5, seed + 1, errors);
  CHECK_EQ(errors->violations(), 0);
}

}  // namespace

TEST_CASE("axes: every layout by plain loops, of random sections") {
  const std::vector<rotary_scaling_kind> kinds = {
      ROTARY_SCALING_DEFAULT,   ROTARY_SCALING_LINEAR,
      ROTARY_SCALING_NTK,       ROTARY_SCALING_DYNAMIC_NTK,
      ROTARY_SCALING_NTK_MIXED, ROTARY_SCALING_YARN,
      ROTARY_SCALING_LONGROPE,  ROTARY_SCALING_LLAMA3,
      ROTARY_SCALING_GGML,      ROTARY_SCALING_PROPORTIONAL,
      ROTARY_SCALING_GEOMETRIC, ROTARY_SCALING_LINSPACE};
  Random random(1);
  ErrorCount errors;
  for (rotary_axes_layout layout = 1; layout <= kLastLayout; ++layout) {
    CAPTURE(layout);
    for (int n = 0; n < Effort(150, 3000); ++n) {
      CAPTURE(n);
      const Sizes sizes = RandomSizes(&random, layout);
      AxesCase of(layout, 2 * sizes.pairs, SectionsFor(&random, layout, sizes),
                  random.Choose<double>({100, 256, 10000, 1e6}));
      of.config.heads = sizes.heads;
      of.config.freq_dim =
          random.Choose<int64_t>({0, 0, 2 * sizes.pairs, 3, 64});
      rotary_scaling_kind kind = random.Choose(kinds);
      const bool ntk =
          kind == ROTARY_SCALING_NTK || kind == ROTARY_SCALING_DYNAMIC_NTK;
      if (ntk && !NtkFits(of)) {
        kind = ROTARY_SCALING_LINEAR;
      }
      CAPTURE(kind);
      of.SetScaling(kind);
      // A ramp from pair 0 on, whatever the sizes: it never lies outside.
      of.scaling.original_length = 64;
      if (kind == ROTARY_SCALING_GGML) {
        of.scaling.extrapolation_factor = random.Choose<double>({0, 0.5, 1});
      }
      const size_t all = static_cast<size_t>(sizes.pairs * sizes.heads);
      std::vector<double> divisors;
      for (size_t i = 0; i < all; ++i) {
        divisors.push_back(1 + 0.5 * static_cast<double>(i % 5));
      }
      of.scaling.short_factors = divisors.data();
      of.scaling.long_factors = divisors.data();
      of.scaling.length = kind == ROTARY_SCALING_DYNAMIC_NTK ? 100 : 0;
      if (random.Integer(0, 2) == 0) {
        for (size_t i = 0; i < all; ++i) {
          of.factors.push_back(1 + 0.25 * static_cast<double>(i % 7));
        }
      }
      const Embedding embedding = CheckMatrix(of);
      if (n % 5 != 0) continue;
      CheckRows(embedding.get(), random.Choose(PositionDtypes()), 3,
                static_cast<uint64_t>(n), &errors);
      CHECK_EQ(errors.violations(), 0);
    }
  }
  CHECK_GT(errors.count(), 10000);
}

TEST_CASE("axes: embeddings for other lengths have the same axes") {
  for (const rotary_axes_layout layout :
       {ROTARY_AXES_SECTIONS, ROTARY_AXES_BLOCKS, ROTARY_AXES_ALTERNATING}) {
    CAPTURE(layout);
    AxesCase of(layout, 20, {6, 9, 5});
    of.config.heads = 2;
    of.SetScaling(ROTARY_SCALING_DYNAMIC_NTK);
    Embedding embedding = of.Make();
    of.scaling.length = 3.0 * of.scaling.original_length;
    const Embedding expected = CheckMatrix(of);
    rotary_embedding* other = nullptr;
    rotary_error error;
    RequireOk(rotary_embedding_for_length(embedding.get(), of.scaling.length,
                                          &other, &error),
              error);
    REQUIRE(other != embedding.get());
    const Embedding owner(other);
    // It has all that it needs.
    embedding.reset();
    CHECK(Matrix(other) == Matrix(expected.get()));
    const PositionData data(ROTARY_I32, {1, 20, -300});
    const rotary_positions ids = PositionsOf(data);
    CHECK(RowsOnAllTargets(other, ids, 1, 1) ==
          RowsOnAllTargets(expected.get(), ids, 1, 1));
  }
}

TEST_CASE("axes: frequencies that are given keep their pairs") {
  Random random(2);
  for (rotary_axes_layout layout = 1; layout <= kLastLayout; ++layout) {
    CAPTURE(layout);
    for (int n = 0; n < 20; ++n) {
      const Sizes sizes = RandomSizes(&random, layout);
      AxesCase of(layout, 2 * sizes.pairs, SectionsFor(&random, layout, sizes));
      of.config.heads = sizes.heads;
      for (int64_t i = 0; i < sizes.pairs * sizes.heads; ++i) {
        of.inv_freq.push_back(
            random.Integer(0, 5) == 0 ? 0.0 : RandomReal(&random, 3));
      }
      CheckMatrix(of);
    }
  }
}

TEST_CASE("axes: language models") {
  ErrorCount errors;
  CheckCase(AxesCase(ROTARY_AXES_SECTIONS, 128, {16, 24, 24}, 1e6), &errors);
  CheckCase(AxesCase(ROTARY_AXES_INTERLEAVED, 128, {24, 20, 20}, 5e6), &errors);
  CheckCase(AxesCase(ROTARY_AXES_INTERLEAVED, 64, {11, 11, 10}, 1e7), &errors);
  CheckCase(AxesCase(ROTARY_AXES_INTERLEAVED_GGML, 128, {24, 20, 20, 0}, 5e6),
            &errors);
  CheckCase(AxesCase(ROTARY_AXES_SECTIONS_GGML, 128, {16, 24, 24, 0}, 1e6),
            &errors);
  CheckCase(AxesCase(ROTARY_AXES_ALTERNATING_LAST, 128, {20, 22, 22}, 5e5),
            &errors);
  // Pairs 61 and 62 are of the first axis in HF transformers, of the fourth in
  // ggml.
  const Embedding hf =
      AxesCase(ROTARY_AXES_INTERLEAVED, 128, {24, 20, 20}).Make();
  const Embedding ggml =
      AxesCase(ROTARY_AXES_INTERLEAVED_GGML, 128, {24, 20, 20, 0}).Make();
  const std::vector<double> hf_matrix = Matrix(hf.get());
  const std::vector<double> ggml_matrix = Matrix(ggml.get());
  for (const size_t pair : {61u, 62u}) {
    CHECK_GT(hf_matrix[pair], 0.0);
    CHECK_EQ(ggml_matrix[pair], 0.0);
    CHECK_EQ(ggml_matrix[3 * 64 + pair], hf_matrix[pair]);
  }
}

TEST_CASE("axes: vision, images and video") {
  ErrorCount errors;
  // Flux, HunyuanVideo, Wan of 128, Qwen-VL's vision of 80, SAM 2, Llama 4.
  CheckCase(AxesCase(ROTARY_AXES_BLOCKS, 128, {8, 28, 28}), &errors);
  CheckCase(AxesCase(ROTARY_AXES_BLOCKS, 128, {8, 28, 28}, 256), &errors);
  CheckCase(AxesCase(ROTARY_AXES_BLOCKS, 128,
                     {(128 - 4 * (128 / 6)) / 2, 128 / 6, 128 / 6}),
            &errors);
  CheckCase(AxesCase(ROTARY_AXES_BLOCKS, 80, {20, 20}), &errors);
  CheckCase(AxesCase(ROTARY_AXES_BLOCKS, 256, {64, 64}), &errors);
  // Pixtral, Kimi.
  CheckCase(AxesCase(ROTARY_AXES_STRIDED, 64, {0, 0}), &errors);
  CheckCase(AxesCase(ROTARY_AXES_ALTERNATING, 72, {0, 0}), &errors);
  // ggml's vision.
  AxesCase ggml(ROTARY_AXES_BLOCKS, 80, {20, 20});
  ggml.SetScaling(ROTARY_SCALING_GGML);
  ggml.config.freq_dim = 40;
  CheckCase(ggml, &errors);
  AxesCase dino(ROTARY_AXES_BLOCKS, 64, {16, 16}, 100);
  dino.SetScaling(ROTARY_SCALING_LINEAR);
  dino.scaling.factor = 1 / (2 * kPi);
  CheckCase(dino, &errors);
  AxesCase pixel(ROTARY_AXES_BLOCKS, 64, {16, 16});
  pixel.SetScaling(ROTARY_SCALING_LINSPACE);
  pixel.scaling.first_freq = kPi;
  pixel.scaling.last_freq = kPi * 10 / 2;
  CheckCase(pixel, &errors);
  // LTX-Video: 2048 channels are 3 axes of 341 pairs and one that is left.
  AxesCase ltx(ROTARY_AXES_ALTERNATING, 64, {0, 0, 0});
  ltx.config.heads = 32;
  ltx.SetScaling(ROTARY_SCALING_GEOMETRIC);
  ltx.scaling.first_freq = kPi / 2;
  ltx.scaling.last_freq = 10000 * kPi / 2;
  const Embedding embedding = CheckMatrix(ltx);
  const std::vector<double> matrix = Matrix(embedding.get());
  for (const size_t axis : {0u, 1u, 2u}) {
    CAPTURE(axis);
    CHECK_EQ(matrix[axis * 32], 0.0);
    CHECK_EQ(matrix[axis * 32 + 1 + axis],
             doctest::Approx(kPi / 2).epsilon(1e-12));
    CHECK_EQ(matrix[(31 * 3 + axis) * 32 + 29 + axis],
             doctest::Approx(10000 * kPi / 2).epsilon(1e-12));
  }
  const std::vector<double> positions = {0, 0.25, -1, 0.5, 1, 0.125};
  const PositionData data(ROTARY_F32, positions);
  AddErrors(embedding.get(), positions,
            RowsOnAllTargets(embedding.get(), PositionsOf(data), 1, 2),
            &errors);
  CHECK_EQ(errors.violations(), 0);
}

}  // namespace rotary_test
