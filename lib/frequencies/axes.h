// Several axes of a position: which of them turns which pair, at which of its
// frequencies.  Called when an embedding is made.

#ifndef ROTARY_LIB_FREQUENCIES_AXES_H_
#define ROTARY_LIB_FREQUENCIES_AXES_H_

#include <stdint.h>

namespace rotary {

constexpr int kMaxAxes = 8;

// In the order of rotary_axes_layout.
enum class AxesLayout : int32_t {
  kGiven,
  kSections,
  kSectionsRepeated,
  kInterleaved,
  kInterleavedRepeated,
  kAlternatingLast,
  kBlocks,
  kStrided,
  kAlternating,
  kCount
};

struct Axes {
  AxesLayout layout = AxesLayout::kGiven;
  int64_t count = 1;  // of axes
  int64_t sections[kMaxAxes] = {};
};

// What turns a pair: a frequency of an axis.
struct PairSource {
  int64_t axis;   // -1: none, it does not turn
  int64_t index;  // of the frequency
  int64_t count;  // of the axis's frequencies
  int64_t dim;    // of the frequencies' exponents: base^(-2 index / dim)
};

// What a layout does with the numbers of pairs in the sections: nothing; begin
// them again behind the last; or expect that together they are all pairs.
enum class SectionsUse { kNone, kRepeated, kWhole };
SectionsUse UseOfSections(AxesLayout layout);

// Makes sources, [count], of a layout other than kGiven.  freq_dim 0: as the
// layout has it.
void MakeSources(const Axes& axes, int64_t count, int64_t freq_dim,
                 PairSource* sources);

}  // namespace rotary

#endif  // ROTARY_LIB_FREQUENCIES_AXES_H_
