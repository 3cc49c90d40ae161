// Rows in the arithmetic of HF transformers: every step in f32, as written out
// here, the cos and sin rounded once from f64.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "tests/rows/row_check.h"
#include "tests/support/element.h"
#include "tests/support/random.h"

namespace rotary_test {
namespace {

// A model, and how its rows are made.
struct Hf {
  std::vector<double> inv_freq;  // [heads][pairs]
  int64_t heads = 1;
  std::vector<size_t> axis_of = {};  // of each pair; empty: the first
  double gain = 1;
  rotary_dtype row_dtype = ROTARY_F32;
  rotary_mode mode = ROTARY_FORWARD;
};

// The library's cos and sin are f64 within 2^-43, and those of here nearer: the
// nearest f32 of both is the same but where the middle of two is that near,
// once in 2^18 values or so.  Then the product with a gain may be 2 units off,
// and the quotient, which is a product with its f32 inverse, 3.
class HfChecker {
 public:
  explicit HfChecker(const Hf& hf) : hf_(hf) {
    agreement_.dtype = hf.row_dtype;
  }

  // Positions are [axes][tokens].
  template <typename T>
  void Check(const RowValues& rows, const std::vector<T>& positions,
             int64_t tokens) {
    const size_t pairs = static_cast<size_t>(rows.pairs);
    for (int64_t t = 0; t < tokens; ++t) {
      for (size_t k = 0; k < hf_.inv_freq.size(); ++k) {
        const size_t axis = hf_.axis_of.empty() ? 0 : hf_.axis_of[k];
        const T position = positions[axis * static_cast<size_t>(tokens) +
                                     static_cast<size_t>(t)];
        const int64_t row = t * hf_.heads + static_cast<int64_t>(k / pairs);
        Compare(static_cast<float>(position), hf_.inv_freq[k],
                rows.Cos(row)[k % pairs], rows.Sin(row)[k % pairs]);
      }
    }
  }

  void Report() const {
    const bool divides = hf_.mode == ROTARY_INVERSE && hf_.gain != 1;
    CHECK(agreement_.count > 0);
    if (!divides)
      CHECK(agreement_.different <= 1 + agreement_.count / (1 << 18));
    CHECK(agreement_.farthest <= (divides ? 3 : hf_.gain != 1 ? 2 : 1));
  }

 private:
  void Compare(float position, double inv_freq, float cos, float sin) {
    const float angle = position * static_cast<float>(inv_freq);
    agreement_.Add(cos, Factored(std::cos(static_cast<double>(angle))));
    const double s = std::sin(static_cast<double>(angle));
    agreement_.Add(sin, Factored(hf_.mode == ROTARY_INVERSE ? -s : s));
  }

  float Factored(double value) const {
    const auto rounded = static_cast<float>(value);
    const auto gain = static_cast<float>(hf_.gain);
    const float factored = hf_.mode == ROTARY_SHIFT     ? rounded
                           : hf_.mode == ROTARY_INVERSE ? rounded / gain
                                                        : rounded * gain;
    return Widened(hf_.row_dtype,
                   Nearest(hf_.row_dtype, static_cast<double>(factored)));
  }

  const Hf& hf_;
  Agreement agreement_;
};

rotary_embedding_config ConfigOf(const Hf& hf) {
  rotary_embedding_config config =
      MakeConfig(2 * static_cast<int64_t>(hf.inv_freq.size()) / hf.heads);
  config.inv_freq = hf.inv_freq.data();
  config.heads = hf.heads;
  config.gain = hf.gain;
  config.arithmetic = ROTARY_COMPATIBLE_HF;
  config.row_dtype = hf.row_dtype;
  return config;
}

// Those of a base, but for a pair that turns the other way and one that does
// not turn.
std::vector<double> Frequencies(size_t pairs) {
  std::vector<double> inv_freq(pairs);
  for (size_t i = 0; i < pairs; ++i) {
    inv_freq[i] =
        std::pow(10000.0, -static_cast<double>(i) / static_cast<double>(pairs));
  }
  if (pairs > 4) inv_freq[2] = -inv_freq[2], inv_freq[4] = 0;
  return inv_freq;
}

template <typename T>
void CheckRows(const Hf& hf, const std::vector<T>& positions) {
  const Embedding embedding = Create(ConfigOf(hf));
  const auto tokens = static_cast<int64_t>(positions.size());
  const RowValues rows =
      RowsOf(embedding.get(), PositionsOf(positions), tokens, {hf.mode, 0});
  HfChecker checker(hf);
  checker.Check(rows, positions, tokens);
  checker.Report();
}

std::vector<int64_t> WholePositions() {
  std::vector<int64_t> positions = RandomPositions(30, 3);
  // Beyond 2^24 they are rounded, halves to even.
  for (const int64_t position :
       {int64_t{0}, int64_t{1}, int64_t{-1}, int64_t{131071},
        (int64_t{1} << 24) + 1, (int64_t{1} << 24) + 3, -(int64_t{1} << 24) - 1,
        (int64_t{1} << 30) + 33, (int64_t{1} << 31) - 1,
        1 - (int64_t{1} << 31)}) {
    positions.push_back(position);
  }
  return positions;
}

TEST_CASE("HF's arithmetic: modes, gains and types of rows") {
  for (const rotary_dtype dtype : Dtypes()) {
    for (const double gain : {1.0, 1.138629436, 0.1}) {
      for (const rotary_mode mode :
           {ROTARY_FORWARD, ROTARY_INVERSE, ROTARY_SHIFT}) {
        CAPTURE(dtype);
        CAPTURE(gain);
        CAPTURE(mode);
        CheckRows({Frequencies(37), 1, {}, gain, dtype, mode},
                  WholePositions());
      }
    }
  }
}

TEST_CASE("HF's arithmetic: real positions") {
  Random random(5);
  std::vector<double> positions = {0.5,        -0.5,  1.0 / 3,
                                   16777217.0, 1e-30, -1e-45};
  for (int i = 0; i < 20; ++i) {
    positions.push_back(static_cast<double>(random.Float()) *
                        (1.0 + 0x1p-30 * static_cast<double>(i)));
  }
  CheckRows({Frequencies(19)}, positions);
  std::vector<float> singles;
  for (const double position : positions) {
    singles.push_back(static_cast<float>(position));
  }
  CheckRows({Frequencies(19)}, singles);
}

TEST_CASE("HF's arithmetic: inv_freq of f32, of a base, and of heads") {
  Hf hf{Frequencies(24)};
  std::vector<float> singles;
  for (double& inv_freq : hf.inv_freq) {
    singles.push_back(static_cast<float>(inv_freq));
  }
  const std::vector<int64_t> positions = WholePositions();
  const auto tokens = static_cast<int64_t>(positions.size());
  rotary_embedding_config config = ConfigOf(hf);
  config.inv_freq = singles.data();
  config.inv_freq_dtype = ROTARY_F32;
  Embedding embedding = Create(config);
  RowValues rows = RowsOf(embedding.get(), PositionsOf(positions), tokens);
  HfChecker given(hf);
  given.Check(rows, positions, tokens);
  given.Report();

  config.inv_freq = nullptr;
  config.base = 500000;
  embedding = Create(config);
  const Hf of_base{InvFreq(embedding.get())};
  rows = RowsOf(embedding.get(), PositionsOf(positions), tokens);
  HfChecker base(of_base);
  base.Check(rows, positions, tokens);
  base.Report();

  hf.heads = 3;  // of 8 pairs
  CheckRows(hf, positions);
}

TEST_CASE("HF's arithmetic: several axes") {
  // Of 16 pairs: sections; in turns.
  const std::vector<size_t> sections = {0, 0, 0, 0, 0, 0, 1, 1,
                                        1, 1, 1, 2, 2, 2, 2, 2};
  const std::vector<size_t> turns = {0, 1, 2, 0, 1, 2, 0, 1,
                                     2, 0, 1, 2, 0, 1, 2, 0};
  for (const bool in_turns : {false, true}) {
    const Hf hf{
        Frequencies(16), 1, in_turns ? turns : sections, 1.25, ROTARY_BF16,
        ROTARY_FORWARD};
    rotary_axes axes;
    rotary_axes_init(&axes, sizeof(axes));
    axes.num_axes = 3;
    axes.layout = in_turns ? ROTARY_AXES_INTERLEAVED : ROTARY_AXES_SECTIONS;
    axes.sections[0] = 6;
    axes.sections[1] = 5;
    axes.sections[2] = 5;
    rotary_embedding_config config = ConfigOf(hf);
    config.axes = &axes;
    const Embedding embedding = Create(config);
    const std::vector<int64_t> positions = RandomPositions(3 * 23, 17);
    const RowValues rows = RowsOf(embedding.get(), PositionsOf(positions), 23);
    HfChecker checker(hf);
    checker.Check(rows, positions, 23);
    checker.Report();
  }
}

TEST_CASE("HF's arithmetic: tokens without a position") {
  const Hf hf{Frequencies(8)};
  const Embedding embedding = Create(ConfigOf(hf));
  std::vector<int64_t> positions = WholePositions();
  const auto tokens = static_cast<int64_t>(positions.size());
  for (size_t t = 0; t < positions.size(); t += 3) {
    positions[t] = ROTARY_NO_POSITION_I64;
  }
  const RowValues rows =
      RowsOf(embedding.get(), PositionsOf(positions), tokens);
  for (int64_t t = 0; t < tokens; ++t) {
    const int64_t position = positions[static_cast<size_t>(t)];
    for (int64_t i = 0; i < rows.pairs; ++i) {
      const bool turns = position != ROTARY_NO_POSITION_I64;
      const double angle = static_cast<double>(
          static_cast<float>(position) *
          static_cast<float>(hf.inv_freq[static_cast<size_t>(i)]));
      CHECK(rows.Cos(t)[i] ==
            (turns ? static_cast<float>(std::cos(angle)) : 1.0f));
      CHECK(rows.Sin(t)[i] ==
            (turns ? static_cast<float>(std::sin(angle)) : 0.0f));
    }
  }
}

TEST_CASE("HF's arithmetic: wide heads") {
  // Rows that a call makes on its way are made in parts.
  CheckRows({Frequencies(4096), 1, {}, 1.1, ROTARY_F32, ROTARY_FORWARD},
            RandomPositions(11, 23));
}

}  // namespace
}  // namespace rotary_test
