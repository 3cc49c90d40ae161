// Elements taken from one dtype to another by calls that change no value: of
// tokens without a position, and turned by position 0.  Used by the conversion
// tests.
#ifndef TESTS_APPLY_CONVERSION_H_
#define TESTS_APPLY_CONVERSION_H_

#include <rotary/rotary.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/guarded_buffer.h"
#include "tests/support/objects.h"

namespace rotary_test {

// How elements go through a call.
enum class Way {
  kRuns,   // in runs: the token has no position
  kMoved,  // as both sides of pairs: the token has no position
  kFirst,  // as the first of pairs that position 0 turns; the second of each is
           // 1, so that what comes out is x * 1 - 1 * 0 = x
  kSecond  // as the second of such pairs; the first of each is -1, so that what
           // comes out is x * 1 + -1 * 0 = x, also if x is -0
};

struct Conversion {
  Way way;
  rotary_dtype from;
  rotary_dtype to;
  // Of each head; one token has as many heads as are needed.  kRuns: a head is
  // three runs, of rotary_offset elements, of 2, and of the rest.  Else all of
  // it is rotary_dim.
  int64_t head_dim;
  int64_t rotary_offset = 0;
  rotary_pairing input_pairing = ROTARY_HALF;
  rotary_pairing output_pairing = ROTARY_HALF;
  // Elements from the data to the guard page behind it.
  int64_t misalignment = 0;
};

std::string Describe(const Conversion& by);

// Converts lists of `count` elements, given by their bits, on every target.
class Converter {
 public:
  Converter(const Conversion& conversion, int64_t count);

  // Whether each element becomes what is expected, any NaN counted as equal to
  // any NaN, and what makes a pair with it stays itself.  Empty, or what is
  // wrong first.
  std::string Check(const std::vector<uint32_t>& elements,
                    const std::vector<uint32_t>& expected);

 private:
  void Fill(const std::vector<uint32_t>& elements);
  void Run(const char* target);
  std::string Compare(const std::vector<uint32_t>& elements,
                      const std::vector<uint32_t>& expected) const;

  // Calls visit(index in the list, place in memory, place of the partner) for
  // each element, where it is in a pairing.
  template <typename Visit>
  void ForEach(rotary_pairing pairing, const Visit& visit) const;

  const Conversion by_;
  const int64_t count_;
  const int64_t in_head_;  // elements of the list
  const int64_t heads_;
  const Embedding embedding_;
  const Rows row_;
  const GuardedBuffer input_;
  const GuardedBuffer output_;
};

}  // namespace rotary_test

#endif  // TESTS_APPLY_CONVERSION_H_
