#include "lib/rows/positions.h"

#include <algorithm>
#include <limits>
#include <type_traits>

#include "lib/kernels/kernels.h"

namespace rotary {
namespace {

// Whether an element marks what is not rotated.
template <typename T>
bool IsSentinel(T id) {
  if constexpr (std::is_floating_point_v<T>) {
    return id != id;
  } else {
    return id == (std::is_signed_v<T> ? std::numeric_limits<T>::min()
                                      : std::numeric_limits<T>::max());
  }
}

// Whether id + offset + step is in the range.
template <typename T>
bool IsIn(const PositionRange& range, T id, int64_t offset, int64_t step) {
  if constexpr (std::is_floating_point_v<T>) {
    const double sum = static_cast<double>(id) + static_cast<double>(offset) +
                       static_cast<double>(step);
    return sum >= range.real_low && sum <= range.real_high;
  } else {
    int64_t sum;
    return !__builtin_add_overflow(id, offset, &sum) &&
           !__builtin_add_overflow(sum, step, &sum) && sum >= range.low &&
           sum <= range.high;
  }
}

template <typename T>
T Element(const Positions& positions, int64_t axis, int64_t b, int64_t t) {
  if (positions.data == nullptr) return 0;
  return static_cast<const T*>(
      positions.data)[axis * positions.axis_stride +
                      b * positions.batch_stride + t * positions.token_stride];
}

// What the sentinel is read as.
template <typename Out>
constexpr Out kNone = kNoPosition;
template <>
constexpr double kNone<double> = std::numeric_limits<double>::quiet_NaN();

// Of an element that has been checked.
template <typename T, typename Out>
Out Position(const Positions& positions, T id, int64_t step) {
  if (IsSentinel(id)) return kNone<Out>;
  if constexpr (std::is_floating_point_v<T>) {
    return static_cast<double>(id) + static_cast<double>(positions.offset) +
           static_cast<double>(step);
  } else {
    // Unsigned: an element that changed since gives some position, and no
    // undefined behavior.
    return static_cast<int32_t>(static_cast<uint64_t>(id) +
                                static_cast<uint64_t>(positions.offset) +
                                static_cast<uint64_t>(step));
  }
}

template <typename T>
BadPosition Bad(int64_t b, int64_t token, int64_t axis, T id) {
  if constexpr (std::is_floating_point_v<T>) {
    return {b, token, axis, 0, static_cast<double>(id)};
  } else {
    return {b, token, axis, static_cast<int64_t>(id), 0.0};
  }
}

// Of a packed batch: the first and the last token of each sequence tell.
template <typename T>
bool FindBadPacked(const Positions& positions, int64_t axis,
                   const PositionRange& range, BadPosition* bad) {
  for (int64_t s = 0; s < positions.num_sequences; ++s) {
    const int64_t begin = SequenceBegin(positions, s);
    const int64_t length = SequenceBegin(positions, s + 1) - begin;
    const T id = Element<T>(positions, axis, s, 0);
    if (length == 0 || IsSentinel(id)) continue;
    for (const int64_t step : {int64_t{0}, length - 1}) {
      if (!IsIn(range, id, positions.offset, step)) {
        *bad = Bad(0, begin + step, axis, id);
        return true;
      }
    }
  }
  return false;
}

template <typename T>
bool FindBadOn(const Positions& positions, int64_t axis, int64_t batch,
               int64_t tokens, const PositionRange& range, BadPosition* bad) {
  if (positions.cu_seqlens != nullptr) {
    return FindBadPacked<T>(positions, axis, range, bad);
  }
  // Within a sequence of consecutive positions the ends tell.
  const int64_t step = positions.token_step == 0 || tokens < 2 ? 1 : tokens - 1;
  // A broadcast is looked at once.
  const int64_t sequences = positions.batch_stride == 0 ? 1 : batch;
  if (positions.token_stride == 0 && positions.token_step == 0) tokens = 1;
  for (int64_t b = 0; b < sequences; ++b) {
    for (int64_t t = 0; t < tokens; t += step) {
      const T id = Element<T>(positions, axis, b, t);
      if (!IsSentinel(id) &&
          !IsIn(range, id, positions.offset, t * positions.token_step)) {
        *bad = Bad(b, t, axis, id);
        return true;
      }
    }
  }
  return false;
}

template <typename T>
bool FindBad(const Positions& positions, int64_t batch, int64_t tokens,
             int64_t axes, const PositionRange* ranges, BadPosition* bad) {
  for (int64_t axis = 0; axis < axes; ++axis) {
    if (FindBadOn<T>(positions, axis, batch, tokens, ranges[axis], bad)) {
      return true;
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

template <typename T, typename Out>
void ReadPacked(const Positions& positions, int64_t axis, int64_t first,
                int64_t count, Out* out) {
  ForEachRun(positions, first, count,
             [&](int64_t s, int64_t t, int64_t end, int64_t begin) {
               const T id = s < 0 ? T{} : Element<T>(positions, axis, s, 0);
               for (; t < end; ++t, ++out) {
                 *out = s < 0 ? kNone<Out>
                              : Position<T, Out>(positions, id, t - begin);
               }
             });
}

template <typename T, typename Out>
void Read(const Positions& positions, int64_t axis, int64_t b, int64_t first,
          int64_t count, Out* out) {
  if (positions.cu_seqlens != nullptr) {
    return ReadPacked<T, Out>(positions, axis, first, count, out);
  }
  for (int64_t i = 0; i < count; ++i) {
    const int64_t t = first + i;
    const T id = Element<T>(positions, axis, b, t);
    out[i] = Position<T, Out>(positions, id, t * positions.token_step);
  }
}

}  // namespace

bool FindBadPosition(const Positions& positions, int64_t batch, int64_t tokens,
                     int64_t axes, const PositionRange* ranges,
                     BadPosition* bad) {
  switch (positions.type) {
    case PositionType::kI32:
      return FindBad<int32_t>(positions, batch, tokens, axes, ranges, bad);
    case PositionType::kU32:
      return FindBad<uint32_t>(positions, batch, tokens, axes, ranges, bad);
    case PositionType::kI64:
      return FindBad<int64_t>(positions, batch, tokens, axes, ranges, bad);
    case PositionType::kU64:
      return FindBad<uint64_t>(positions, batch, tokens, axes, ranges, bad);
    case PositionType::kF32:
      return FindBad<float>(positions, batch, tokens, axes, ranges, bad);
    case PositionType::kF64:
      return FindBad<double>(positions, batch, tokens, axes, ranges, bad);
  }
  return false;
}

void ReadPositions(const Positions& positions, int64_t axis, int64_t b,
                   int64_t first, int64_t count, int32_t* out) {
  switch (positions.type) {
    case PositionType::kU32:
      return Read<uint32_t>(positions, axis, b, first, count, out);
    case PositionType::kI64:
      return Read<int64_t>(positions, axis, b, first, count, out);
    case PositionType::kU64:
      return Read<uint64_t>(positions, axis, b, first, count, out);
    default:
      return Read<int32_t>(positions, axis, b, first, count, out);
  }
}

void ReadRealPositions(const Positions& positions, int64_t axis, int64_t b,
                       int64_t first, int64_t count, double* out) {
  switch (positions.type) {
    case PositionType::kI32:
      return Read<int32_t>(positions, axis, b, first, count, out);
    case PositionType::kU32:
      return Read<uint32_t>(positions, axis, b, first, count, out);
    case PositionType::kI64:
      return Read<int64_t>(positions, axis, b, first, count, out);
    case PositionType::kU64:
      return Read<uint64_t>(positions, axis, b, first, count, out);
    case PositionType::kF32:
      return Read<float>(positions, axis, b, first, count, out);
    case PositionType::kF64:
      return Read<double>(positions, axis, b, first, count, out);
  }
}

int64_t SequenceAt(const Positions& positions, int64_t token) {
  const int64_t s = SequenceOf(positions, token);
  const bool in = s >= 0 && s < positions.num_sequences &&
                  token < SequenceBegin(positions, s + 1);
  return in ? s : -1;
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
