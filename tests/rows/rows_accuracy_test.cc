// Rows against MPFR: random positions of every size, boundaries of digits,
// positions near zeros of cos and sin, gains and modes, unusual inv_freq.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tests/rows/axis_rows.h"
#include "tests/rows/true_row.h"
#include "tests/support/effort.h"
#include "tests/support/objects.h"
#include "tests/support/random.h"

namespace rotary_test {
namespace {

constexpr int64_t kLargest = 2147483647;

std::vector<int64_t> BoundaryPositions() {
  return {0,       1,        -1,        255,           256,     257,
          65535,   65536,    65537,     (1 << 24) - 1, 1 << 24, (1 << 24) + 1,
          1 << 30, kLargest, -kLargest, -256,          -65536,  -(1 << 24)};
}

// The truth that a mode promises: factor * cos and factor * sin.
struct Factors {
  rotary_mode mode;
  double gain;
  bool divides;  // by the gain, and the angle is negated

  double Scale() const {
    return mode == ROTARY_SHIFT ? 1.0 : divides ? 1.0 / gain : gain;
  }
  void Apply(Mp* cos, Mp* sin) const {
    for (Mp* value : {cos, sin}) {
      if (mode == ROTARY_SHIFT) continue;
      if (divides) {
        mpfr_div_d(value->get(), value->get(), gain, MPFR_RNDN);
      } else {
        mpfr_mul_d(value->get(), value->get(), gain, MPFR_RNDN);
      }
    }
    if (divides) mpfr_neg(sin->get(), sin->get(), MPFR_RNDN);
  }
};

// Rows of an embedding on every target, which must agree, and their truth.
class Checker {
 public:
  explicit Checker(Embedding embedding, rotary_mode mode = ROTARY_FORWARD)
      : embedding_(std::move(embedding)),
        inv_freq_(InvFreq(embedding_.get())),
        factors_{mode, rotary_embedding_gain(embedding_.get()),
                 mode == ROTARY_INVERSE} {}

  const std::vector<double>& inv_freq() const { return inv_freq_; }

  void SetPositions(const std::vector<int64_t>& positions) {
    positions_ = positions;
    values_ = RowsOnAllTargets(embedding_.get(), MakePositions(positions_), 1,
                               static_cast<int64_t>(positions_.size()),
                               factors_.mode);
  }

  // Compares one pair of one row with the truth.
  void Add(size_t row, size_t pair, ErrorCount* errors) {
    TrueCosSin(positions_[row], inv_freq_[pair], &cos_, &sin_);
    factors_.Apply(&cos_, &sin_);
    const auto r = static_cast<int64_t>(row);
    errors->Add(values_.Cos(r)[pair], cos_, factors_.Scale());
    errors->Add(values_.Sin(r)[pair], sin_, factors_.Scale());
  }

  // The same for some pairs of every row.
  void AddAll(int64_t pairs_of_row, uint64_t seed, ErrorCount* errors) {
    Random random(seed);
    const auto pairs = static_cast<int64_t>(inv_freq_.size());
    for (size_t row = 0; row < positions_.size(); ++row) {
      for (int64_t i = 0; i < std::min(pairs, pairs_of_row); ++i) {
        const int64_t pair =
            pairs <= pairs_of_row ? i : random.Integer(0, pairs - 1);
        Add(row, static_cast<size_t>(pair), errors);
      }
    }
  }

 private:
  Embedding embedding_;
  std::vector<double> inv_freq_;
  Factors factors_;
  std::vector<int64_t> positions_;
  RowValues values_;
  Mp cos_;
  Mp sin_;
};

void Report(const std::string& what, const ErrorCount& errors) {
  MESSAGE(what << ": " << errors.count() << " values, worst "
               << errors.worst_ulps() << " ulp and " << errors.worst_absolute()
               << " of 2^-50, " << errors.misrounded() << " misrounded");
}

}  // namespace

TEST_CASE("rows: random positions of every size, and boundaries") {
  ErrorCount errors;
  for (const double base : {10000.0, 500000.0, 1e6, 150000.0, 100.0}) {
    for (const int64_t rotary_dim : {64, 128, 20, 2}) {
      CAPTURE(base);
      CAPTURE(rotary_dim);
      Checker checker(MakeEmbedding(rotary_dim, base));
      checker.SetPositions(RandomPositions(Effort<int64_t>(150, 20000),
                                           static_cast<uint64_t>(rotary_dim)));
      checker.AddAll(8, 1, &errors);
      checker.SetPositions(BoundaryPositions());
      checker.AddAll(rotary_dim, 2, &errors);
      CHECK_EQ(errors.violations(), 0);
    }
  }
  Report("random positions", errors);
  // The f64 before the last rounding is good to some 2^-51, so that rounding
  // goes wrong once in some 2^26 values.
  CHECK_EQ(errors.misrounded(), 0);
  CHECK_LE(errors.worst_ulps(), 0.5000001);
}

TEST_CASE("rows: all small positions") {
  Checker checker(MakeEmbedding(128));
  std::vector<int64_t> positions;
  for (int64_t p = 0; p <= 4096; ++p) positions.push_back(p);
  checker.SetPositions(positions);
  ErrorCount errors;
  for (const size_t pair : {0u, 1u, 19u, 63u}) {
    for (size_t row = 0; row < positions.size(); row += Effort<size_t>(2, 1)) {
      checker.Add(row, pair, &errors);
    }
  }
  Report("small positions", errors);
  CHECK_EQ(errors.violations(), 0);
  CHECK_EQ(errors.misrounded(), 0);
}

TEST_CASE("rows: positions near zeros of cos and sin") {
  ErrorCount errors;
  bool found_known = false;
  for (const double base : {10000.0, 500000.0, 1e6, 150000.0, 100.0}) {
    Checker checker(MakeEmbedding(128, base));
    for (size_t pair = 0; pair < checker.inv_freq().size(); ++pair) {
      if (base != 10000.0 && pair % Effort<size_t>(4, 1) != 0) continue;
      CAPTURE(base);
      CAPTURE(pair);
      const std::vector<int64_t> positions =
          PositionsNearZeros(checker.inv_freq()[pair]);
      checker.SetPositions(positions);
      for (size_t row = 0; row < positions.size(); ++row) {
        checker.Add(row, pair, &errors);
        // cos is 6.2e-12 here.
        found_known = found_known || (base == 10000.0 && pair == 10 &&
                                      positions[row] == 1321034308);
      }
      CHECK_EQ(errors.violations(), 0);
    }
  }
  Report("near zeros", errors);
  CHECK(found_known);
  // Some value is so small that the absolute term of the bound rules.
  CHECK_GT(errors.worst_absolute(), 0.0);
}

TEST_CASE("rows: gains, inverse and shift") {
  // The last ones are the limits: rows are subnormal there, or nearly overflow.
  for (const double gain :
       {1.0, 1.138629436, 0.5, 3.0e-3, 700.0, 0x1p-126, 0x1p126}) {
    for (const rotary_mode mode :
         {ROTARY_FORWARD, ROTARY_INVERSE, ROTARY_SHIFT}) {
      CAPTURE(gain);
      CAPTURE(mode);
      Checker checker(MakeEmbedding(20, 10000, gain), mode);
      ErrorCount errors;
      checker.SetPositions(RandomPositions(Effort<int64_t>(100, 5000), 5));
      checker.AddAll(4, 6, &errors);
      CHECK_EQ(errors.misrounded(), 0);
      checker.SetPositions(PositionsNearZeros(checker.inv_freq()[3]));
      checker.AddAll(10, 7, &errors);
      CHECK_EQ(errors.violations(), 0);
    }
  }
}

TEST_CASE("rows: any finite inv_freq") {
  const std::vector<double> inv_freq = {
      0.0,  -0.0,   1.0,        -1.0,   -0.037,
      31.4, 1e5,    -12345.678, 1e-12,  1e-17,
      0.25, 6.2832, 1e-300,     5e-324, 3.1415926535897931,
      1e10, 1e15,   -1e22};
  Checker checker(MakeEmbedding(inv_freq));
  REQUIRE(checker.inv_freq() == inv_freq);
  ErrorCount errors;
  checker.SetPositions(RandomPositions(Effort<int64_t>(200, 5000), 8));
  checker.AddAll(18, 9, &errors);
  checker.SetPositions(BoundaryPositions());
  checker.AddAll(18, 10, &errors);
  CHECK_EQ(errors.violations(), 0);
  for (size_t pair = 2; pair < 8; ++pair) {
    CAPTURE(pair);
    const std::vector<int64_t> positions = PositionsNearZeros(inv_freq[pair]);
    checker.SetPositions(positions);
    for (size_t row = 0; row < positions.size(); ++row) {
      checker.Add(row, pair, &errors);
    }
    CHECK_EQ(errors.violations(), 0);
  }
  Report("any inv_freq", errors);
}

TEST_CASE("rows: the largest inv_freq") {
  // Finite times 2^31.
  Checker checker(MakeEmbedding({1e290, 8e298, -8.3e298}));
  ErrorCount errors;
  checker.SetPositions(RandomPositions(50, 11));
  checker.AddAll(3, 12, &errors);
  CHECK_EQ(errors.violations(), 0);
}

TEST_CASE("rows: inv_freq of f32") {
  const std::vector<float> inv_freq = {1.0f, 0.1f, 1.0f / 3.0f, -2e-5f, 0.0f};
  rotary_embedding_config config;
  rotary_embedding_config_init(&config, sizeof(config));
  config.rotary_dim = 10;
  config.inv_freq = inv_freq.data();
  config.inv_freq_dtype = ROTARY_F32;
  rotary_embedding* embedding = nullptr;
  rotary_error error;
  RequireOk(rotary_embedding_create(&config, &embedding, &error), error);
  Checker checker{Embedding(embedding)};
  for (size_t i = 0; i < inv_freq.size(); ++i) {
    CHECK_EQ(checker.inv_freq()[i], static_cast<double>(inv_freq[i]));
  }
  ErrorCount errors;
  checker.SetPositions(RandomPositions(200, 13));
  checker.AddAll(5, 14, &errors);
  CHECK_EQ(errors.violations(), 0);
  CHECK_EQ(errors.misrounded(), 0);
}

}  // namespace rotary_test
