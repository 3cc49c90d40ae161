// The stream kernels, for every target: wide and narrow vectors, ordinary and
// non-temporal stores, and the software prefetches that help some CPU.

#include "bench/stream.h"

#include <rotary/rotary.h>
#include <string.h>

#include <utility>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bench/stream.cc"
// clang-format off
#include "hwy/cache_control.h"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace rotary_bench {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using Wide = hn::CappedTag<uint32_t, 16>;   // 512 bits
using Narrow = hn::CappedTag<uint32_t, 8>;  // 256 bits

enum class Stores { kOrdinary, kNonTemporal };

// The order of the lines (64 bytes) of a block.  kPaired has two streams, as
// half pairing has them.
enum class Order { kLinear, kPaired };
constexpr size_t Offset(Order order, size_t line, size_t lines) {
  return 64 * (order == Order::kLinear || lines == 1
                   ? line
                   : line % 2 * (lines / 2) + line / 2);
}

// kLocality is that of __builtin_prefetch, kAhead is in bytes.
template <int kLocality, size_t kAhead>
struct Prefetch {
  static HWY_INLINE void Fetch(const unsigned char* line) {
    // An address, not a pointer: it may be past the end of the buffer.
    const uintptr_t address = reinterpret_cast<uintptr_t>(line) + kAhead;
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    __builtin_prefetch(reinterpret_cast<const void*>(address), 0, kLocality);
  }
};
struct None {
  static HWY_INLINE void Fetch(const unsigned char*) {}
};
template <class First, class Second>
struct Both {
  static HWY_INLINE void Fetch(const unsigned char* line) {
    First::Fetch(line);
    Second::Fetch(line);
  }
};
using ToL1 = Prefetch<3, 1024>;
using ToL1Far = Prefetch<3, 4096>;
using ToL2 = Prefetch<2, 8192>;
using ToBoth = Both<Prefetch<2, 16384>, Prefetch<3, 2048>>;
using PastL2 = Prefetch<0, 2048>;
// Multiples of 768: the tails of heads of 192 elements, in 16 or 32 bits, are
// met again.
using PiecesToL2 = Prefetch<2, size_t{64} * 768>;
using PiecesToBoth = Both<PiecesToL2, Prefetch<3, size_t{4} * 768>>;
using FarPiecesToBoth =
    Both<Prefetch<2, size_t{128} * 768>, Prefetch<3, size_t{4} * 768>>;

template <class D, Stores kStores, class P>
HWY_INLINE void Line(D d, hn::Vec<D> zero, const unsigned char* from,
                     unsigned char* to) {
  P::Fetch(from);
  const uint32_t* source = reinterpret_cast<const uint32_t*>(from);
  uint32_t* target = reinterpret_cast<uint32_t*>(to);
  for (size_t i = 0; i < 64 / sizeof(uint32_t); i += hn::Lanes(d)) {
    const hn::Vec<D> moved = hn::Xor(hn::Load(d, source + i), zero);
    if (kStores == Stores::kNonTemporal) {
      hn::Stream(moved, d, target + i);
    } else {
      hn::Store(moved, d, target + i);
    }
  }
}

template <class D, Stores kStores, class P, Order kOrder, size_t... kLines>
HWY_INLINE void Block(D d, hn::Vec<D> zero, const unsigned char* from,
                      unsigned char* to, std::index_sequence<kLines...>) {
  (Line<D, kStores, P>(d, zero,
                       from + Offset(kOrder, kLines, sizeof...(kLines)),
                       to + Offset(kOrder, kLines, sizeof...(kLines))),
   ...);
}

// Whole blocks, then one each of half as many lines.
template <class D, Stores kStores, class P, Order kOrder>
HWY_INLINE void Piece(D d, hn::Vec<D> zero, const unsigned char* from,
                      unsigned char* to, size_t bytes) {
  static_assert(kStreamBlock == size_t{8} * 64, "eight lines");
  const unsigned char* end = from + bytes / kStreamBlock * kStreamBlock;
  for (; from != end; from += kStreamBlock, to += kStreamBlock) {
    Block<D, kStores, P, kOrder>(d, zero, from, to,
                                 std::make_index_sequence<8>());
  }
  if ((bytes & 256) != 0) {
    Block<D, kStores, P, kOrder>(d, zero, from, to,
                                 std::make_index_sequence<4>());
    from += 256;
    to += 256;
  }
  if ((bytes & 128) != 0) {
    Block<D, kStores, P, kOrder>(d, zero, from, to,
                                 std::make_index_sequence<2>());
    from += 128;
    to += 128;
  }
  if ((bytes & 64) != 0) Line<D, kStores, P>(d, zero, from, to);
}

template <class D>
HWY_INLINE hn::Vec<D> ReadRow(D d, hn::Vec<D> seen, const unsigned char* row,
                              size_t bytes) {
  const uint32_t* source = reinterpret_cast<const uint32_t*>(row);
  for (size_t i = 0; i < bytes / sizeof(uint32_t); i += hn::Lanes(d)) {
    seen = hn::Or(seen, hn::LoadU(d, source + i));
  }
  return seen;
}

template <class D, Stores kStores, class P = None,
          Order kOrder = Order::kLinear>
void Move(const StreamSpan& span) {
  const D d;
  const hn::Vec<D> zero = hn::Set(d, span.zero);
  hn::Vec<D> seen = zero;
  const unsigned char* from = span.from;
  unsigned char* to = span.to;
  const unsigned char* row = span.rows;
  for (size_t chunk = 0; chunk < span.chunks; ++chunk) {
    seen = ReadRow(d, seen, row, span.chunk_row_bytes);
    row += span.chunk_row_bytes;
    for (size_t piece = 0; piece < span.chunk_pieces; ++piece) {
      Piece<D, kStores, P, kOrder>(d, zero, from, to, span.piece_bytes);
      from += span.piece_stride;
      to += span.piece_stride;
    }
  }
  hn::StoreU(seen, d, span.sink);
  if (kStores == Stores::kNonTemporal) hwy::FlushStream();
}

void Copy(const StreamSpan& span) {
  const Wide d;
  const hn::Vec<Wide> seen =
      ReadRow(d, hn::Zero(d), span.rows, span.chunks * span.chunk_row_bytes);
  hn::StoreU(seen, d, span.sink);
  memcpy(span.to, span.from,
         span.chunks * span.chunk_pieces * span.piece_bytes);
}

constexpr Stores kOrdinary = Stores::kOrdinary;
constexpr Stores kNonTemporal = Stores::kNonTemporal;

constexpr StreamUse kAny = StreamUse::kAny;
constexpr StreamUse kOutOfPlace = StreamUse::kOutOfPlace;
constexpr StreamUse kPieces = StreamUse::kPieces;
constexpr StreamUse kNoPieces = StreamUse::kNoPieces;

constexpr Stream kStreams[] = {
    {"wide", &Move<Wide, kOrdinary>, kAny},
    {"wide, paired", &Move<Wide, kOrdinary, None, Order::kPaired>, kAny},
    {"wide, to L1", &Move<Wide, kOrdinary, ToL1>, kNoPieces},
    {"wide, far to L1", &Move<Wide, kOrdinary, ToL1Far>, kNoPieces},
    {"wide, far to L2", &Move<Wide, kOrdinary, ToL2>, kNoPieces},
    {"wide, far to L2, near to L1", &Move<Wide, kOrdinary, ToBoth>, kNoPieces},
    {"wide, pieces to L2", &Move<Wide, kOrdinary, PiecesToL2>, kPieces},
    {"wide, pieces to L2, near to L1", &Move<Wide, kOrdinary, PiecesToBoth>,
     kPieces},
    {"narrow, pieces to L2, near to L1", &Move<Narrow, kOrdinary, PiecesToBoth>,
     kPieces},
    {"narrow, far pieces to L2, near to L1",
     &Move<Narrow, kOrdinary, FarPiecesToBoth>, kPieces},
    {"narrow", &Move<Narrow, kOrdinary>, kAny},
    {"non-temporal", &Move<Wide, kNonTemporal>, kAny},
    {"non-temporal, to L1", &Move<Wide, kNonTemporal, ToL1>, kOutOfPlace},
    {"non-temporal, far to L2", &Move<Wide, kNonTemporal, ToL2>, kOutOfPlace},
    {"non-temporal, past L2", &Move<Wide, kNonTemporal, PastL2>, kOutOfPlace},
    {"non-temporal, narrow", &Move<Narrow, kNonTemporal>, kOutOfPlace},
    {"memcpy", &Copy, kOutOfPlace}};
constexpr StreamSet kSet = {"", kStreams, sizeof(kStreams) / sizeof(Stream)};

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace rotary_bench
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace rotary_bench {
namespace {

// NULL where the target is not compiled in.
const StreamSet* ForTarget(const char* target) {
#if HWY_TARGETS & HWY_AVX3
  if (strcmp(target, "avx3") == 0) return &N_AVX3::kSet;
#endif
#if HWY_TARGETS & HWY_AVX2
  if (strcmp(target, "avx2") == 0) return &N_AVX2::kSet;
#endif
#if HWY_TARGETS & HWY_SSE4
  if (strcmp(target, "sse4") == 0) return &N_SSE4::kSet;
#endif
#if HWY_TARGETS & HWY_SSSE3
  if (strcmp(target, "ssse3") == 0) return &N_SSSE3::kSet;
#endif
  static_cast<void>(target);
  return nullptr;
}

}  // namespace

StreamSet Streams() {
  // rotary knows what this CPU has, and may have targets that streams do not
  // need.
  for (int32_t i = 0; i < rotary_target_count(); ++i) {
    const char* target = rotary_target_name(i);
    const StreamSet* found = ForTarget(target);
    if (found == nullptr) continue;
    StreamSet set = *found;
    set.target = target;
    return set;
  }
  // What the compiler may use anyway: NEON, or scalar code.
  StreamSet set = HWY_STATIC_DISPATCH(kSet);
  set.target = rotary_target_name(0);
  return set;
}

}  // namespace rotary_bench

#endif  // HWY_ONCE
