// Rows in the arithmetic of ggml, as ggml_model.cc writes it out.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "tests/rows/ggml_model.h"
#include "tests/rows/row_check.h"
#include "tests/support/random.h"

namespace rotary_test {
namespace {

template <typename T>
void CheckRows(const Ggml& g, const std::vector<T>& positions) {
  const Embedding embedding = EmbeddingOf(g);
  const auto tokens = static_cast<int64_t>(positions.size());
  const RowValues rows =
      RowsOf(embedding.get(), PositionsOf(positions), tokens);
  CompareGgml(g, rows, positions, tokens);
}

std::vector<int64_t> WholePositions() {
  std::vector<int64_t> positions = RandomPositions(20, 3);
  for (const int64_t position :
       {int64_t{0}, int64_t{1}, int64_t{-1}, int64_t{4095}, int64_t{131071},
        (int64_t{1} << 24) + 1, (int64_t{1} << 31) - 1}) {
    positions.push_back(position);
  }
  return positions;
}

std::vector<float> Factors(size_t pairs) {
  std::vector<float> factors(pairs);
  for (size_t i = 0; i < pairs; ++i) {
    factors[i] = 1.0f + 0.37f * static_cast<float>(i);
  }
  return factors;
}

TEST_CASE("ggml's arithmetic: every number of it") {
  for (const double freq_scale : {1.0, 0.25, 1.0 / 3}) {
    for (const double ext_factor : {0.0, 1.0, 0.3}) {
      for (const double attn_factor : {1.0, 0.8}) {
        for (const bool factors : {false, true}) {
          Ggml g;
          g.rotary_dim = 74;
          g.freq_scale = freq_scale;
          g.ext_factor = ext_factor;
          g.attn_factor = attn_factor;
          if (factors) g.freq_factors = Factors(37);
          CAPTURE(freq_scale);
          CAPTURE(ext_factor);
          CAPTURE(attn_factor);
          CAPTURE(factors);
          CheckRows(g, WholePositions());
        }
      }
    }
  }
}

TEST_CASE("ggml's arithmetic: bases and dimensions of frequencies") {
  for (const double base : {500000.0, 150000.1, 2.0}) {
    Ggml g;
    g.base = base;
    CheckRows(g, WholePositions());
    g.n_dims = 40;  // fewer than are rotated
    CheckRows(g, WholePositions());
    g.n_dims = 128;
    g.freq_scale = 0.5;
    CheckRows(g, WholePositions());
  }
}

TEST_CASE("ggml's gain is that of the embedding but for rounding") {
  for (const double freq_scale : {0.25, 1.0 / 32, 0.1}) {
    Ggml g;
    g.freq_scale = freq_scale;
    g.ext_factor = 1;
    g.attn_factor = 0.7;
    const auto scale = static_cast<float>(freq_scale);
    const float gain = static_cast<float>(g.attn_factor) *
                       (1.0f + 0.1f * std::log(1.0f / scale));
    const Embedding embedding = EmbeddingOf(g);
    CHECK(Distance(
              ROTARY_F32, gain,
              static_cast<float>(rotary_embedding_gain(embedding.get()))) <= 2);
  }
}

TEST_CASE("ggml's arithmetic: real positions, and modes") {
  CheckRows(Ggml(), std::vector<double>{0.5, -1.0 / 3, 16777217.0, 1e-30});
  CheckRows(Ggml(), std::vector<float>{0.5f, -0.3f, 123.456f, 0.0f});
  Ggml g;
  g.attn_factor = 1.25;  // whose inverse is exact
  const Embedding embedding = EmbeddingOf(g);
  const std::vector<int64_t> positions = WholePositions();
  const rotary_positions ids = PositionsOf(positions);
  const auto tokens = static_cast<int64_t>(positions.size());
  RowValues rows = RowsOf(embedding.get(), ids, tokens, {ROTARY_SHIFT, 0});
  CompareGgml(Ggml(), rows, positions, tokens);
  rows = RowsOf(embedding.get(), ids, tokens, {ROTARY_INVERSE, 0});
  for (float& sin : rows.sin) sin = -sin;
  g.attn_factor = 0.8;
  CompareGgml(g, rows, positions, tokens);
}

TEST_CASE("ggml's arithmetic: any number of tokens") {
  std::vector<int64_t> all = RandomPositions(20, 29);
  all[4] = all[11] = 0;
  for (size_t count = 1; count <= all.size(); ++count) {
    CheckRows(Ggml(), std::vector<int64_t>(
                          all.begin(),
                          all.begin() + static_cast<std::ptrdiff_t>(count)));
  }
  // Those that are not rotated, between others.
  const Embedding embedding = EmbeddingOf(Ggml());
  const RowValues before = RowsOf(embedding.get(), PositionsOf(all), 20);
  for (const size_t t : {0u, 3u, 8u, 19u}) all[t] = ROTARY_NO_POSITION_I64;
  const RowValues after = RowsOf(embedding.get(), PositionsOf(all), 20);
  for (int64_t t = 0; t < 20; ++t) {
    const bool turns = all[static_cast<size_t>(t)] != ROTARY_NO_POSITION_I64;
    for (int64_t i = 0; i < after.pairs; ++i) {
      CHECK(after.Cos(t)[i] == (turns ? before.Cos(t)[i] : 1.0f));
      CHECK(after.Sin(t)[i] == (turns ? before.Sin(t)[i] : 0.0f));
    }
  }
}

TEST_CASE("ggml's arithmetic: wide heads, which are made in parts") {
  Ggml g;
  g.rotary_dim = 8192;
  CheckRows(g, RandomPositions(3, 31));
  g.freq_factors = Factors(4096);
  g.freq_scale = 0.5;
  g.ext_factor = 1;
  CheckRows(g, RandomPositions(2, 37));
}

// Pairs of the three layouts that ggml has.
void CheckAxes(rotary_axes_layout layout, const std::vector<int64_t>& sections,
               Ggml g) {
  rotary_axes axes;
  rotary_axes_init(&axes, sizeof(axes));
  axes.num_axes = static_cast<int64_t>(sections.size());
  axes.layout = layout;
  std::copy(sections.begin(), sections.end(), axes.sections);
  const Embedding embedding = EmbeddingOf(g, &axes);
  const int64_t tokens = 13;
  const std::vector<int64_t> positions =
      RandomPositions(tokens * axes.num_axes, 41);
  const RowValues rows =
      RowsOf(embedding.get(), PositionsOf(positions), tokens);
  CompareGgml(g, rows, positions, tokens);
}

TEST_CASE("ggml's arithmetic: MROPE, sections that begin again") {
  Ggml g;
  g.rotary_dim = 60;
  for (int64_t i = 0; i < 30; ++i) {
    const int64_t at = i % 13;  // 4, 3, 0 and 6
    g.sources.push_back({at < 4 ? 0u : at < 7 ? 1u : 3u, i});
  }
  CheckAxes(ROTARY_AXES_SECTIONS_GGML, {4, 3, 0, 6}, g);
  g.freq_scale = 0.25;
  g.ext_factor = 1;
  g.freq_factors = Factors(30);
  CheckAxes(ROTARY_AXES_SECTIONS_GGML, {4, 3, 0, 6}, g);
}

TEST_CASE("ggml's arithmetic: IMROPE, axes in turn") {
  Ggml g;
  g.rotary_dim = 60;
  for (int64_t i = 0; i < 30; ++i) {
    const int64_t at = i % 14;  // 5, 4, 4 and 1
    const bool in_turn = at % 3 == 0 ? at < 15 : at < 12;
    g.sources.push_back({in_turn ? static_cast<size_t>(at % 3) : 3u, i});
  }
  CheckAxes(ROTARY_AXES_INTERLEAVED_GGML, {5, 4, 4, 1}, g);
}

TEST_CASE("ggml's arithmetic: VISION, frequencies that begin again") {
  Ggml g;
  g.rotary_dim = 48;
  g.n_dims = 24;
  for (int64_t i = 0; i < 24; ++i) {
    g.sources.push_back({i < 12 ? 0u : 1u, i % 12});
  }
  CheckAxes(ROTARY_AXES_BLOCKS, {12, 12}, g);
  g.freq_factors = Factors(24);
  CheckAxes(ROTARY_AXES_BLOCKS, {12, 12}, g);
}

TEST_CASE("ggml's arithmetic: blocks whose dimensions follow their size") {
  Ggml g;
  g.rotary_dim = 48;
  g.axis_dims = {16, 2, 32};
  for (int64_t i = 0; i < 24; ++i) {
    g.sources.push_back({i < 8 ? 0u : 2u, i < 8 ? i : i - 8});
  }
  CheckAxes(ROTARY_AXES_BLOCKS, {8, 0, 16}, g);
}

}  // namespace
}  // namespace rotary_test
