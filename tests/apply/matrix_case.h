// One call on one tensor, every choice of which is written down, against the
// reference.  Used by the matrix tests.
#ifndef TESTS_APPLY_MATRIX_CASE_H_
#define TESTS_APPLY_MATRIX_CASE_H_

#include <rotary/rotary.h>

#include <string>
#include <vector>

#include "tests/apply/formats.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/objects.h"
#include "tests/support/random.h"
#include "tests/support/strided.h"

namespace rotary_test {

// Where the output goes.
enum class Place { kNullOutput, kSamePointer, kOutOfPlace };

// Those that a tensor of these formats may have.
std::vector<Place> PlacesOf(const Formats& formats);

// What is not drawn: the embedding, with a gain, and rows of each mode, for
// positions of every size, 0 and none among them.
struct Source {
  explicit Source(int64_t rotary_dim);

  int64_t rotary_dim;
  Embedding embedding;
  std::vector<Rows> rows;  // by mode
  std::vector<RowValues> values;
};

struct Case {
  Formats formats;
  Place place;
  int64_t extra;  // head_dim - rotary_dim
  int64_t rotary_offset = 0;
  int64_t batch = 1;
  int64_t tokens = 3;
  int64_t heads = 3;
  int64_t head_gap = 0;
  int64_t token_gap = 0;
  Flush flush = Flush::kEnd;
  int64_t input_misalignment = 0;
  int64_t output_misalignment = 0;
  rotary_mode mode = ROTARY_FORWARD;
  bool transpose = false;
  bool from_rows = true;
  rotary_store store = ROTARY_STORE_AUTO;
  uint64_t seed = 1;
};

std::string Describe(const Case& c);

// All that has a default, drawn.
void Draw(Random* random, Case* c);

// The shape and strides of a case.
StridedTensor MakeInput(const Case& c, const Source& source);

// Runs a case on an input whose elements are set, and compares: what was
// written, and that nothing else was.
void RunOn(const Case& c, const Source& source, const char* target,
           const StridedTensor& input);

// The same on random numbers, and any bits in what is not rotated.
void RunRandom(const Case& c, const Source& source, const char* target);

}  // namespace rotary_test

#endif  // TESTS_APPLY_MATRIX_CASE_H_
