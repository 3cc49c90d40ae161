// Stream kernels: they move the bytes of a case and do next to nothing with
// them, so that their time is the limit for a rotation.  Used by stream_team.h
// and measure.cc.

#ifndef ROTARY_BENCH_STREAM_H_
#define ROTARY_BENCH_STREAM_H_

#include <stddef.h>
#include <stdint.h>

namespace rotary_bench {

// One thread's part: chunk by chunk, the bytes at `rows` are read and those at
// `from` go to `to` (which may be the same), each xored with `zero`.  A chunk
// is one piece, or several that have bytes between them which are not moved.
struct StreamSpan {
  const unsigned char* from;  // from, to: aligned to 64 bytes
  unsigned char* to;
  const unsigned char* rows;  // kept rows, aligned to 8 bytes
  size_t chunks;
  size_t chunk_pieces;
  size_t piece_bytes;      // a multiple of 64
  size_t piece_stride;     // a multiple of 64, also from chunk to chunk
  size_t chunk_row_bytes;  // a multiple of 64; 0: no rows are read
  uint32_t zero;           // 0, which the compiler must not know
  uint32_t* sink;          // [16], depends on every row that was read
};
inline constexpr size_t kStreamBlock = 512;  // what is moved at a time, if it
                                             // is there

// What a kernel is for: some cost a trial that they cannot win.
enum class StreamUse { kAny, kOutOfPlace, kPieces, kNoPieces };

struct Stream {
  const char* name;
  void (*run)(const StreamSpan& span);
  StreamUse use;
};

// Kernels for the best target of this CPU, and that target's name as rotary
// has it.  Which one is fastest depends on the CPU and on the size.
struct StreamSet {
  const char* target;
  const Stream* streams;
  size_t count;
};
StreamSet Streams();

}  // namespace rotary_bench

#endif  // ROTARY_BENCH_STREAM_H_
