#include "lib/rows/positions.h"

#include <algorithm>
#include <limits>
#include <type_traits>

#include "lib/kernels/kernels.h"

namespace rotary {
namespace {

template <typename T>
constexpr T kSentinel = std::is_signed_v<T> ? std::numeric_limits<T>::min()
                                            : std::numeric_limits<T>::max();

// Whether offset + id + step is in the range.
template <typename T>
bool IsIn(const PositionRange& range, T id, int64_t offset, int64_t step) {
  int64_t sum;
  return !__builtin_add_overflow(id, offset, &sum) &&
         !__builtin_add_overflow(sum, step, &sum) && sum >= range.low &&
         sum <= range.high;
}

template <typename T>
T Element(const Positions& positions, int64_t b, int64_t t) {
  if (positions.data == nullptr) return 0;
  return static_cast<const T*>(
      positions.data)[b * positions.batch_stride + t * positions.token_stride];
}

// Of an element that has been checked.  Unsigned arithmetic: one that changed
// since gives some position, and no undefined behavior.
template <typename T>
int32_t Position(const Positions& positions, T id, int64_t step) {
  if (id == kSentinel<T>) return kNoPosition;
  return static_cast<int32_t>(static_cast<uint64_t>(id) +
                              static_cast<uint64_t>(positions.offset) +
                              static_cast<uint64_t>(step));
}

// Whether token t of sequence b may be where it is.
template <typename T>
bool IsGood(const Positions& positions, int64_t b, int64_t t,
            const PositionRange& range, int64_t* id) {
  const T element = Element<T>(positions, b, t);
  *id = static_cast<int64_t>(element);
  return element == kSentinel<T> ||
         IsIn(range, element, positions.offset, t * positions.token_step);
}

// Of a packed batch: the first and the last token of each sequence tell.
template <typename T>
bool FindBadPacked(const Positions& positions, const PositionRange& range,
                   BadPosition* bad) {
  for (int64_t s = 0; s < positions.num_sequences; ++s) {
    const int64_t begin = SequenceBegin(positions, s);
    const int64_t length = SequenceBegin(positions, s + 1) - begin;
    const T element = Element<T>(positions, s, 0);
    if (length == 0 || element == kSentinel<T>) continue;
    for (const int64_t step : {int64_t{0}, length - 1}) {
      if (!IsIn(range, element, positions.offset, step)) {
        *bad = {0, begin + step, static_cast<int64_t>(element)};
        return true;
      }
    }
  }
  return false;
}

template <typename T>
bool FindBad(const Positions& positions, int64_t batch, int64_t tokens,
             const PositionRange& range, BadPosition* bad) {
  if (positions.cu_seqlens != nullptr) {
    return FindBadPacked<T>(positions, range, bad);
  }
  // Within a sequence of consecutive positions the ends tell.
  const int64_t step = positions.token_step == 0 || tokens < 2 ? 1 : tokens - 1;
  // A broadcast is looked at once.
  const int64_t sequences = positions.batch_stride == 0 ? 1 : batch;
  if (positions.token_stride == 0 && positions.token_step == 0) tokens = 1;
  for (int64_t b = 0; b < sequences; ++b) {
    for (int64_t t = 0; t < tokens; t += step) {
      int64_t id;
      if (!IsGood<T>(positions, b, t, range, &id)) {
        *bad = {b, t, id};
        return true;
      }
    }
  }
  return false;
}

// The last sequence that begins at `token` or before it, or -1.  (Empty ones
// before it begin there too.)
int64_t SequenceOf(const Positions& positions, int64_t token) {
  int64_t low = 0;
  int64_t high = positions.num_sequences;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (SequenceBegin(positions, middle) <= token) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low - 1;
}

// Calls each(s, begin, end) for runs of tokens [first, first + count) in one
// sequence, and with s = -1 for runs of padding; in order.
template <class Each>
void ForEachRun(const Positions& positions, int64_t first, int64_t count,
                const Each& each) {
  const int64_t last = first + count;
  while (first < last) {
    const int64_t s = SequenceOf(positions, first);
    const int64_t begin = s < 0 ? first : SequenceBegin(positions, s);
    int64_t end = last;
    if (s + 1 <= positions.num_sequences && positions.num_sequences > 0) {
      end = SequenceBegin(positions, s + 1);
    }
    const bool behind = s >= 0 && end <= first;
    // In any case forward, should they have changed since they were checked.
    const int64_t run_end =
        behind ? last : std::min(std::max(end, first + 1), last);
    each(behind ? int64_t{-1} : s, first, run_end, begin);
    first = run_end;
  }
}

template <typename T>
void ReadPacked(const Positions& positions, int64_t first, int64_t count,
                int32_t* out) {
  ForEachRun(positions, first, count,
             [&](int64_t s, int64_t t, int64_t end, int64_t begin) {
               const T id = s < 0 ? kSentinel<T> : Element<T>(positions, s, 0);
               for (; t < end; ++t, ++out) {
                 *out = Position<T>(positions, id, t - begin);
               }
             });
}

template <typename T>
void Read(const Positions& positions, int64_t b, int64_t first, int64_t count,
          int32_t* out) {
  if (positions.cu_seqlens != nullptr) {
    return ReadPacked<T>(positions, first, count, out);
  }
  for (int64_t i = 0; i < count; ++i) {
    const int64_t t = first + i;
    const T id = Element<T>(positions, b, t);
    out[i] = Position<T>(positions, id, t * positions.token_step);
  }
}

}  // namespace

bool FindBadPosition(const Positions& positions, int64_t batch, int64_t tokens,
                     const PositionRange& range, BadPosition* bad) {
  switch (positions.type) {
    case PositionType::kI32:
      return FindBad<int32_t>(positions, batch, tokens, range, bad);
    case PositionType::kU32:
      return FindBad<uint32_t>(positions, batch, tokens, range, bad);
    case PositionType::kI64:
      return FindBad<int64_t>(positions, batch, tokens, range, bad);
    case PositionType::kU64:
      return FindBad<uint64_t>(positions, batch, tokens, range, bad);
  }
  return false;
}

void ReadPositions(const Positions& positions, int64_t b, int64_t first,
                   int64_t count, int32_t* out) {
  switch (positions.type) {
    case PositionType::kI32:
      return Read<int32_t>(positions, b, first, count, out);
    case PositionType::kU32:
      return Read<uint32_t>(positions, b, first, count, out);
    case PositionType::kI64:
      return Read<int64_t>(positions, b, first, count, out);
    case PositionType::kU64:
      return Read<uint64_t>(positions, b, first, count, out);
  }
}

void MarkPadding(const Positions& positions, int64_t first, int64_t count,
                 uint8_t* states) {
  ForEachRun(positions, first, count,
             [&](int64_t s, int64_t t, int64_t end, int64_t) {
               for (; t < end; ++t, ++states) {
                 if (s < 0) *states = kUntouched;
               }
             });
}

}  // namespace rotary
