#include "lib/rows/table.h"

#include <math.h>

namespace rotary {
namespace {

// cos and sin of factor * inv_freq as if the product were exact.  `rest`, what
// rounding the product lost, turns the result a little further: to second order
// where that is below f64's precision (third order: 2^-20 cubed), else in full.
void ExactCosSin(double factor, double inv_freq, double* cosine, double* sine) {
  const double angle = factor * inv_freq;
  const double rest = fma(factor, inv_freq, -angle);
  const double c = cos(angle);
  const double s = sin(angle);
  if (fabs(rest) < 0x1p-20) {
    const double half_square = 0.5 * rest * rest;
    *cosine = c - (s * rest + c * half_square);
    *sine = s + (c * rest - s * half_square);
  } else {
    const double rest_cos = cos(rest);
    const double rest_sin = sin(rest);
    *cosine = c * rest_cos - s * rest_sin;
    *sine = s * rest_cos + c * rest_sin;
  }
}

}  // namespace

void FillTable(const double* inv_freq, int64_t pairs, double* table) {
  const int64_t padded = PaddedPairs(pairs);
  constexpr int64_t kBase = int64_t{1} << kDigitBits;
  double place = 1.0;
  for (int64_t entry = 0; entry < kTableEntries; ++entry) {
    const int64_t digit = entry % kBase;
    if (entry > 0 && digit == 0) place *= static_cast<double>(kBase);
    double* cosine = table + 2 * padded * entry;
    double* sine = cosine + padded;
    for (int64_t i = 0; i < pairs; ++i) {
      ExactCosSin(static_cast<double>(digit) * place, inv_freq[i], cosine + i,
                  sine + i);
    }
    for (int64_t i = pairs; i < padded; ++i) cosine[i] = sine[i] = 0.0;
  }
}

}  // namespace rotary
