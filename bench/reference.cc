// The rotation by the formula, in long double, and how far from it an output
// may be.

#include "bench/reference.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <vector>

namespace rotary_bench {
namespace {

constexpr int64_t kPairs = kHeadDim / 2;

struct CosSin {
  long double cos, sin;
};

std::vector<CosSin> Row(int32_t position) {
  std::vector<CosSin> row;
  for (int64_t pair = 0; pair < kPairs; ++pair) {
    const long double inv_freq =
        powl(kBase, -2.0L * static_cast<long double>(pair) / kHeadDim);
    const long double angle = static_cast<long double>(position) * inv_freq;
    row.push_back({cosl(angle), sinl(angle)});
  }
  return row;
}

// How far a * cos - b * sin may be from its value, by the accuracy that
// rotary.h promises.  With T = |a cos| + |b sin| and u = 2^-24:
//   the row is within 1 ulp (2u of cos) or 2^-50,  2u T + 2^-50 (|a| + |b|)
//   the rotation rounds                            2u T (1 + 2u) + 2^-149
//   inv_freq, an f64, is within an ulp (2^-52 of it) of the formula, and the
//   positions are below 2^13                       2^-39 (|a| + |b|)
// and the factor 1 + 2^-20 covers the terms of second order.
double Tolerance(double a, double b, const CosSin& row) {
  const double terms = fabs(a * static_cast<double>(row.cos)) +
                       fabs(b * static_cast<double>(row.sin));
  return (0x1p-22 * terms + 0x1p-39 * (fabs(a) + fabs(b)) + 0x1p-149) *
         (1 + 0x1p-20);
}

// The element as the type holds it.
double Original(const Dtype& dtype, int64_t element) {
  double storage;
  dtype.write(&storage, 0, Element(element));
  return dtype.read(&storage, 0);
}

class Checker {
 public:
  Checker(const Case& c, const Memory& memory)
      : case_(c),
        x_(memory.x.data()),
        output_(c.out_of_place ? memory.y.data() : x_) {}

  // One head, whose first element is `head`, of the token that has `row`.
  bool HeadIsRight(int64_t head, const std::vector<CosSin>& row) const {
    const bool half = case_.pairing == ROTARY_HALF;
    for (int64_t pair = 0; pair < kPairs; ++pair) {
      const int64_t first = head + (half ? pair : 2 * pair);
      const int64_t second = first + (half ? kPairs : 1);
      const double a = Original(*case_.input, first);
      const double b = Original(*case_.input, second);
      const CosSin& r = row[static_cast<size_t>(pair)];
      if (!IsRight(first, a * r.cos - b * r.sin, Tolerance(a, b, r)) ||
          !IsRight(second, b * r.cos + a * r.sin, Tolerance(b, a, r))) {
        return false;
      }
      if (case_.out_of_place && (case_.input->read(x_, first) != a ||
                                 case_.input->read(x_, second) != b)) {
        fprintf(stderr, "rotary_bench: %s: the input was written, pair %lld\n",
                Name(case_).c_str(), static_cast<long long>(pair));
        return false;
      }
    }
    return true;
  }

 private:
  bool IsRight(int64_t element, long double expected, double tolerance) const {
    const double output = case_.output->read(output_, element);
    // Rounded once more, from within the tolerance.
    if (case_.output->value != ROTARY_F32) {
      tolerance += HalfUlp(*case_.output,
                           static_cast<double>(fabsl(expected)) + tolerance);
    }
    if (fabsl(output - expected) <= tolerance) return true;
    fprintf(stderr,
            "rotary_bench: %s: element %lld is %.9g, should be %.9Lg within "
            "%.3g\n",
            Name(case_).c_str(), static_cast<long long>(element), output,
            expected, tolerance);
    return false;
  }

  const Case& case_;
  const unsigned char* const x_;
  const unsigned char* const output_;
};

}  // namespace

bool OutputIsRight(const Case& c, const Embedding& embedding,
                   const Memory& memory) {
  memory.Fill(c);
  if (c.out_of_place) memset(memory.y.data(), 0, OutputBytes(c));
  const Rotation rotation(c, embedding, memory);
  rotation.RunChecked();

  const Checker checker(c, memory);
  const int64_t tokens = c.workload->tokens;
  const int64_t keys = tokens * kQueryHeads * kHeadDim;
  for (int64_t t = 0; t < tokens; t += c.workload->checked_every) {
    const std::vector<CosSin> row = Row(c.workload->position(t));
    for (int64_t h = 0; h < kQueryHeads; ++h) {
      const int64_t head = (t * kQueryHeads + h) * kHeadDim;
      if (!checker.HeadIsRight(head, row)) return false;
    }
    for (int64_t h = 0; h < kKeyHeads; ++h) {
      const int64_t head = keys + (t * kKeyHeads + h) * kHeadDim;
      if (!checker.HeadIsRight(head, row)) return false;
    }
  }
  return true;
}

}  // namespace rotary_bench
