#include "lib/rows/positions.h"

#include <limits>
#include <type_traits>

#include "lib/kernels/kernels.h"

namespace rotary {
namespace {

template <typename T>
constexpr T kSentinel = std::is_signed_v<T> ? std::numeric_limits<T>::min()
                                            : std::numeric_limits<T>::max();

// offset + id + t as int32, or false if it is out of range.
template <typename T>
bool Add(T id, int64_t offset, int64_t step, int32_t* position) {
  int64_t sum;
  if (__builtin_add_overflow(id, offset, &sum) ||
      __builtin_add_overflow(sum, step, &sum)) {
    return false;
  }
  *position = static_cast<int32_t>(sum);
  return sum == *position && *position != kNoPosition;
}

template <typename T>
T Element(const Positions& positions, int64_t b, int64_t t) {
  if (positions.data == nullptr) return 0;
  return static_cast<const T*>(
      positions.data)[b * positions.batch_stride + t * positions.token_stride];
}

// Whether token t of sequence b may be where it is.
template <typename T>
bool IsGood(const Positions& positions, int64_t b, int64_t t, int64_t* id) {
  const T element = Element<T>(positions, b, t);
  *id = static_cast<int64_t>(element);
  int32_t position;
  return element == kSentinel<T> ||
         Add(element, positions.offset, t * positions.token_step, &position);
}

template <typename T>
bool FindBad(const Positions& positions, int64_t batch, int64_t tokens,
             BadPosition* bad) {
  // Within a sequence of consecutive positions the ends tell.
  const int64_t step = positions.token_step == 0 || tokens < 2 ? 1 : tokens - 1;
  // A broadcast is looked at once.
  const int64_t sequences = positions.batch_stride == 0 ? 1 : batch;
  if (positions.token_stride == 0 && positions.token_step == 0) tokens = 1;
  for (int64_t b = 0; b < sequences; ++b) {
    for (int64_t t = 0; t < tokens; t += step) {
      int64_t id;
      if (!IsGood<T>(positions, b, t, &id)) {
        *bad = {b, t, id};
        return true;
      }
    }
  }
  return false;
}

template <typename T>
void Read(const Positions& positions, int64_t b, int64_t first, int64_t count,
          int32_t* out) {
  for (int64_t i = 0; i < count; ++i) {
    const int64_t t = first + i;
    const T id = Element<T>(positions, b, t);
    // Unsigned arithmetic: an element that changed since it was checked gives
    // some position, and no undefined behavior.
    out[i] = id == kSentinel<T>
                 ? kNoPosition
                 : static_cast<int32_t>(
                       static_cast<uint64_t>(id) +
                       static_cast<uint64_t>(positions.offset) +
                       static_cast<uint64_t>(t * positions.token_step));
  }
}

}  // namespace

bool FindBadPosition(const Positions& positions, int64_t batch, int64_t tokens,
                     BadPosition* bad) {
  switch (positions.type) {
    case PositionType::kI32:
      return FindBad<int32_t>(positions, batch, tokens, bad);
    case PositionType::kU32:
      return FindBad<uint32_t>(positions, batch, tokens, bad);
    case PositionType::kI64:
      return FindBad<int64_t>(positions, batch, tokens, bad);
    case PositionType::kU64:
      return FindBad<uint64_t>(positions, batch, tokens, bad);
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

}  // namespace rotary
