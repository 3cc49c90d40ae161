#include "lib/frequencies/axes.h"

namespace rotary {
namespace {

struct Place {
  int64_t axis;
  int64_t index;  // of the pair within the axis's section
};

// The section that holds number n, of sections one behind the other.
Place InSections(const Axes& axes, int64_t n) {
  int64_t axis = 0;
  while (axis + 1 < axes.count && n >= axes.sections[axis]) {
    n -= axes.sections[axis++];
  }
  return {axis, n};
}

// Number i in sections that begin again behind the last, which are not all
// empty.
int64_t Repeated(const Axes& axes, int64_t i) {
  int64_t sum = 0;
  for (int64_t a = 0; a < axes.count; ++a) sum += axes.sections[a];
  return sum > 0 ? i % sum : i;
}

// All pairs keep the frequencies that they have with one axis.

// Qwen2-VL (HF transformers, apply_multimodal_rotary_pos_emb); ggml's MROPE,
// whose sections begin again behind the last.
int64_t Sections(const Axes& axes, int64_t i) {
  return InSections(axes, Repeated(axes, i)).axis;
}

// Qwen3-VL (HF transformers, apply_interleaved_mrope): the axes take turns as
// long as each has pairs left, then the first has them.
int64_t Interleaved(const Axes& axes, int64_t i) {
  const int64_t axis = i % axes.count;
  return i < axes.count * axes.sections[axis] ? axis : 0;
}

// ggml's IMROPE: three axes take turns, the fourth has what is left.
int64_t InterleavedRepeated(const Axes& axes, int64_t i) {
  const int64_t n = Repeated(axes, i);
  const int64_t axis = n % 3;
  return n < 3 * axes.sections[axis] ? axis : 3;
}

// Ernie 4.5 VL: the second and the third axis take turns, the first has the
// last pairs.
int64_t AlternatingLast(const Axes& axes, int64_t i) {
  return i < axes.sections[1] + axes.sections[2] ? 1 + i % 2 : 0;
}

PairSource WithAllFrequencies(int64_t axis, int64_t i, int64_t count,
                              int64_t freq_dim) {
  return {axis, i, count, freq_dim != 0 ? freq_dim : 2 * count};
}

// Frequencies that begin again with each axis.
PairSource WithOwnFrequencies(const Place& place, int64_t count,
                              int64_t freq_dim) {
  return {place.axis, place.index, count, freq_dim != 0 ? freq_dim : 2 * count};
}

// Pixtral: each axis has a block, of one in axes.count of all frequencies.
PairSource Strided(const Axes& axes, int64_t i, int64_t count,
                   int64_t freq_dim) {
  const int64_t each = count / axes.count;
  const int64_t axis = i / each;
  return WithAllFrequencies(axis, i % each * axes.count + axis, count,
                            freq_dim);
}

// The axes take turns, behind the pairs that are left over (LTX-Video, Kimi).
PairSource Alternating(const Axes& axes, int64_t i, int64_t count,
                       int64_t freq_dim) {
  const int64_t each = count / axes.count;
  const int64_t n = i - count % axes.count;
  if (n < 0) return {-1, 0, each, 2};
  return WithOwnFrequencies({n % axes.count, n / axes.count}, each, freq_dim);
}

PairSource SourceOf(const Axes& axes, int64_t i, int64_t count,
                    int64_t freq_dim) {
  switch (axes.layout) {
    case AxesLayout::kBlocks: {
      const Place place = InSections(axes, i);
      return WithOwnFrequencies(place, axes.sections[place.axis], freq_dim);
    }
    case AxesLayout::kStrided:
      return Strided(axes, i, count, freq_dim);
    case AxesLayout::kAlternating:
      return Alternating(axes, i, count, freq_dim);
    case AxesLayout::kInterleaved:
      return WithAllFrequencies(Interleaved(axes, i), i, count, freq_dim);
    case AxesLayout::kInterleavedRepeated:
      return WithAllFrequencies(InterleavedRepeated(axes, i), i, count,
                                freq_dim);
    case AxesLayout::kAlternatingLast:
      return WithAllFrequencies(AlternatingLast(axes, i), i, count, freq_dim);
    default:
      return WithAllFrequencies(Sections(axes, i), i, count, freq_dim);
  }
}

}  // namespace

SectionsUse UseOfSections(AxesLayout layout) {
  switch (layout) {
    case AxesLayout::kGiven:
    case AxesLayout::kStrided:
    case AxesLayout::kAlternating:
      return SectionsUse::kNone;
    case AxesLayout::kSectionsRepeated:
    case AxesLayout::kInterleavedRepeated:
      return SectionsUse::kRepeated;
    default:
      return SectionsUse::kWhole;
  }
}

void MakeSources(const Axes& axes, int64_t count, int64_t freq_dim,
                 PairSource* sources) {
  for (int64_t i = 0; i < count; ++i) {
    sources[i] = SourceOf(axes, i, count, freq_dim);
  }
}

}  // namespace rotary
