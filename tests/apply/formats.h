// The dtypes and pairings of a tensor's two sides.  Used by the tests of apply
// that go through all of them.
#ifndef TESTS_APPLY_FORMATS_H_
#define TESTS_APPLY_FORMATS_H_

#include <rotary/rotary.h>

#include <string>
#include <vector>

#include "tests/support/element.h"
#include "tests/support/strided.h"

namespace rotary_test {

struct Formats {
  rotary_dtype from;
  rotary_dtype to;
  rotary_pairing input_pairing;
  rotary_pairing output_pairing;

  bool same_pairing() const { return input_pairing == output_pairing; }
  bool same() const { return from == to && same_pairing(); }
  // In place.
  bool same_size() const { return ElementBytes(from) == ElementBytes(to); }
};

// Three dtypes and two pairings of each side.
inline std::vector<Formats> AllFormats() {
  std::vector<Formats> all;
  for (const rotary_dtype from : Dtypes()) {
    for (const rotary_dtype to : Dtypes()) {
      for (const rotary_pairing input : {ROTARY_HALF, ROTARY_INTERLEAVED}) {
        for (const rotary_pairing output : {ROTARY_HALF, ROTARY_INTERLEAVED}) {
          all.push_back({from, to, input, output});
        }
      }
    }
  }
  return all;
}

// Those whose sides have elements of one size.
inline std::vector<Formats> InPlaceFormats() {
  std::vector<Formats> all;
  for (const Formats& formats : AllFormats()) {
    if (formats.same_size()) all.push_back(formats);
  }
  return all;
}

inline std::string Describe(const Formats& formats) {
  const auto side = [](rotary_dtype dtype, rotary_pairing pairing) {
    return std::string(dtype == ROTARY_F32   ? "f32"
                       : dtype == ROTARY_F16 ? "f16"
                                             : "bf16") +
           (pairing == ROTARY_HALF ? " half" : " interleaved");
  };
  return side(formats.from, formats.input_pairing) + " to " +
         side(formats.to, formats.output_pairing);
}

// A rotary_tensor that is rotated from input to output, or in place by the same
// pointers.
inline rotary_tensor OutOfPlace(const View& input, const View& output,
                                const Formats& formats,
                                int64_t rotary_offset = 0) {
  return OutOfPlace(input.As(formats.from), output.As(formats.to),
                    formats.input_pairing, rotary_offset,
                    formats.output_pairing);
}

inline rotary_tensor InPlace(const View& view, const Formats& formats,
                             int64_t rotary_offset = 0) {
  return OutOfPlace(view, view, formats, rotary_offset);
}

}  // namespace rotary_test

#endif  // TESTS_APPLY_FORMATS_H_
