#include "lib/apply/weights.h"

#include <string.h>

#include <algorithm>

namespace rotary {
namespace {

// Of the rotated rows, the one that comes to be row `row` in pairing `to`, from
// the other pairing.
int64_t SourceOf(Pairing to, int64_t pairs, int64_t row) {
  if (to == kInterleaved) return row / 2 + row % 2 * pairs;
  return row < pairs ? 2 * row : 2 * (row - pairs) + 1;
}

// Each cycle of rows, where the next is the one that comes to be this one, has
// one row that is less than the others.
bool IsFirstOfCycle(Pairing to, int64_t pairs, int64_t row) {
  int64_t next = SourceOf(to, pairs, row);
  while (next > row) next = SourceOf(to, pairs, next);
  return next == row;
}

// Moves `bytes` bytes of each rotated row of a head along the cycles.
constexpr size_t kChunk = 4096;
void RotateCycles(const Weights& weights, char* rows, size_t bytes) {
  char first[kChunk];
  const auto at = [&](int64_t row) {
    return rows + row * weights.output_stride;
  };
  const auto source_of = [&](int64_t row) {
    return SourceOf(weights.to, weights.pairs, row);
  };
  // The first and the last row stay; every other cycle has a row in the first
  // half, as the distance from the last doubles in the second.
  for (int64_t begin = 1; begin < weights.pairs; ++begin) {
    if (!IsFirstOfCycle(weights.to, weights.pairs, begin)) continue;
    memcpy(first, at(begin), bytes);
    int64_t row = begin;
    for (int64_t source = source_of(row); source != begin;
         source = source_of(row)) {
      memcpy(at(row), at(source), bytes);
      row = source;
    }
    memcpy(at(row), first, bytes);
  }
}

void PermuteInPlace(const Weights& weights) {
  if (weights.from == weights.to || weights.pairs == 0) return;
  const size_t row_bytes = static_cast<size_t>(weights.row_bytes);
  for (int64_t h = 0; h < weights.heads; ++h) {
    char* const rows =
        weights.output +
        (h * weights.head_dim + weights.rotary_offset) * weights.output_stride;
    for (size_t byte = 0; byte < row_bytes; byte += kChunk) {
      RotateCycles(weights, rows + byte, std::min(kChunk, row_bytes - byte));
    }
  }
}

}  // namespace

void Permute(const Weights& weights) {
  if (weights.in_place) return PermuteInPlace(weights);
  const int64_t begin = weights.rotary_offset;
  const int64_t end = begin + 2 * weights.pairs;
  for (int64_t h = 0; h < weights.heads; ++h) {
    for (int64_t row = 0; row < weights.head_dim; ++row) {
      const bool moves =
          weights.from != weights.to && row >= begin && row < end;
      const int64_t source =
          moves ? begin + SourceOf(weights.to, weights.pairs, row - begin)
                : row;
      const int64_t head = h * weights.head_dim;
      memcpy(weights.output + (head + row) * weights.output_stride,
             weights.input + (head + source) * weights.input_stride,
             static_cast<size_t>(weights.row_bytes));
    }
  }
}

}  // namespace rotary
