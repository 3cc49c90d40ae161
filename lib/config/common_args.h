// The arguments that several calls have: positions, mode, target, threads.

#ifndef ROTARY_LIB_CONFIG_COMMON_ARGS_H_
#define ROTARY_LIB_CONFIG_COMMON_ARGS_H_

#include "include/rotary/rotary.h"
#include "lib/config/error.h"
#include "lib/config/region.h"
#include "lib/kernels/target.h"
#include "lib/rows/make_rows.h"
#include "lib/rows/positions.h"

namespace rotary {

// The positions that something has: on so many axes, within a range each.
struct PositionRule {
  int64_t axes;
  const PositionRange* ranges;
  bool real;           // they need not be whole numbers
  const char* reason;  // why the range is what it is, or ""
};
inline const PositionRange* RangesOf(const rotary_embedding& embedding,
                                     Mode mode) {
  return mode == Mode::kShift ? embedding.shift_ranges : embedding.ranges;
}
inline PositionRule RuleOf(const rotary_embedding& embedding, Mode mode) {
  return {embedding.axes, RangesOf(embedding, mode), true, ""};
}

// Reads and checks every position of [batch][tokens].
rotary_status ReadPositionsArg(const rotary_positions* from, int64_t batch,
                               int64_t tokens, const PositionRule& rule,
                               Positions* positions, Sources* sources,
                               rotary_error* error);

// Of tensors, cos and sin.
inline bool ReadDtype(rotary_dtype from, Dtype* dtype) {
  *dtype = from == ROTARY_F32 ? kF32 : from == ROTARY_F16 ? kF16 : kBF16;
  return from == ROTARY_F32 || from == ROTARY_F16 || from == ROTARY_BF16;
}

inline bool ReadPairing(rotary_pairing from, Pairing* pairing) {
  *pairing = from == ROTARY_HALF ? kHalf : kInterleaved;
  return from == ROTARY_HALF || from == ROTARY_INTERLEAVED;
}

rotary_status CheckRotaryDim(int64_t rotary_dim, const char* name,
                             rotary_error* error);

// The stride of a dimension of `size`: `dense` for ROTARY_DENSE, and 0 where it
// is not used, so that it may be added and compared.
inline int64_t ReadStride(int64_t stride, int64_t size, uint64_t dense) {
  if (size < 2) return 0;
  return stride == ROTARY_DENSE ? static_cast<int64_t>(dense) : stride;
}

// Moves *low or *high as far as `size` steps of a stride reach.
inline bool Reach(int64_t size, int64_t stride, int64_t* low, int64_t* high) {
  if (size == 1) return true;
  int64_t span;
  if (__builtin_mul_overflow(size - 1, stride, &span)) return false;
  int64_t* end = span < 0 ? low : high;
  return !__builtin_add_overflow(*end, span, end);
}

// The data's memory in detail.
Region PositionsRegion(const Positions& positions, int64_t axes,
                       const Shape& shape);

inline rotary_status ReadMode(rotary_mode from, Mode* mode,
                              rotary_error* error) {
  *mode = static_cast<Mode>(from);
  if (from >= ROTARY_FORWARD && from <= ROTARY_SHIFT) return ROTARY_OK;
  return FailArgument(error, "mode", from,
                      "must be ROTARY_FORWARD, INVERSE or SHIFT");
}

// The log_n_length of rows for an embedding of so many axes.
inline rotary_status CheckLogN(double log_n_length, int64_t axes,
                               rotary_error* error) {
  if (log_n_length == 0.0) return ROTARY_OK;
  if (!(log_n_length > 1.0 && log_n_length <= 0x1p1000)) {
    return FailReal(error, "log_n_length", log_n_length,
                    "must be 0, or more than 1 and finite");
  }
  if (axes == 1) return ROTARY_OK;
  return FailReal(error, "log_n_length", log_n_length,
                  "must be 0 with positions of several axes");
}

// There is no target of that name; NULL: ROTARY_TARGET's.
[[gnu::cold]] rotary_status FailTarget(const char* name, rotary_error* error);

// The target of that name, or the default if it is NULL.
inline rotary_status ReadTarget(const char* name, Target* target,
                                rotary_error* error) {
  *target = name == nullptr ? DefaultTarget() : FindTarget(name);
  return *target != kNumTargets ? ROTARY_OK : FailTarget(name, error);
}

rotary_status ReadDefaultTarget(const char** name, rotary_error* error);

inline rotary_status ReadThreads(int32_t num_threads, rotary_error* error) {
  if (num_threads >= 0) return ROTARY_OK;
  return FailArgument(error, "num_threads", num_threads,
                      "must not be negative");
}

// batch and tokens, and that their product fits.
inline rotary_status ReadTokens(int64_t batch, int64_t tokens,
                                rotary_error* error) {
  if (batch < 0) {
    return FailArgument(error, "batch", batch, "must not be negative");
  }
  if (tokens < 0) {
    return FailArgument(error, "tokens", tokens, "must not be negative");
  }
  int64_t product;
  if (__builtin_mul_overflow(batch, tokens, &product)) {
    return FailArgument(error, "batch", batch, "times tokens is too large");
  }
  return ROTARY_OK;
}

}  // namespace rotary

#endif  // ROTARY_LIB_CONFIG_COMMON_ARGS_H_
