// inv_freq of an embedding made from a base, against MPFR.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "tests/support/objects.h"
#include "tests/support/truth.h"

namespace rotary_test {

TEST_CASE("inv_freq: from a base, within 1 ulp") {
  // base^(-2 i / rotary_dim) in f64, the exponent as exact as the rest.
  Mp truth;
  Mp exponent;
  for (const double base : {10000.0, 500000.0, 1e6, 150000.0, 100.0, 0.5}) {
    for (const int64_t rotary_dim : {2, 20, 64, 96, 128}) {
      CAPTURE(base);
      CAPTURE(rotary_dim);
      const Embedding embedding = MakeEmbedding(rotary_dim, base);
      const std::vector<double> inv_freq = InvFreq(embedding.get());
      double worst = 0;
      for (size_t i = 0; i < inv_freq.size(); ++i) {
        mpfr_set_si(exponent.get(), -2 * static_cast<int64_t>(i), MPFR_RNDN);
        mpfr_div_si(exponent.get(), exponent.get(), rotary_dim, MPFR_RNDN);
        mpfr_set_d(truth.get(), base, MPFR_RNDN);
        mpfr_pow(truth.get(), truth.get(), exponent.get(), MPFR_RNDN);
        const int ulp = static_cast<int>(mpfr_get_exp(truth.get())) - 53;
        mpfr_sub_d(truth.get(), truth.get(), inv_freq[i], MPFR_RNDN);
        const double error = mpfr_get_d(truth.get(), MPFR_RNDN);
        worst = std::max(worst, std::fabs(std::ldexp(error, -ulp)));
      }
      CHECK_LE(worst, 1.0);
    }
  }
}

}  // namespace rotary_test
