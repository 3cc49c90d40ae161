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

// The polynomial c[0] + c[1] x + .. of an even number of coefficients, given x
// and its square: two at a time, so that fewer wait for each other.
template <size_t kCount, class D, class V = hn::Vec<D>>
HWY_INLINE V Polynomial(D d, V x, V square, const double (&c)[kCount]) {
  static_assert(kCount % 2 == 0, "coefficients come in twos");
  V sum =
      hn::Add(hn::Mul(x, hn::Set(d, c[kCount - 1])), hn::Set(d, c[kCount - 2]));
  for (size_t i = kCount - 2; i > 0; i -= 2) {
    const V two =
        hn::Add(hn::Mul(x, hn::Set(d, c[i - 1])), hn::Set(d, c[i - 2]));
    sum = hn::Add(hn::Mul(sum, square), two);
  }
  return sum;
}

// Adding it to a number below 2^51 and taking it away again rounds to a whole
// number, whose last bits are those of the sum.
constexpr double kToWhole = 0x1.8p52;

// cos and sin of angle.high + angle.low, |angle| <= 2^40, within 2^-51.
// |angle.low| may be 2^-11: more than an ulp of a small angle.high.
template <class D, class V = hn::Vec<D>>
HWY_INLINE void SinCos(D d, const Sum<V>& angle, V& cos, V& sin) {
  // The first is pi / 2 to f64, the second what it lacks.
  constexpr double kHalfPi[] = {0x1.921fb54442d18p0, 0x1.1a62633145c07p-54};
  constexpr double kTwoOverPi = 0x1.45f306dc9c883p-1;
  // Minimax polynomials in x = r^2, |r| <= pi / 4 + 2^-11, of
  //   (sin(r) / r - 1) / x, by the error of sin, which is below 2^-57;
  //   (cos(r) - 1) / x, by the error of cos, which is below 2^-54.
  // Found by Remez' algorithm with 60 digits, then rounded.
  constexpr double kSin[] = {-0x1.555555555553dp-3,  0x1.111111110eae2p-7,
                             -0x1.a01a019aadd10p-13, 0x1.71de346fcb574p-19,
                             -0x1.ae5db0434606dp-26, 0x1.5d639982523b7p-33};
  constexpr double kCos[] = {-0x1.fffffffffffa2p-2,  0x1.555555554f8bfp-5,
                             -0x1.6c16c16480f7fp-10, 0x1.a019f87b6538bp-16,
                             -0x1.27df687cef8d0p-22, 0x1.1b94ef14b2befp-29};

  // What is left of the angle within an eighth of a turn to either side, of
  // the nearest quarter.  Rounded twice, each time by at most 2^-54.
  const V to_whole = hn::Set(d, kToWhole);
  const V sum = hn::Add(hn::Mul(angle.high, hn::Set(d, kTwoOverPi)), to_whole);
  const V quarters = hn::Sub(sum, to_whole);
  const V most =
      SubtractProduct(d, angle.high, quarters, hn::Set(d, kHalfPi[0]));
  const V r = hn::Sub(
      most, hn::Sub(hn::Mul(quarters, hn::Set(d, kHalfPi[1])), angle.low));

  const V x = hn::Mul(r, r);
  const V square = hn::Mul(x, x);
  const V one = hn::Set(d, 1.0);
  const V s =
      hn::Mul(r, hn::Add(one, hn::Mul(x, Polynomial(d, x, square, kSin))));
  const V c = hn::Add(one, hn::Mul(x, Polynomial(d, x, square, kCos)));

  // One quarter turn makes (c, s) to (-s, c), two change both signs.
  const hn::RebindToUnsigned<D> du;
  const auto bits = hn::BitCast(du, sum);
  const auto odd = hn::RebindMask(d, hn::TestBit(bits, hn::Set(du, 1)));
  const V sign =
      hn::And(hn::BitCast(d, hn::ShiftLeft<62>(bits)), hn::SignBit(d));
  sin = hn::Xor(hn::IfThenElse(odd, c, s), sign);
  cos = hn::Xor(hn::IfThenElse(odd, hn::Neg(s), c), sign);
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace rotary
HWY_AFTER_NAMESPACE();

#endif  // ROTARY_LIB_KERNELS_SIN_COS_INL_H_
