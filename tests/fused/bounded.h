// A number as f32 arithmetic may have it: the true value, and how far from it
// the computed one can be.  Used by fused_reference.cc.
#ifndef TESTS_FUSED_BOUNDED_H_
#define TESTS_FUSED_BOUNDED_H_

#include <algorithm>
#include <cmath>

namespace rotary_test {

constexpr double kU = 0x1p-24;  // half an ulp of 1 in f32

struct Bounded {
  double value;
  double error;
};

// Once more rounded to f32.
inline Bounded Rounded(Bounded x) {
  x.error += kU * (std::fabs(x.value) + x.error) + 0x1p-150;
  return x;
}

inline Bounded operator*(const Bounded& a, const Bounded& b) {
  return Rounded({a.value * b.value, std::fabs(a.value) * b.error +
                                         std::fabs(b.value) * a.error +
                                         a.error * b.error});
}

inline Bounded operator+(const Bounded& a, const Bounded& b) {
  return Rounded({a.value + b.value, a.error + b.error});
}

inline Bounded operator-(const Bounded& a, const Bounded& b) {
  return Rounded({a.value - b.value, a.error + b.error});
}

}  // namespace rotary_test

#endif  // TESTS_FUSED_BOUNDED_H_
