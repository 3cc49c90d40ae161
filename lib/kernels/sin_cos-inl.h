// cos and sin of any angle in f64, for what the trig table cannot give: angles
// that are no whole number of steps.  The same bits on every target.  Included
// by kernels/*.cc, once per target.

#include <stddef.h>

// Per-target include guard.
#if defined(ROTARY_LIB_KERNELS_SIN_COS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ROTARY_LIB_KERNELS_SIN_COS_INL_H_
#undef ROTARY_LIB_KERNELS_SIN_COS_INL_H_
#else
#define ROTARY_LIB_KERNELS_SIN_COS_INL_H_
#endif

#include "hwy/highway.h"

// Whether the target multiplies and adds with one rounding.
#undef ROTARY_NATIVE_FMA
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON
#define ROTARY_NATIVE_FMA 1
#else
#define ROTARY_NATIVE_FMA 0
#endif

HWY_BEFORE_NAMESPACE();
namespace rotary {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// The unevaluated sum of two numbers, of which the second is small.
template <class V>
struct Sum {
  V high;
  V low;
};

// a * b, exactly, of numbers below 2^996.
template <class D, class V = hn::Vec<D>>
HWY_INLINE Sum<V> ExactProduct(D d, V a, V b) {
  const V high = hn::Mul(a, b);
#if ROTARY_NATIVE_FMA
  (void)d;
  return {high, hn::MulSub(a, b, high)};
#else
  // Dekker's, of halves that Veltkamp's constant splits.
  const V split = hn::Set(d, 0x1p27 + 1.0);
  const V as = hn::Mul(a, split);
  const V bs = hn::Mul(b, split);
  const V ah = hn::Sub(as, hn::Sub(as, a));
  const V bh = hn::Sub(bs, hn::Sub(bs, b));
  const V al = hn::Sub(a, ah);
  const V bl = hn::Sub(b, bh);
  const V rest = hn::Sub(hn::Mul(ah, bh), high);
  const V cross = hn::Add(hn::Add(rest, hn::Mul(ah, bl)), hn::Mul(al, bh));
  return {high, hn::Add(cross, hn::Mul(al, bl))};
#endif
}

// from - a * b, rounded once, where the product is so near that rounding it
// leaves a difference that is exact.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V SubtractProduct(D d, V from, V a, V b) {
#if ROTARY_NATIVE_FMA
  (void)d;
  return hn::NegMulAdd(a, b, from);
#else
  const Sum<V> product = ExactProduct(d, a, b);
  return hn::Sub(hn::Sub(from, product.high), product.low);
#endif
}

// a + b, exactly (Knuth's).
template <class V>
HWY_INLINE Sum<V> ExactSum(V a, V b) {
  const V high = hn::Add(a, b);
  const V b_part = hn::Sub(high, a);
  const V a_part = hn::Sub(high, b_part);
  return {high, hn::Add(hn::Sub(a, a_part), hn::Sub(b, b_part))};
}

// The polynomials c[0] + c[1] x + .. of kN vectors x, given their squares.  Two
// coefficients at a time, and one vector beside the other, so that fewer
// instructions in a row wait for each other.
template <size_t kN, size_t kCount, class D, class V = hn::Vec<D>>
HWY_INLINE void Polynomial(D d, const V (&x)[kN], const V (&square)[kN],
                           const double (&c)[kCount], V (&sum)[kN]) {
  size_t i = kCount - 1;
  for (size_t k = 0; k < kN; ++k) sum[k] = hn::Set(d, c[i]);
  if (kCount % 2 == 0) {
    --i;
    for (size_t k = 0; k < kN; ++k) {
      sum[k] = hn::Add(hn::Mul(x[k], sum[k]), hn::Set(d, c[i]));
    }
  }
  for (; i > 0; i -= 2) {
    for (size_t k = 0; k < kN; ++k) {
      const V two =
          hn::Add(hn::Mul(x[k], hn::Set(d, c[i - 1])), hn::Set(d, c[i - 2]));
      sum[k] = hn::Add(hn::Mul(sum[k], square[k]), two);
    }
  }
}

// Adding it to a number below 2^51 and taking it away again rounds to a whole
// number, whose last bits are those of the sum.
constexpr double kToWhole = 0x1.8p52;

// cos and sin of high + low, at most 2^40 in magnitude, within 2^-43, of each
// of kN vectors.  |low| may be 2^-11: more than an ulp of a small `high`.
template <size_t kN, class D, class V = hn::Vec<D>>
HWY_INLINE void SinCos(D d, const V (&high)[kN], const V (&low)[kN],
                       V (&cos)[kN], V (&sin)[kN]) {
  // The first is pi / 2 to f64, the second what it lacks.
  constexpr double kHalfPi[] = {0x1.921fb54442d18p0, 0x1.1a62633145c07p-54};
  constexpr double kTwoOverPi = 0x1.45f306dc9c883p-1;
  // Minimax polynomials in x = r^2, |r| <= pi / 4 + 2^-11, of
  //   (sin(r) / r - 1) / x, by the error of sin, which is below 2^-48;
  //   (cos(r) - 1) / x, by the error of cos, which is below 2^-43.8.
  // Found by Remez' algorithm with 60 digits, then rounded.
  constexpr double kSin[] = {-0x1.555555554ff8bp-3, 0x1.1111110ac4000p-7,
                             -0x1.a019f750ebac7p-13, 0x1.71d694d5d1da3p-19,
                             -0x1.a91e221f968dcp-26};
  constexpr double kCos[] = {-0x1.ffffffffebdecp-2, 0x1.55555546e35cdp-5,
                             -0x1.6c16b3f47edd3p-10, 0x1.a00f0b1d6669dp-16,
                             -0x1.23d6d2bb4dc40p-22};

  // What is left of the angle within an eighth of a turn to either side, of
  // the nearest quarter.  Rounded twice, each time by at most 2^-54.
  const V to_whole = hn::Set(d, kToWhole);
  V sum[kN];
  V r[kN];
  V x[kN];
  V square[kN];
  for (size_t k = 0; k < kN; ++k) {
    sum[k] = hn::Add(hn::Mul(high[k], hn::Set(d, kTwoOverPi)), to_whole);
    const V quarters = hn::Sub(sum[k], to_whole);
    const V most =
        SubtractProduct(d, high[k], quarters, hn::Set(d, kHalfPi[0]));
    r[k] = hn::Sub(most,
                   hn::Sub(hn::Mul(quarters, hn::Set(d, kHalfPi[1])), low[k]));
    x[k] = hn::Mul(r[k], r[k]);
    square[k] = hn::Mul(x[k], x[k]);
  }
  Polynomial(d, x, square, kSin, sin);
  Polynomial(d, x, square, kCos, cos);

  const V one = hn::Set(d, 1.0);
  const hn::RebindToUnsigned<D> du;
  for (size_t k = 0; k < kN; ++k) {
    // A product, so that the sine of -0 is -0.
    const V s = hn::Mul(r[k], hn::Add(one, hn::Mul(x[k], sin[k])));
    const V c = hn::Add(one, hn::Mul(x[k], cos[k]));
    // One quarter turn makes (c, s) to (-s, c), two change both signs.
    const auto bits = hn::BitCast(du, sum[k]);
    const auto odd = hn::RebindMask(d, hn::TestBit(bits, hn::Set(du, 1)));
    const V sign =
        hn::And(hn::BitCast(d, hn::ShiftLeft<62>(bits)), hn::SignBit(d));
    sin[k] = hn::Xor(hn::IfThenElse(odd, c, s), sign);
    cos[k] = hn::Xor(hn::IfThenElse(odd, hn::Neg(s), c), sign);
  }
}

template <size_t kN, class D, class V = hn::Vec<D>>
HWY_INLINE void SinCos(D d, const V (&angle)[kN], V (&cos)[kN], V (&sin)[kN]) {
  V low[kN];
  for (size_t k = 0; k < kN; ++k) low[k] = hn::Zero(d);
  SinCos(d, angle, low, cos, sin);
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace rotary
HWY_AFTER_NAMESPACE();

#endif  // ROTARY_LIB_KERNELS_SIN_COS_INL_H_
