// Rotary positional embeddings (RoPE) on CPUs: the C ABI of librotary, and its
// manual.
//
// SPDX-License-Identifier: Apache-2.0
//
// 1. What it does
// ---------------
// RoPE (Su et al., "RoFormer", arXiv:2104.09864) rotates each pair of elements
// (a, b) of a query or key head by an angle that grows with the position p of
// its token,
//
//     a' = a * cos - b * sin       cos = gain * cos(p * inv_freq[i])
//     b' = b * cos + a * sin       sin = gain * sin(p * inv_freq[i])
//
// so that the dot product of a query and a key depends on the distance of
// their tokens only.  inv_freq has one entry for each pair i; by default
// inv_freq[i] = base^(-2 i / rotary_dim), and models that were made to reach
// further have a SCALING of that.  gain is 1 unless the model has an attention
// factor.  Which two elements form a pair is the PAIRING; how a
// tensor lies in memory is its LAYOUT, given by strides.
//
// 2. The simple call
// ------------------
//     rotary_embedding *embedding;
//     rotary_error error;
//     if (rotary_embedding_from_base(128, 500000.0, &embedding, &error)) ...
//
//     // q [tokens][32][128], k [tokens][8][128], f32, rotated in place
//     if (rotary_apply_qk(embedding, position_ids, ROTARY_I64, tokens,
//                         ROTARY_F32, ROTARY_HALF, 128,
//                         q, 32, ROTARY_DENSE, ROTARY_DENSE,
//                         k, 8, ROTARY_DENSE, ROTARY_DENSE, 0, &error))
//       fprintf(stderr, "%s\n", error.message);
//     rotary_embedding_destroy(embedding);
//
// 3. The objects
// --------------
// EMBEDDING  what the model is: rotary_dim, inv_freq, gain and a table of cos
//            and sin.  Immutable: any number of threads may share one.  It
//            knows nothing of tensors.
// ROWS       where the tokens are: for each token the cos and sin of every
//            pair, in f32.  Made once per step, rows serve queries and keys,
//            all heads, both pairings and every layer.  They live in memory
//            that the caller gives, hold no pointer, and are filled again
//            without allocation.
// TENSOR     what is rotated: pointers, strides, dtype and pairing, for input
//            and output apart.  One call takes any number of tensors.
// PREPARED   an apply call, or a fused one, that has been checked once, to be
//            run in slices from the threads of the caller's own pool.
//
// COS_SIN    a caller's own cos and sin, as a plain argument: the cache of an
//            inference engine, the tensors that a framework hands on.
// SLOTS      where in a KV cache the tokens of a step go.  Like rows they are
//            made once per step, in the caller's memory.
//
// An apply call takes its rotation from rows; or from an embedding and
// positions: then it makes the rows itself, a few at a time; or from a caller's
// own cos and sin.
//
// 4. Conventions, valid for every function
// ----------------------------------------
// Return.    Every function that can fail returns a rotary_status and takes an
//            optional rotary_error that says which argument was wrong, and its
//            value.  A call that fails has written nothing but the error (but
//            see rotary_slots_init).  The library never prints, aborts or
//            throws.
// Strides    are int64_t and count ELEMENTS.  They may be negative.  0 is a
//            broadcast and legal on inputs only.  ROTARY_DENSE stands for the
//            stride that a dense array has.  The stride of a dimension of size
//            0 or 1 is never used.  The elements of one head are contiguous.
// Sizes      are int64_t.  A size of 0 (no tokens, no heads) is legal: nothing
//            is done.
// Alignment  data is aligned to its element, no more is asked; memory given to
//            the library to 8 bytes.  Tensors aligned to 64 bytes are fastest.
// Aliasing   In place means the same pointer, strides and element size in
//            input and output.  Otherwise every output must be disjoint from
//            every input and from every other output: two tensors are disjoint
//            if their byte ranges are, or if they have the same strides and
//            their bytes within one step of the largest stride are (queries,
//            keys and values of a packed QKV, in any layout).  What is not
//            provably disjoint is an error, as is an output two of whose own
//            elements coincide.  Inputs may overlap each other.  Positions,
//            rows and the caller's other memory must not overlap an output.
// Threads    Functions may be called from any thread at any time; objects that
//            are only read may be shared.  num_threads: 1 = the calling thread
//            alone (the OpenMP runtime is never entered, nothing is allocated
//            or locked); 0 = the library chooses by the amount of work and the
//            processors there are; n = the same, but at most n threads.  The
//            library has at most one OpenMP team in the process at a time: a
//            call that finds it taken runs in its own thread.  After fork() the
//            child's calls run in the calling thread.  A signal handler may
//            make calls with num_threads 1 that make no object.  A call takes
//            at most 16 KB of stack, 32 KB where it changes a pairing in place
//            or fuses.
// Structs    start with size_t struct_size, so that they can grow.  Fill one
//            with its init function, which takes sizeof(the struct) and sets
//            each field to its default, then set what differs.  (Given a size
//            that the struct had in no version it writes nothing.)  Fields
//            behind the size of an older version count as 0.
//
// 5. Accuracy
// -----------
// An embedding's inv_freq is f64, and the true angle is position * inv_freq,
// summed over the axes, exactly, for every |position| < 2^31.  A row's cos and
// sin are within max(1 ulp of f32, 2^-50) of the true value, times gain (unless
// the embedding's arithmetic is another).  Rotation is in f32, by separate
// multiplies and adds: with u = 2^-24, the rounding error of an output is at
// most 2u (|a cos| + |b sin|) + 2^-149 beside the row's.  Elements of 16 bits
// are widened exactly and, as outputs, rounded once: to nearest, ties to even,
// subnormals kept.  NaN and infinity behave as IEEE 754 says.
//
// The same bits come out for every target (scalar to AVX-512, NEON), number of
// threads, slicing, layout, and row source, in the default floating-point
// environment; any NaN counts as equal to any NaN.  A caller's own cos and sin
// are used as they are, widened exactly.
//
// 6. Targets
// ----------
// The library holds its kernels for several SIMD instruction sets ("targets")
// and takes the best that the CPU has.  Names, in any case: scalar, ssse3,
// sse4, avx2, avx3 (AVX-512), avx3_bf16 (with its BF16, since 0.4), neon.  A
// call can be held to one by its `target` field, all calls of a process by the
// environment variable ROTARY_TARGET, which is read once (empty: as if unset).
// With an unknown or unsupported name there, every call that makes rows or
// rotates returns ROTARY_ERROR_TARGET.
//
// Every function and type here is there since version 0.1 unless it says more.

#ifndef ROTARY_ROTARY_H_
#define ROTARY_ROTARY_H_

#include <stddef.h>
#include <stdint.h>

#if UINTPTR_MAX != 0xffffffffffffffffu
#error "rotary supports 64-bit platforms only"
#endif
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "rotary supports little-endian platforms only"
#endif

#define ROTARY_VERSION_MAJOR 0
#define ROTARY_VERSION_MINOR 5
#define ROTARY_VERSION_PATCH 0
// The number in the shared library's SONAME; it changes with the binary
// interface, not with the version.
#define ROTARY_ABI_VERSION 0

#if defined(ROTARY_STATIC)
#define ROTARY_API
#elif defined(__GNUC__)
#define ROTARY_API __attribute__((visibility("default")))
#else
#define ROTARY_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

// ---------------------------------------------------------------- constants

// What a call returns.  The values are pinned; new ones may be added.
typedef int32_t rotary_status;
enum {
  ROTARY_OK = 0,
  ROTARY_ERROR_ARGUMENT = 10,     // an argument is outside its domain
  ROTARY_ERROR_STRUCT_SIZE = 11,  // a struct_size that no version has, or a
                                  // field set that this version does not know
  ROTARY_ERROR_OVERLAP = 20,      // memory overlaps (see Aliasing)
  ROTARY_ERROR_POSITION = 30,     // a position is not within (-2^31, 2^31)
  ROTARY_ERROR_SLOT = 31,         // a slot is not in the cache, or taken twice
                                  // (since 0.5)
  ROTARY_ERROR_TARGET = 40,       // an unknown target, or not on this CPU
  ROTARY_ERROR_UNSUPPORTED = 50,  // legal, but not in this version
  ROTARY_ERROR_MEMORY = 60        // memory could not be allocated
};

// Element types.  Tensors, cos and sin: F32, F16 (IEEE 754 binary16), BF16 (the
// upper half of an F32).  inv_freq: F64, F32.  Positions: the integers, F32,
// F64.  Caches also I8; fp8 in OCP's formats, F8_E4M3 (up to 448, without
// infinity) and F8_E5M2; and ggml's Q8_0, blocks of 32 elements.
typedef int32_t rotary_dtype;
enum {
  ROTARY_F32 = 1,
  ROTARY_F64 = 2,
  ROTARY_F16 = 3,
  ROTARY_BF16 = 4,
  ROTARY_I32 = 16,
  ROTARY_U32 = 17,
  ROTARY_I64 = 18,
  ROTARY_U64 = 19,
  // Since 0.5.
  ROTARY_I8 = 32,
  ROTARY_F8_E4M3 = 33,
  ROTARY_F8_E5M2 = 34,
  ROTARY_Q8_0 = 40
};

// Which two elements of the rotated range form pair i of d / 2, d = rotary_dim.
// Models do not agree, checkpoints do not tell, and the wrong one gives wrong
// output without an error: there is no default.
typedef int32_t rotary_pairing;
enum {
  ROTARY_HALF = 1,        // (i, i + d/2): GPT-NeoX, Llama in HF transformers
  ROTARY_INTERLEAVED = 2  // (2i, 2i + 1): the RoFormer paper, GPT-J
};

// What rows are made for.  With R = rotation by the true angle:
typedef int32_t rotary_mode;
enum {
  ROTARY_FORWARD = 0,  // gain * R
  ROTARY_INVERSE = 1,  // R^-1 / gain: undoes FORWARD at the same position
  ROTARY_SHIFT = 2     // R, without gain: moves an already rotated key by a
                       // position difference.  (Of xPos with what its gain
                       // grows by over so many positions.)
};

// What the values of a rotary_positions mean.
typedef int32_t rotary_positions_kind;
enum {
  ROTARY_POSITION_IDS = 0,     // a position for each token
  ROTARY_POSITION_STARTS = 1,  // the position of the first token of each
                               // sequence; token t of it is at start + t
  // As STARTS, of sequences of any length one behind the other in a batch of 1:
  // sequence s is tokens [cu_seqlens[s], cu_seqlens[s + 1]).  (Since 0.2.)
  ROTARY_POSITION_PACKED = 2
};

// How the workers of context parallelism share a sequence.  Chunk i of n begins
// at token floor(i * tokens / n): lengths of chunks differ by at most 1.
// (Since 0.3.)
typedef int32_t rotary_shard_kind;
enum {
  ROTARY_SHARD_CONTIGUOUS = 1,  // of `ranks` chunks, rank r holds chunk r
  // Of n = 2 * ranks chunks, rank r holds chunk r and chunk n - 1 - r, which
  // balances causal attention: Megatron-LM, zigzag ring attention.
  ROTARY_SHARD_ZIGZAG = 2
};

// How an output is written.
typedef int32_t rotary_store;
enum {
  ROTARY_STORE_AUTO = 0,   // STREAM if inputs and outputs of the call together
                           // fill the last-level cache, else KEEP
  ROTARY_STORE_KEEP = 1,   // through the caches: it will be read soon
  ROTARY_STORE_STREAM = 2  // past the caches, where alignment allows; in place
                           // as KEEP
};

// How a row of a caller's cos or sin holds one value for each pair i of d / 2.
// (Since 0.2.)
typedef int32_t rotary_width;
enum {
  ROTARY_WIDTH_PAIRS = 1,     // [d / 2]: once, at i
  ROTARY_WIDTH_HALVES = 2,    // [d]: twice, at i and i + d / 2
  ROTARY_WIDTH_NEIGHBORS = 3  // [d]: twice, at 2 i and 2 i + 1
};

// The stride that a dense array has: [batch][tokens][heads][head_dim] for
// tensors, [batch][tokens] for positions and rows, [batch][tokens][width] for a
// caller's cos and sin.
#define ROTARY_DENSE INT64_MIN

// Positions that mean "do not rotate this token": it is copied unchanged (in
// place: left alone), without gain.
#define ROTARY_NO_POSITION_I32 INT32_MIN
#define ROTARY_NO_POSITION_U32 UINT32_MAX
#define ROTARY_NO_POSITION_I64 INT64_MIN
#define ROTARY_NO_POSITION_U64 UINT64_MAX

// ------------------------------------------------------------------- errors

// What was wrong.  Owned by the caller, needs no initialization, and is written
// only by a call that fails.
typedef struct rotary_error {
  rotary_status status;
  int32_t tensor;     // index into tensors, or -1
  int64_t token;      // batch index * tokens + token index, or -1
  int64_t value;      // the argument's value (u64: its bits), if an integer
  double real_value;  // the argument's value, if a real number
  char argument[64];  // its name, "tensors[1].output_head_stride"
  char message[256];  // a sentence with all of this
  char reserved[160];
} rotary_error;

// The name of a status, "ROTARY_ERROR_OVERLAP".  Never NULL: a value that this
// version does not know gives "unknown rotary_status".  Static.
ROTARY_API const char *rotary_status_string(rotary_status status);

// -------------------------------------------------- version, build, targets

// The version of the library that runs (the macros tell the header's):
// major * 1000000 + minor * 1000 + patch, and "major.minor.patch".
ROTARY_API int32_t rotary_version(void);
ROTARY_API const char *rotary_version_string(void);
ROTARY_API int32_t rotary_abi_version(void);

// 1 if the library was built with OpenMP, else 0: then every call runs in the
// calling thread.
ROTARY_API int32_t rotary_has_openmp(void);

// The targets that this library has and this CPU runs, best first: how many,
// and the name of each (NULL outside 0 <= index < count).  Static.
ROTARY_API int32_t rotary_target_count(void);
ROTARY_API const char *rotary_target_name(int32_t index);

// The target that calls use which do not name one: the value of ROTARY_TARGET,
// or the best.  Fails with ROTARY_ERROR_TARGET as those calls do.
ROTARY_API rotary_status rotary_target_default(const char **name,
                                               rotary_error *error);

// ---------------------------------------------------------------- embedding

typedef struct rotary_embedding rotary_embedding;

// How the frequencies b[i] = base^(-2 i / d) of a model become inv_freq, so
// that it reaches further than it was trained.  s is `factor`, L0
// `original_length`; a frequency is kept, b[i]; interpolated, b[i] / s; or
// NTK-aware, b[i] s^(-2 i / (d - 2)), that of the base times s^(d / (d - 2)),
// which keeps the first and interpolates the last.  With a share w of z, y is
// y (1 - w) + z w.
//
// A ramp from r to r' turns falls from 1 to 0 between the pair that turns r
// times in L0, i = d ln(L0 / (2 pi r)) / (2 ln base), and that of r' <= r: the
// first rounded down, the second up to a whole pair (see truncate), both within
// 0 to d - 1, and 0.001 apart where they are the same.  It needs base > 1 and
// an L0 for which it does not lie outside of 0 to d - 1.  (Since 0.3.)
typedef int32_t rotary_scaling_kind;
enum {
  ROTARY_SCALING_DEFAULT = 0,  // all kept
  // All interpolated: arXiv:2306.15595.
  ROTARY_SCALING_LINEAR = 1,
  // All NTK-aware; Hunyuan's alpha as s.
  ROTARY_SCALING_NTK = 2,
  // All NTK-aware with s L / L0 - (s - 1) as s, L = max(length, L0): HF
  // "dynamic".
  ROTARY_SCALING_DYNAMIC_NTK = 3,
  // Interpolated, with a share of NTK-aware, ntk_factor times a ramp from
  // beta_0 to beta_1 turns; and this with a share of kept, extrapolation_factor
  // times a ramp from gamma_0 to gamma_1 turns: jquesnelle's part-NTK.
  ROTARY_SCALING_NTK_BY_PARTS = 4,
  // b[i] / exp(a (i + 1)^exponent), a = ln s / (d / 2)^exponent: Su's mixed.
  ROTARY_SCALING_NTK_MIXED = 5,
  // Interpolated, with a share of kept, extrapolation_factor times a ramp from
  // beta_fast to beta_slow turns (not used if that factor is 0):
  // arXiv:2309.00071.  The attention factor is attention_factor if set; else,
  // if both are set, g(mscale) / g(mscale_all_dim); else g(1): g(m) = 1 +
  // 0.1 m ln s, and 1 for s <= 1.
  ROTARY_SCALING_YARN = 6,
  // b[i] divided by long_factors[i] if length > L0, else by short_factors[i]:
  // arXiv:2402.13753.  The attention factor is attention_factor if set; else
  // 1 for s <= 1; else sqrt(1 + ln s / ln L0), for which L0 must be > 1.  Where
  // a config has no factor, s is max_position_embeddings / L0 (Phi-3).
  ROTARY_SCALING_LONGROPE = 7,
  // Kept where a pair turns more than high_freq_factor times in L0,
  // interpolated where less than low_freq_factor times, linear in the turns
  // between (if both factors are the same: interpolated): Llama 3.1.
  ROTARY_SCALING_LLAMA3 = 8,
  // The first floor(partial_rotary_factor d / 2) interpolated, the others 0:
  // Gemma 4.
  ROTARY_SCALING_PROPORTIONAL = 9,
  // The frequencies of YARN, by ggml's names: s = 1 / freq_scale,
  // extrapolation_factor = ext_factor (llama.cpp's -1, "choose", is refused),
  // factors = freq_factors, and attn_factor is the config's gain.  The
  // attention factor is 1 + 0.1 ln s for any s, and 1 if ext_factor is 0.
  ROTARY_SCALING_GGML = 10,
  // Not of a base: n frequencies from first_freq to last_freq, i-th of them
  // first_freq (last_freq / first_freq)^(i / (n - 1)): LTX-Video (pi / 2 to
  // base pi / 2), DINOv3 by periods (2 pi / min_period to 2 pi / max_period).
  ROTARY_SCALING_GEOMETRIC = 11,
  // The same with equal steps: lucidrains' "pixel" (pi to pi max_freq / 2).
  ROTARY_SCALING_LINSPACE = 12,
  // Kept, but if length is not 0, frequency `pair` becomes 0.9 * 2 pi / length:
  // RIFLEx, arXiv:2502.15894, whose k counts from 1.  Of several axes, that of
  // the first only.
  ROTARY_SCALING_RIFLEX = 13
};

// The numbers of all kinds.  Those that a kind does not use are not looked at;
// all others must be finite and positive, or 0 as well where that is said.
typedef struct rotary_scaling {
  size_t struct_size;
  rotary_scaling_kind kind;
  int32_t truncate;        // default 1; 0: a YARN ramp's ends are not rounded
  double factor;           // s; default 1
  double original_length;  // L0, original_max_position_embeddings; no default
  double length;           // of the sequence, 0 or more: DYNAMIC_NTK, LONGROPE,
                           // RIFLEX
  double attention_factor;  // YARN, LONGROPE; default 0: by the kind's formula
  double beta_fast;         // default 32; not less than beta_slow
  double beta_slow;         // default 1
  double extrapolation_factor;   // 0 to 1; default 1, of GGML 0
  double mscale;                 // default 0: not set
  double mscale_all_dim;         // default 0: not set
  double low_freq_factor;        // default 1
  double high_freq_factor;       // default 4; not less than low_freq_factor
  double partial_rotary_factor;  // 0 to 1; default 1
  double ntk_factor;             // 0 to 1; default 1
  double beta_0;                 // default 1.25; not less than beta_1
  double beta_1;                 // default 0.75
  double gamma_0;                // default 16; not less than gamma_1
  double gamma_1;                // default 2
  double exponent;               // 0 or more; default 0.625
  double first_freq;             // no default
  double last_freq;              // no default
  double pair;                   // 0, 1 .. of the frequencies; default 0
  // Divisors, [heads][rotary_dim / 2] each, copied.  `factors`, unless NULL,
  // divide what a kind makes, whichever it is; the others belong to LONGROPE.
  const void *factors;
  const void *short_factors;
  const void *long_factors;
  rotary_dtype factors_dtype;  // of all three: ROTARY_F64 or F32 (default)
  int32_t reserved;            // 0
} rotary_scaling;

// Sets the defaults of a kind.
ROTARY_API void rotary_scaling_init(rotary_scaling *scaling, size_t struct_size,
                                    rotary_scaling_kind kind);

// The most axes that a position has.
#define ROTARY_MAX_AXES 8

// Positions of several axes (time, height and width of a patch, say): pair i of
// a head turns by position[axis] * (a frequency), with axis and frequency as
// the layout says.  n is the number of axes, d / 2 that of all pairs (of all
// heads, if they have frequencies of their own), s[a] = sections[a].
//
// With "its own" frequency, pair i has frequency i of d, as with one axis;
// frequencies that "begin again" are numbered from 0 in each axis, and the d of
// their exponents is twice as many as the axis has, or freq_dim if that is set.
// What scalings have by i, they have by this number; but ramps and divisors go
// by the place of a pair among all, also where frequencies begin again, as ggml
// has it.
//
// What models have (half pairing; Ernie, GLM-4V, SAM 2, Llama 4, Flux, Wan and
// LTX-Video interleaved):
//     Qwen2-VL        SECTIONS {16, 24, 24}: t, h, w; in text all the same
//     Qwen3-VL        INTERLEAVED {24, 20, 20}: t, h, w
//     Ernie 4.5 VL    ALTERNATING_LAST {20, 22, 22}: t, h, w
//     Qwen-VL vision  BLOCKS {20, 20} of rotary_dim 80: h, w
//     Pixtral         STRIDED, 2 axes: h, w
//     SAM 2           BLOCKS of equal size: x, y
//     Llama 4 vision  BLOCKS of equal size: x, y; offset 1, class token
//                     ROTARY_NO_POSITION_*
//     DINOv3          BLOCKS of equal size: h, w; base 100, LINEAR with factor
//                     1 / (2 pi); F64 positions in -1 to 1, other tokens NaN
//     Flux            BLOCKS {8, 28, 28}; ids [tokens][3] have token_stride 3,
//                     axis_stride 1
//     Wan 2.1         BLOCKS {22, 21, 21} of rotary_dim 128: t, h, w
//     LTX-Video       ALTERNATING, 3 axes, heads 32, GEOMETRIC from pi / 2 to
//                     base pi / 2; positions 2 g - 1 of fractions g
//     Gemma vision    one axis, two calls: see rotary_axes
// (Since 0.3.)
typedef int32_t rotary_axes_layout;
enum {
  // inv_freq of the config, [heads][n][rotary_dim / 2]: the angle of a pair is
  // the sum over the axes (RoPE-Mixed and others that learn it).
  ROTARY_AXES_GIVEN = 0,
  // s[0] pairs of axis 0, then s[1] of axis 1 ..; its own: M-RoPE of Qwen2-VL,
  // GLM-4V, Hunyuan.
  ROTARY_AXES_SECTIONS = 1,
  // The same, from s[0] on again if pairs are left: ggml's MROPE.
  ROTARY_AXES_SECTIONS_GGML = 2,
  // Pair i of axis i % n while i < n s[i % n], then of axis 0, which so may
  // have more pairs than s[0]; its own: M-RoPE of Qwen3-VL.
  ROTARY_AXES_INTERLEAVED = 3,
  // With j = i % (s[0] + s[1] + s[2] + s[3]): of axis j % 3 while j < 3 s[j %
  // 3], then of axis 3; its own; n = 4: ggml's IMROPE.
  ROTARY_AXES_INTERLEAVED_GGML = 4,
  // Axes 1 and 2 in turn for s[1] + s[2] pairs, then s[0] of axis 0; its own; n
  // = 3: Ernie 4.5 VL (sections in the order of the axes: t, h, w).
  ROTARY_AXES_ALTERNATING_LAST = 5,
  // As SECTIONS, but frequencies begin again: Qwen-VL's vision, SAM 2, Llama 4,
  // DINOv3 (linear scaling by 1 / (2 pi)), Flux, Wan, HunyuanVideo, ggml's
  // VISION, "pixel".
  ROTARY_AXES_BLOCKS = 6,
  // n blocks of equal size, of which block a has frequencies a, a + n, a + 2 n
  // ..: Pixtral.  Sections are not used, as of the next.
  ROTARY_AXES_STRIDED = 7,
  // The axes in turn, frequencies begin again; what is left over by n is
  // first, and does not turn: Kimi, LTX-Video.
  ROTARY_AXES_ALTERNATING = 8
};

// Gemma's vision has two blocks in a head, each with pairs of its own: two
// calls with an embedding of one axis, rotary_offset and rotary_dim of a block.
typedef struct rotary_axes {
  size_t struct_size;
  int64_t num_axes;           // 1 to ROTARY_MAX_AXES; default 1
  rotary_axes_layout layout;  // default ROTARY_AXES_GIVEN
  int32_t reserved;           // 0
  // Pairs of each axis, 0 or more.  All pairs together, but of the two layouts
  // of ggml, where they are 1 or more.
  int64_t sections[ROTARY_MAX_AXES];
  // The positions that each axis may have, both ends included: within +-(2^31 -
  // 1), which is the default.  Differences, for ROTARY_SHIFT, may be any.
  double low[ROTARY_MAX_AXES];
  double high[ROTARY_MAX_AXES];
} rotary_axes;

ROTARY_API void rotary_axes_init(rotary_axes *axes, size_t struct_size);

// How rows of cos and sin are computed.  Models were trained with the rounding
// of their framework; the errors of f32 angles reach 0.1 at position 10^6.
// (Since 0.3.)
typedef int32_t rotary_arithmetic;
enum {
  ROTARY_EXACT = 0,  // see Accuracy
  // As HF transformers: position and inv_freq rounded to f32, as is their
  // product; its cos and sin in f32, then the gain.  HF makes inv_freq in f32
  // too: for its bits give the model's own, as ROTARY_F32; computed here it may
  // differ in the last one.  Of rows only: tensors are rotated as ever, rounded
  // once, where HF rounds products too.  Each pair needs an axis of its own (no
  // ROTARY_AXES_GIVEN but of one axis).
  ROTARY_COMPATIBLE_HF = 1,
  // As ggml: the position in f32 is multiplied by base^(-2 / d) once for each
  // pair.  By default scaling and by ROTARY_SCALING_GGML only.
  ROTARY_COMPATIBLE_GGML = 2
};

// xPos (arXiv:2212.10554) gives a pair a gain that grows with the position,
// z^((p - center) / scale_base), z = (2 i + 0.4 d) / (1.4 d), for queries, and
// the inverse of that for keys: two embeddings.  Positions are limited to those
// for which it is within 2^-126 to 2^126 (35000 around the center at 512), also
// times the config's gain.  SHIFT counts from 0, whatever the center.  For one
// axis, exact, the same for all heads.  (Since 0.3.)
typedef int32_t rotary_xpos;
enum { ROTARY_XPOS_NONE = 0, ROTARY_XPOS_QUERY = 1, ROTARY_XPOS_KEY = 2 };

typedef struct rotary_embedding_config {
  size_t struct_size;
  int64_t rotary_dim;  // elements of a head that are rotated: even, 2 to 65536
  double base;         // theta, > 0; default 10000; unused if inv_freq is given
  double gain;         // 2^-126 to 2^126, also times the attention factor of
                       // `scaling`; default 1
  // [heads][rotary_dim / 2] values to use as they are, or NULL.  (With
  // ROTARY_AXES_GIVEN [heads][axes][rotary_dim / 2].)  Any number that is
  // finite, also times 2^31 (with compatible arithmetic to 2^127); 0 never
  // rotates its pair, a negative one turns the other way.  Copied.
  const void *inv_freq;
  rotary_dtype inv_freq_dtype;  // ROTARY_F64 or ROTARY_F32; default F64
  int32_t reserved;             // 0

  // Since version 0.3.
  const rotary_scaling *scaling;  // NULL (default): none.  Not with inv_freq
  int64_t freq_dim;  // d of the frequencies, to 65536; default 0: rotary_dim
                     // times heads, or as the axes have it.  More than 2 for
                     // NTK-aware ones; unused if inv_freq is given
  const rotary_axes *axes;  // NULL (default): one
  // Default 1 (as is 0): all heads share the rotation.  Else head h of a tensor
  // has its own (a tensor may have fewer heads), and a token that many rows.
  // Frequencies of a base and sections run through all heads, pair i of head h
  // being h rotary_dim / 2 + i.  heads * rotary_dim is at most 65536.
  int64_t heads;
  rotary_arithmetic arithmetic;  // default ROTARY_EXACT
  // What each cos and sin of COMPATIBLE_HF is rounded to: ROTARY_F32 (default,
  // as is 0), or F16 or BF16 as models in these types do.
  rotary_dtype row_dtype;
  rotary_xpos xpos;        // default ROTARY_XPOS_NONE
  int32_t reserved2;       // 0
  double xpos_scale_base;  // positive; default 512
  double xpos_center;      // default 0
} rotary_embedding_config;

ROTARY_API void rotary_embedding_config_init(rotary_embedding_config *config,
                                             size_t struct_size);

// The bytes that an embedding of this config occupies (about 0.9 MB for 64
// pairs, whatever the positions; with heads, axes that are given, xPos or
// compatible arithmetic some kilobytes), told before anything is allocated.
// inv_freq and the divisors of a scaling are not read.
ROTARY_API rotary_status rotary_embedding_bytes_needed(
    const rotary_embedding_config *config, size_t *bytes, rotary_error *error);

// Makes an embedding (about a millisecond for 64 pairs).  Its table reaches
// every |position| < 2^31.
ROTARY_API rotary_status
rotary_embedding_create(const rotary_embedding_config *config,
                        rotary_embedding **embedding, rotary_error *error);

// The same from two numbers: inv_freq[i] = base^(-2 i / rotary_dim), gain 1.
ROTARY_API rotary_status
rotary_embedding_from_base(int64_t rotary_dim, double base,
                           rotary_embedding **embedding, rotary_error *error);

// An embedding of the same config but for its scaling's `length`, which counts
// for DYNAMIC_NTK, LONGROPE and RIFLEX.  *other is `embedding` itself if the
// length changes nothing, also of the other kinds and of given inv_freq; else a
// new one, to be destroyed by itself: if (other != embedding)
// rotary_embedding_destroy(other).  Keys that were rotated by one embedding do
// not fit queries that are rotated by another.  (Since 0.3.)
ROTARY_API rotary_status
rotary_embedding_for_length(rotary_embedding *embedding, double length,
                            rotary_embedding **other, rotary_error *error);

// The way from one embedding to another, itself an embedding: it turns keys
// that `from` has rotated to what `to` rotates them to, when a cache outlives
// the frequencies that it was made by (LONGROPE from short to long factors,
// DYNAMIC_NTK of another length).  It has the axes of both: first the positions
// that keys have by `from`, then those that they are to have by `to`; where
// these are the same, positions have axis_stride 0.  The angle is position *
// inv_freq by `to` less that by `from`, exactly; the gain is that of `to` over
// that of `from`, with ROTARY_FORWARD.  from == to moves keys from old to new
// positions.  Both are exact, without xPos, and have the same rotary_dim, heads
// and axes, ROTARY_MAX_AXES / 2 at most; they may be destroyed before it.
// (Since 0.5.)
ROTARY_API rotary_status rotary_embedding_between(const rotary_embedding *from,
                                                  const rotary_embedding *to,
                                                  rotary_embedding **between,
                                                  rotary_error *error);

// NULL is legal.  No call that uses the embedding may be under way.
ROTARY_API void rotary_embedding_destroy(rotary_embedding *embedding);

// What an embedding holds; its gain with the attention factor of the scaling.
// NULL gives 0.
ROTARY_API int64_t
rotary_embedding_rotary_dim(const rotary_embedding *embedding);
ROTARY_API double rotary_embedding_gain(const rotary_embedding *embedding);
ROTARY_API size_t rotary_embedding_bytes(const rotary_embedding *embedding);

// What the model's softmax scale is to be multiplied by beside 1 /
// sqrt(head_dim): DeepSeek's g(mscale_all_dim)^2 of YARN if that is set,
// else 1. The library never applies it.  NULL gives 0.  (Since 0.3.)
ROTARY_API double rotary_embedding_softmax_multiplier(
    const rotary_embedding *embedding);

// 64 bits that are equal for embeddings of equal rotation, whose rows are made
// of the same numbers, and, but by chance, for no others: to tag keys in a
// cache with.  What rotates as the same numbers say has the same fingerprint in
// every version of the library.  (inv_freq that is computed from a base counts
// in its last bit, which may be another with another maths library.)  The
// ranges of axes and the softmax multiplier do not count.  NULL gives 0.
// (Since 0.3.)
ROTARY_API uint64_t
rotary_embedding_fingerprint(const rotary_embedding *embedding);

// Whether embeddings of two configs would have equal rotation, in that sense:
// *equal becomes 1 or 0.  Errors name "a.base", "b.base".  (Since 0.3.)
ROTARY_API rotary_status rotary_embedding_config_equal(
    const rotary_embedding_config *a, const rotary_embedding_config *b,
    int32_t *equal, rotary_error *error);

// How many axes its positions have, and how many heads have rows of their own.
// NULL gives 0.  (Since 0.3.)
ROTARY_API int64_t rotary_embedding_axes(const rotary_embedding *embedding);
ROTARY_API int64_t rotary_embedding_heads(const rotary_embedding *embedding);

// Copies inv_freq, [heads][axes][rotary_dim / 2] with count = all of them, in
// f64 as it is used: 0 where an axis does not turn a pair.
ROTARY_API rotary_status
rotary_embedding_inv_freq(const rotary_embedding *embedding, double *inv_freq,
                          int64_t count, rotary_error *error);

// ---------------------------------------------------------------- positions

// The position of token t of sequence b is
//     IDS:     offset + data[b * batch_stride + t * token_stride]
//     STARTS:  offset + data[b * batch_stride] + t
//     PACKED:  offset + data[s * batch_stride] + t - cu_seqlens[s]
// With data NULL (STARTS, PACKED) the value of data is taken as 0 for every
// sequence: position = offset + t.  Of axis a, a * axis_stride elements
// further; t and offset are added on every axis.  A sentinel
// (ROTARY_NO_POSITION_*, of F32 and F64 NaN) in data, on any axis, marks a
// token, or with STARTS and PACKED a whole sequence, that is not rotated.
// Tokens that are in no sequence of PACKED (behind the last, before the first)
// are padding: neither read nor written.  Negative positions are legal.  Every
// position must be within +-(2^31 - 1), or what the embedding's axes say, also
// beside a sentinel on another axis.  F32 and F64 are positions of any value
// (offset and t are added in f64).  Their rows take longer to make, and
// |position * inv_freq| may be 2^40 at most, as wherever there is no table; of
// n axes that are summed 2^40 / n on each.
typedef struct rotary_positions {
  size_t struct_size;
  const void *data;
  rotary_dtype dtype;          // ROTARY_I32, U32, I64, U64; since 0.3 F32, F64;
                               // unused if data is NULL
  rotary_positions_kind kind;  // default ROTARY_POSITION_IDS
  int64_t batch_stride;        // default ROTARY_DENSE: IDS tokens, else 1
  int64_t token_stride;        // default ROTARY_DENSE: 1; used by IDS only
  int64_t offset;              // default 0

  // Since version 0.2, read with PACKED only: [num_sequences + 1], ascending,
  // within 0 .. tokens, contiguous.
  const void *cu_seqlens;
  int64_t num_sequences;          // default 0
  rotary_dtype cu_seqlens_dtype;  // ROTARY_I32 or I64; no default
  int32_t reserved;               // 0

  // Since version 0.3, used with an embedding of several axes only.
  int64_t axis_stride;  // default ROTARY_DENSE: [axes] of what is dense: IDS
                        // batch * tokens, else the number of sequences.  0: the
                        // same on every axis
} rotary_positions;

ROTARY_API void rotary_positions_init(rotary_positions *positions,
                                      size_t struct_size);

// Where the tokens are that worker `rank` of `ranks` holds of a sequence of
// `tokens` tokens.  They are two runs, one behind the other (CONTIGUOUS: the
// second is empty): run i is the worker's tokens [cu_seqlens[i],
// cu_seqlens[i + 1]), so it holds cu_seqlens[2] tokens; the first of run i is
// at position starts[i], an empty run where it would begin.  PACKED takes these
// as they are:
//     int64_t starts[2], cu_seqlens[3];
//     if (rotary_shard(ROTARY_SHARD_ZIGZAG, rank, ranks, tokens, starts,
//                      cu_seqlens, &error)) ...
//     positions.kind = ROTARY_POSITION_PACKED;
//     positions.data = starts;
//     positions.dtype = ROTARY_I64;
//     positions.cu_seqlens = cu_seqlens;
//     positions.cu_seqlens_dtype = ROTARY_I64;
//     positions.num_sequences = 2;
//     args.tokens = cu_seqlens[2];
// (A batch of such sequences: rows that are set by these, and then shared with
// row_batch_stride 0.)  0 <= rank < ranks <= INT64_MAX / 2.  starts and
// cu_seqlens must not overlap.  (Since 0.3.)
ROTARY_API rotary_status rotary_shard(rotary_shard_kind kind, int64_t rank,
                                      int64_t ranks, int64_t tokens,
                                      int64_t starts[2], int64_t cu_seqlens[3],
                                      rotary_error *error);

// --------------------------------------------------------------------- rows

// Rows hold cos and sin, indexed [row][pair].  They are one block of memory
// without pointers: it may be copied or moved, and a pointer to it (aligned to
// 8 bytes) is a rotary_rows*.
typedef struct rotary_rows rotary_rows;

// The bytes that `count` rows of this embedding's shape need: about
// 4 * rotary_dim each (rounded up to whole 64 bytes of cos and of sin).
ROTARY_API rotary_status
rotary_rows_bytes_needed(const rotary_embedding *embedding, int64_t count,
                         size_t *bytes, rotary_error *error);

// Makes rows in the caller's memory, *rows == memory.  Each row starts as "do
// not rotate" until it is set.  Nothing needs to be destroyed.
ROTARY_API rotary_status rotary_rows_init(void *memory, size_t bytes,
                                          const rotary_embedding *embedding,
                                          int64_t count, rotary_rows **rows,
                                          rotary_error *error);

// The same in allocated memory, to be destroyed.  destroy takes NULL.
ROTARY_API rotary_status rotary_rows_create(const rotary_embedding *embedding,
                                            int64_t count, rotary_rows **rows,
                                            rotary_error *error);
ROTARY_API void rotary_rows_destroy(rotary_rows *rows);

// What is to be written: row first_row + b * tokens + t becomes that of the
// position of token t of sequence b.  An embedding with `heads` has as many
// rows for each token: first_row + (b * tokens + t) * heads + h.  To apply
// them, row_batch_stride is tokens * heads, row_token_stride heads,
// row_head_stride 1.
typedef struct rotary_rows_args {
  size_t struct_size;
  const rotary_embedding *embedding;
  const rotary_positions *positions;
  int64_t batch;        // default 1
  int64_t tokens;       // default 0
  int64_t first_row;    // default 0
  const char *target;   // default NULL: see rotary_target_default
  rotary_mode mode;     // default ROTARY_FORWARD
  int32_t num_threads;  // default 0

  // Since version 0.3.
  // More than 1: rows have the gain max(1, ln(position + 1) / ln(log_n_length))
  // as well (log-n scaling of queries; negative positions have 1; divided out
  // by INVERSE, none for SHIFT), of one axis only.  Default 0: not.
  double log_n_length;
  // Several embeddings (then `embedding` is NULL), [num_embeddings], of the
  // same rotary_dim, axes and heads: token t of sequence b has the one that
  // element b * index_batch_stride + t * index_token_stride of embedding_index
  // says.  (Of PACKED, b is the token's sequence, t counts from the batch's
  // first token.)  Positions must be those that all of them may have.
  const rotary_embedding *const *embeddings;
  int64_t num_embeddings;          // default 0
  const int32_t *embedding_index;  // in padding it is not read
  int64_t index_batch_stride;      // default ROTARY_DENSE: 1, for a sequence
  int64_t index_token_stride;      // default ROTARY_DENSE: 0
} rotary_rows_args;

ROTARY_API void rotary_rows_args_init(rotary_rows_args *args,
                                      size_t struct_size);

// Sets batch * tokens rows (times heads); those of padding, which is in no
// sequence of PACKED, so that what they are applied to is left out.  All
// positions are checked before the first row is written.  The embedding needs
// the shape (rotary_dim) that the rows were made with, not to be the same.
// Threads may set disjoint ranges at the same time.
ROTARY_API rotary_status rotary_rows_set(rotary_rows *rows,
                                         const rotary_rows_args *args,
                                         rotary_error *error);

// What rows hold.  NULL gives 0.
ROTARY_API int64_t rotary_rows_count(const rotary_rows *rows);
ROTARY_API int64_t rotary_rows_rotary_dim(const rotary_rows *rows);
ROTARY_API size_t rotary_rows_bytes(const rotary_rows *rows);

// Copies rows [first_row, first_row + count) to cos and sin, each [count]
// [rotary_dim / 2] with row_stride elements from row to row (ROTARY_DENSE:
// rotary_dim / 2).  A row that does not rotate reads as cos 1, sin 0.  No two
// elements of cos and sin may coincide, nor overlap the rows.
ROTARY_API rotary_status rotary_rows_read(const rotary_rows *rows,
                                          int64_t first_row, int64_t count,
                                          float *cos, float *sin,
                                          int64_t row_stride,
                                          rotary_error *error);

// The same in the layout that a cache of cos and sin has, rounded once more to
// `dtype` (F32, F16 or BF16): element e of row r is at
//     r * row_stride + e * element_stride,
// with e as `width` says.  ROTARY_DENSE: element_stride, 1; row_stride, the
// elements of a row times |element_stride|.  cos and sin may lie in each
// other's gaps: behind each other in one row (vLLM), or as complex numbers
// (element_stride 2, sin == cos + 1).  (Since 0.2.)
ROTARY_API rotary_status rotary_rows_export(
    const rotary_rows *rows, int64_t first_row, int64_t count,
    rotary_dtype dtype, rotary_width width, void *cos, void *sin,
    int64_t row_stride, int64_t element_stride, rotary_error *error);

// -------------------------------------------------------------- cos and sin

// A caller's own cos and sin, of any source; what is done with them is
//     a' = a * cos - b * sin,  b' = b * cos + a * sin.
// Element e of a row is at
//     base + e * element_stride + head * head_stride,  where base is
//     position * row_stride                          with positions,
//     b * batch_stride + t * row_stride              without,
// and `head` counts the heads of each tensor from 0.  A table of one sequence
// that all of a batch share has batch_stride 0.  Complex numbers [rows][d / 2]
// have element_stride 2 and sin == cos + 1.
// With positions (ids, starts or packed, as those of an embedding of one axis,
// but integers) every position must be within 0 .. rows - 1.  In the two widths
// that hold a value twice the two must be equal in every row that is used, else
// the call fails. (Since 0.2.)
typedef struct rotary_cos_sin {
  size_t struct_size;
  const void *cos;
  const void *sin;
  int64_t rotary_dim;      // elements of a head that are rotated
  int64_t rows;            // used with positions only: how many there are
  int64_t batch_stride;    // default ROTARY_DENSE: tokens * row_stride;
                           // used without positions only; 0: shared
  int64_t row_stride;      // default ROTARY_DENSE: the elements of a row times
                           // |element_stride|
  int64_t head_stride;     // default 0: all heads of a token share its row
  int64_t element_stride;  // default ROTARY_DENSE: 1
  rotary_dtype dtype;      // ROTARY_F32 (default), F16 or BF16
  rotary_width width;      // no default
} rotary_cos_sin;

ROTARY_API void rotary_cos_sin_init(rotary_cos_sin *cos_sin,
                                    size_t struct_size);

// -------------------------------------------------------------------- apply

// One tensor: input [batch][tokens][heads][head_dim], output of the same shape.
// Elements [rotary_offset, rotary_offset + rotary_dim) of each head are
// rotated, the rest is copied (in place: left alone).  The output may be of
// another dtype and pairing: then everything is converted to the one, and what
// is rotated changes its places to the other, also where a token has no
// position and is not turned.
typedef struct rotary_tensor {
  size_t struct_size;
  int64_t heads;          // default 1
  int64_t head_dim;       // elements of a head
  int64_t rotary_offset;  // default 0

  const void *input;
  int64_t input_batch_stride;  // strides: default ROTARY_DENSE
  int64_t input_token_stride;
  int64_t input_head_stride;
  rotary_dtype input_dtype;      // ROTARY_F32 (default), F16 or BF16
  rotary_pairing input_pairing;  // no default

  // NULL: in place.  Then output_store and the output strides are not read.
  void *output;
  int64_t output_batch_stride;  // strides: default ROTARY_DENSE
  int64_t output_token_stride;
  int64_t output_head_stride;
  rotary_dtype output_dtype;      // default 0: as input
  rotary_pairing output_pairing;  // default 0: as input.  A change in place
                                  // needs head_dim <= 4096
  rotary_store output_store;      // default ROTARY_STORE_AUTO
  int32_t reserved;               // 0
} rotary_tensor;

ROTARY_API void rotary_tensor_init(rotary_tensor *tensor, size_t struct_size);

// What is rotated, and by what: give `rows`; or `embedding` and `positions`; or
// `cos_sin`, with `positions` or without.
typedef struct rotary_apply_args {
  size_t struct_size;
  int64_t batch;                 // default 1
  int64_t tokens;                // default 0
  const rotary_tensor *tensors;  // [num_tensors], all of one struct_size
  int64_t num_tensors;           // default 0

  // With rows, head h of each tensor, of token t of sequence b, is rotated by
  // row
  //     first_row + b * row_batch_stride + t * row_token_stride
  //               + h * row_head_stride
  const rotary_rows *rows;
  int64_t first_row;         // default 0
  int64_t row_batch_stride;  // default ROTARY_DENSE: tokens; 0: shared
  int64_t row_token_stride;  // default ROTARY_DENSE: 1; 0: shared

  const rotary_embedding *embedding;
  const rotary_positions *positions;
  rotary_mode mode;  // default ROTARY_FORWARD; rows and cos_sin have their own

  // 1: by the transpose (sin negated), as the gradient of the rotation needs
  // it (its input has the pairing that the rotation's output had).  With a gain
  // of 1 this is the inverse.  Default 0.
  int32_t transpose;
  int32_t num_threads;  // default 0
  int32_t reserved;     // 0
  const char *target;   // default NULL: see rotary_target_default

  // Since version 0.2.
  const rotary_cos_sin *cos_sin;
  int64_t row_head_stride;  // default 0: all heads of a token share its row

  // Since version 0.3, with an embedding only: see rotary_rows_args.
  double log_n_length;  // default 0
} rotary_apply_args;

ROTARY_API void rotary_apply_args_init(rotary_apply_args *args,
                                       size_t struct_size);

// Rotates every tensor of args.  Everything, positions included, is checked
// before the first write.
ROTARY_API rotary_status rotary_apply(const rotary_apply_args *args,
                                      rotary_error *error);

// The flat call: q [tokens][q_heads][head_dim] and k [tokens][k_heads]
// [head_dim] are rotated in place, from element 0 of each head, by the position
// of each token, position_ids [tokens], on every axis.  Strides may be
// ROTARY_DENSE.  k may be NULL with k_heads 0.  (A batch is as many tokens as
// it has in all.)  The arguments are those of rotary_apply; errors name them as
// they are here.
ROTARY_API rotary_status rotary_apply_qk(
    const rotary_embedding *embedding, const void *position_ids,
    rotary_dtype position_ids_dtype, int64_t tokens, rotary_dtype dtype,
    rotary_pairing pairing, int64_t head_dim, void *q, int64_t q_heads,
    int64_t q_token_stride, int64_t q_head_stride, void *k, int64_t k_heads,
    int64_t k_token_stride, int64_t k_head_stride, int32_t num_threads,
    rotary_error *error);

// ----------------------------------------------------------- prepared calls

// For hosts with threads of their own: an apply call, checked once, then run as
// slices 0 .. n-1 of n, each exactly once, in any order and from any thread.
// Every n gives the same bits.  All slices together do what rotary_apply does.
typedef struct rotary_prepared rotary_prepared;

// The bytes that a prepared call with so many tensors needs.
ROTARY_API rotary_status rotary_prepared_bytes_needed(int64_t num_tensors,
                                                      size_t *bytes,
                                                      rotary_error *error);

// Checks args and writes the prepared call into the caller's memory, *prepared
// == memory.  args and its structs (tensors, positions, cos_sin) may then go;
// the tensors' data, the rows, the embedding, the positions' data, cos and sin
// must stay, and the positions unchanged.  num_threads is not used.  Nothing
// needs to be destroyed.  The memory must not be moved, nor overlap what the
// call moves.
ROTARY_API rotary_status rotary_prepare(const rotary_apply_args *args,
                                        void *memory, size_t bytes,
                                        rotary_prepared **prepared,
                                        rotary_error *error);

// How many slices are useful: more would be too small to pay for a thread, or
// empty.  At least 1.  NULL gives 0.
ROTARY_API int64_t rotary_prepared_slices(const rotary_prepared *prepared);

// Runs slice `slice` of `num_slices` (any number >= 1).  It neither allocates,
// locks, nor enters the OpenMP runtime.
ROTARY_API rotary_status rotary_prepared_run(const rotary_prepared *prepared,
                                             int64_t slice, int64_t num_slices,
                                             rotary_error *error);

// ---------------------------------------------------------- slots of a cache

// A KV cache holds a token's keys and values in a SLOT: slots 0 .. num_slots -
// 1, in one array (contiguous), or in blocks of block_size slots that sequences
// get as they grow (paged).  SLOTS say which slot each token of a step has.
// Like rows they are made and checked once a step, serve every layer, and are
// one block of memory without pointers that the caller gives (aligned to 8
// bytes; it may be copied or moved).  (Since 0.5.)
typedef struct rotary_slots rotary_slots;

// Token t of sequence b has the place p in its sequence that `positions` say
// (IDS, STARTS or PACKED; whole numbers).  Its slot is
//     block_table[s * table_stride + p / block_size] * block_size
//         + p % block_size        with a block table,
//     s * sequence_slots + p      without,
// where s is b, or of PACKED the sequence that the token is in.  So a slot
// mapping is IDS with sequence_slots 0, and a contiguous cache [batch]
// [sequence_slots] STARTS.  p must be less than the slots of a sequence:
// table_blocks * block_size, or sequence_slots if that is not 0.  A token that
// has no position, or a negative one, or is in no sequence has no slot: nothing
// is stored of it.
typedef struct rotary_slots_args {
  size_t struct_size;
  int64_t batch;                      // default 1
  int64_t tokens;                     // default 0
  int64_t num_slots;                  // 0 to 2^31 - 1; no default
  const rotary_positions *positions;  // no default
  const void *block_table;            // default NULL
  int64_t table_stride;      // from sequence to sequence; default ROTARY_DENSE:
                             // table_blocks
  int64_t table_blocks;      // the blocks of each sequence; with a table
  int64_t block_size;        // the slots of a block; with a table
  int64_t sequence_slots;    // default 0; without a table
  rotary_dtype table_dtype;  // ROTARY_I32 (default) or I64
  int32_t shared;  // 1: several tokens may have a slot together, to be
                   // read from; default 0
} rotary_slots_args;

ROTARY_API void rotary_slots_args_init(rotary_slots_args *args,
                                       size_t struct_size);

// The bytes that slots of so many tokens (batch * tokens) in a cache of
// num_slots need: 4 for each token, and a bit for each slot.
ROTARY_API rotary_status rotary_slots_bytes_needed(int64_t count,
                                                   int64_t num_slots,
                                                   size_t *bytes,
                                                   rotary_error *error);

// Makes slots, *slots == memory.  A slot that is not in the cache, or that two
// tokens have, is ROTARY_ERROR_SLOT.  Runs in the calling thread.  A call that
// fails leaves the memory as it was, but one that finds a slot twice may have
// overwritten it.  Nothing needs to be destroyed.
ROTARY_API rotary_status rotary_slots_init(void *memory, size_t bytes,
                                           const rotary_slots_args *args,
                                           rotary_slots **slots,
                                           rotary_error *error);

// Slot of token t of sequence b, or -1.  -1 for a token that slots do not have,
// and with NULL.
ROTARY_API int64_t rotary_slots_at(const rotary_slots *slots, int64_t b,
                                   int64_t t);

// -------------------------------------------------------------- fused passes

// What engines do with queries, keys and values between a projection and
// attention, in one pass over memory: norm, rotation, scale, conversion or
// quantization, and the way into the cache.  Each head is loaded once, kept in
// the nearest cache as f32, and stored once, so it is rounded once.  In this
// order, of which all but the last is optional:
//     norm, rotation (or the rotation first), scale, Hadamard transform, store
// A change of pairing is part of the rotation: what comes before it has the
// elements in the order of the input, what comes after it in that of the
// output. (Since 0.5.)

typedef int32_t rotary_norm_kind;
enum {
  ROTARY_NORM_RMS = 1,   // x / sqrt(mean(x^2) + epsilon) * weight
  ROTARY_NORM_LAYER = 2  // (x - mean(x)) / sqrt(mean((x - mean(x))^2) +
                         // epsilon) * weight + bias
};

// A norm over each head, or over all heads of a token together.  Sums are taken
// in f32, element e of a head into the partial sum e % 16, those of heads added
// up in f64; 1 / sqrt is in f64 and, times the scale, rounded to f32.  (Squares
// that are too large for f32 give an infinite sum, and zeros.)
typedef struct rotary_norm {
  size_t struct_size;
  rotary_norm_kind kind;      // default ROTARY_NORM_RMS
  int32_t all_heads;          // 1: over all heads; default 0
  int32_t after_rotation;     // 1: of what has been rotated, if it is; default
                              // 0
  int32_t weight_plus_one;    // 1: multiplied by 1 + weight (Gemma); default 0
  double epsilon;             // 0 or more, finite; default 1e-6
  const void *weight;         // [head_dim], with all_heads [heads][head_dim];
                              // NULL (default): 1, without weight_plus_one
  const void *bias;           // the same, of LAYER; NULL (default): 0
  rotary_dtype weight_dtype;  // of both: ROTARY_F32 (default), F16 or BF16
  int32_t reserved;           // 0
} rotary_norm;

ROTARY_API void rotary_norm_init(rotary_norm *norm, size_t struct_size);

// Scales of a cache of I8, F8_E4M3 or F8_E5M2: an element is its byte times its
// scale, as an f32.
typedef int32_t rotary_scales;
enum {
  ROTARY_SCALES_NONE = 0,  // 1
  // One for each token and head, made here and written: the head's largest
  // magnitude over the largest number of the dtype (127, 448, 57344), rounded
  // to scales_dtype so that this is not exceeded; at least the smallest normal
  // f32, at most the largest number of scales_dtype; 0 for zeros.  Elements are
  // divided by it as it was rounded.  (In F16 the scales of E5M2 are coarse.)
  ROTARY_SCALES_MADE = 1,
  // The caller's, positive and normal numbers (which is not checked); what is
  // out of range then is saturated.
  ROTARY_SCALES_GIVEN = 2
};

// A cache: element e of head h in slot s is at
//     s / block_size * block_stride + s % block_size * slot_stride
//         + h * head_stride + e * element_stride,
// its scale at the same with the strides of scales.  As it was declared,
// [block][slot][head][element] (NHD) is dense; HND has head_stride block_size *
// head_dim and slot_stride head_dim; values stored transposed have an
// element_stride.  Strides of Q8_0 count blocks of 32 elements, which are 34
// bytes, and it has no element_stride; each block has a scale, made as others
// are.  (Bytes may be 1 from ggml's, which divides by a scale before it is
// rounded.)  All blocks of slots are whole, the last one too: memory is there
// for num_slots rounded up.  block_size need not be that of a block table.
// ROTARY_DENSE is the stride of the array without gaps, whatever others are.
typedef struct rotary_cache {
  size_t struct_size;
  void *data;
  int64_t block_size;    // default 0: all slots are one block
  int64_t block_stride;  // strides: default ROTARY_DENSE
  int64_t slot_stride;
  int64_t head_stride;
  int64_t element_stride;
  rotary_dtype dtype;        // F32, F16, BF16, I8, F8_E4M3, F8_E5M2 or Q8_0; no
                             // default
  rotary_pairing pairing;    // default 0: as what comes in; of a source, the
                             // tensor's input_pairing, which else is not read
  rotary_scales scale_kind;  // default ROTARY_SCALES_NONE; I8 has some
  rotary_dtype scales_dtype;    // ROTARY_F32 (default), F16 or BF16
  void *scales;                 // read only, if they are given
  int64_t scales_block_stride;  // strides: default ROTARY_DENSE, [block][slot]
  int64_t scales_slot_stride;   // [head]; given ones may be broadcast: all 0
  int64_t scales_head_stride;   // for one scale for all
  int64_t scales_element_stride;  // default 0; of given ones, one for each
                                  // element
  // NULL, or by how many elements were saturated this is raised (atomically).
  int64_t *saturated;
} rotary_cache;

ROTARY_API void rotary_cache_init(rotary_cache *cache, size_t struct_size);

// Heads that are finished, while they are in the nearest cache: [tokens][heads]
// [head_dim], dense.
typedef struct rotary_tile {
  size_t struct_size;
  int64_t tensor;  // index into tensors
  int64_t batch;   // sequence
  int64_t token;   // the first, of the call's in this sequence
  int64_t tokens;
  int64_t head;  // the first
  int64_t heads;
  int64_t head_dim;
  const void *data;     // of output_dtype, at most 16 KB
  const float *scales;  // of I8: [tokens][heads]; else NULL
} rotary_tile;

// Takes a tile, which is gone when it returns.  It is called from any threads
// of the call, several at a time, must not throw, and calls nothing of this
// library.
typedef void (*rotary_tile_function)(void *user, const rotary_tile *tile);

// What is done with one tensor beside its rotation.  NaN and infinity in heads
// that are quantized: an I8 of NaN is 0, an fp8 of NaN is NaN, infinity is
// saturated; but a scale that is made of such a head is NaN or infinity, and
// none of its elements can be read back.
typedef struct rotary_fusion {
  size_t struct_size;
  int32_t rotates;  // default 1.  0: as values (input_pairing and rotary_offset
                    // are not used)
  int32_t hadamard;  // default 0.  Else every `hadamard` elements of a head are
                     // multiplied by the orthonormal Walsh-Hadamard matrix in
                     // natural order: a power of two from 64 on that divides
                     // head_dim
  const rotary_norm *norm;  // default NULL
  // All elements are multiplied by scale * token_scales[b *
  // token_scales_batch_stride + t * token_scales_token_stride].
  double scale;                       // finite; default 1
  const float *token_scales;          // default NULL: 1
  int64_t token_scales_batch_stride;  // default ROTARY_DENSE: tokens
  int64_t token_scales_token_stride;  // default ROTARY_DENSE: 1
  // The tensor has tokens [first_token, first_token + num_tokens) of each
  // sequence of the call: element 0 of its input and output is that of
  // first_token, and dense batch strides are those of num_tokens.  All else
  // (rows, slots, token_scales, tiles) goes by the call's tokens.
  int64_t first_token;  // default 0
  int64_t num_tokens;   // default ROTARY_DENSE: all from first_token on
  // Default NULL; else the output is there, the tensor's own must be NULL, and
  // its output_dtype, output_pairing and strides are not read.
  const rotary_cache *cache;
  // Default NULL; else the input is there, in source_slots, the tensor's own
  // must be NULL, its input_dtype and strides are not read, and a Hadamard
  // transform is undone before all else (and done again at the end).  The
  // output may be a cache, a tensor (of output_dtype) or tiles.
  const rotary_cache *source;
  // Default NULL; else it takes the output, as output_dtype (default: as input;
  // also I8, F8_E4M3, F8_E5M2, Q8_0) and output_pairing.
  rotary_tile_function on_tile;
  void *user;
} rotary_fusion;

// Moving what is in a cache: keys are rotated again, by rows that were made for
// the differences of their positions (ROTARY_SHIFT) or for the way to another
// embedding (rotary_embedding_between), values are copied (`rotates` 0), from
// source_slots to slots of the same cache or of another.  In the same (`source`
// and `cache` are equal, but for `pairing` and `saturated`, and both slots have
// the same num_slots), a slot that is written must not be the source of another
// token: a token stays in its slot, or goes to one that is free; forks have
// `shared` source slots, and the one that stays is left out.  A token that is
// not turned (it has no position, or cos is 1 and sin 0 for all pairs) and is
// not otherwise changed is copied bit by bit, with scales that are made (given
// ones are never written; if they differ it is rounded anew); one that stays in
// its slot then is not touched at all.  All others are rounded once more by
// each move: f32 by 3u of its pair's length, u = 2^-24; 16 bits by half an ulp;
// bytes by half of a step of their scale, which if it is made anew grows with
// the largest element.  After n moves the error of an element is at most n
// times that, so keys that are moved often are better rotated from unrotated
// ones.

ROTARY_API void rotary_fusion_init(rotary_fusion *fusion, size_t struct_size);

typedef struct rotary_fused_args {
  size_t struct_size;
  // The rotation and the tensors, at most 8 (ROTARY_MAX_FUSED).  It may be
  // without rows, embedding and cos_sin if no tensor is rotated.  Rows for each
  // head must be kept rows (rotary_rows), as many as the tensor with the most
  // heads has, and a rotary_dim of more than 768 needs kept rows.
  const rotary_apply_args *apply;
  const rotary_fusion *fusions;  // [num_tensors], all of one struct_size
  const rotary_slots *slots;     // of the same batch and tokens; needed if some
                                 // tensor has a cache
  const rotary_slots *source_slots;  // the same, if some has a source
} rotary_fused_args;

#define ROTARY_MAX_FUSED 8

ROTARY_API void rotary_fused_args_init(rotary_fused_args *args,
                                       size_t struct_size);

// Runs a fused pass.  Everything is checked before the first write.  A token
// without position is not rotated, all else is done with it; what is in no
// sequence of packed positions, and of a cache what has no slot, is left out.
// Where there is more to do than to rotate, head_dim is at most 4096; 2048 with
// on_tile, or where a pairing changes between two other steps.  A call takes at
// most 16 KB of stack and another 16 KB for a tile.  Nothing is allocated with
// one thread.
ROTARY_API rotary_status rotary_apply_fused(const rotary_fused_args *args,
                                            rotary_error *error);

// The same as a prepared call, for rotary_prepared_slices and
// rotary_prepared_run: each slice is some of the tokens.  What rotary_prepare
// says of its arguments holds; fusions, norms and caches may go, too, what they
// point to and the slots must stay.
ROTARY_API rotary_status
rotary_prepared_fused_bytes_needed(size_t *bytes, rotary_error *error);
ROTARY_API rotary_status rotary_prepare_fused(const rotary_fused_args *args,
                                              void *memory, size_t bytes,
                                              rotary_prepared **prepared,
                                              rotary_error *error);

// The gradient of one tensor of a fused pass beside that of its input.  Needed
// of tensors with a norm only.
typedef struct rotary_fusion_gradient {
  size_t struct_size;
  const void *input;  // what the forward pass took, in the pairing that it had
                      // there; default NULL: there is no norm
  int64_t input_batch_stride;  // strides: default ROTARY_DENSE
  int64_t input_token_stride;
  int64_t input_head_stride;
  rotary_dtype input_dtype;  // ROTARY_F32 (default), F16 or BF16
  int32_t reserved;          // 0
  // Of the norm's weight, [head_dim], with all_heads [heads][head_dim];
  // written, not added to, with zeros if there are no tokens or heads.  NULL
  // (default): not wanted.  Where the norm has no weight it is that of a weight
  // of 1.
  float *weight;
  float *bias;  // the same of LAYER's bias, or of a bias of 0
} rotary_fusion_gradient;

ROTARY_API void rotary_fusion_gradient_init(rotary_fusion_gradient *gradient,
                                            size_t struct_size);

typedef struct rotary_backward_args {
  size_t struct_size;
  // As in the forward pass, `transpose` too; but of each tensor the input is
  // the gradient of the forward pass' output, and the output that of its input:
  // each with its own pairing (input_pairing is the forward output's).
  const rotary_apply_args *apply;
  const rotary_fusion *fusions;             // as there: [num_tensors]
  const rotary_fusion_gradient *gradients;  // the same, all of one struct_size;
                                            // NULL: no tensor has a norm
  void *scratch;  // of rotary_backward_bytes_needed; default NULL
  size_t scratch_bytes;
} rotary_backward_args;

ROTARY_API void rotary_backward_args_init(rotary_backward_args *args,
                                          size_t struct_size);

// The bytes of scratch memory that rotary_apply_fused_backward needs, at most
// 1 KB for each element of a weight or bias whose gradient is wanted; 0 if
// there is none.  Checks all of args but the scratch.
ROTARY_API rotary_status rotary_backward_bytes_needed(
    const rotary_backward_args *args, size_t *bytes, rotary_error *error);

// The backward pass of a fused pass that went to tensors (cache, source and
// on_tile are NULL): from the gradients of its outputs those of its inputs, of
// the weights and of the biases of its norms, in one pass over memory.  With g,
// the gradient behind a norm n * weight + bias (1 + weight: with that as the
// weight), n = (x - mean(x)) * r (RMS: x * r), r = 1 / sqrt(.. + epsilon),
// whose means are over what the norm is over,
//     dx = r * (g weight - mean(g weight) - n mean(g weight n))
//     dweight = sum of g n        dbias = sum of g
// (Ba et al., "Layer Normalization", arXiv:1607.06450; of RMS without
// mean(g weight): Zhang and Sennrich, arXiv:1910.07467).  The other steps are
// linear: gradients go through their transposes, of a rotation that by the
// opposite angle, with its gain.  Sums are over all tokens and, but with
// all_heads, heads; what the forward pass leaves out is neither read nor
// written nor counted.
//
// A token without position is not rotated, all else is done with it.  Means of
// x are found again from gradients[i].input, as in the forward pass.  All is in
// f32, but for the sums of weights and biases: they are of products in f32,
// added in f64 in an order that depends on batch * tokens only, and rounded
// once.  So the same bits come out as ever.  Means are summed up as those of
// norms are.
//
// In place the gradient of the output becomes that of the input; inputs of
// gradients must be disjoint from all that is written, as must weights, biases
// and scratch memory (aligned to 8 bytes; left with any content) from each
// other and from all else.  Everything is checked before the first write.
// head_dim is at most 4096 where a tensor has a norm, scale or transform; 2048
// where its norm was after the rotation, or where its pairing changes between
// two such steps.  Stack, threads and allocation are as in the forward pass.
// (Since 0.5.)
ROTARY_API rotary_status rotary_apply_fused_backward(
    const rotary_backward_args *args, rotary_error *error);

// ------------------------------------------------------------------ weights

// Converts a projection that makes queries or keys for one pairing to one that
// makes them for another, as converters of checkpoints do: weights
// [heads * head_dim][columns], row h * head_dim + e of which makes element e of
// head h.  (A bias has 1 column; the weights of a norm over a head are 1 head
// with 1 column; those of values are not converted.)  Rows [rotary_offset,
// rotary_offset + rotary_dim) of each head change their places: where `from`
// has an element of a pair, that row goes to where `to` has it.  So a head of
// the output's weights, rotated with pairing `to`, is one of the input's,
// rotated with `from`, with its elements moved alike, and if both are converted
// the products of queries and keys stay.  All other rows are copied (in place:
// left alone), all rows where from == to.
//
// Rows are moved as bytes, columns * element_size of them, at any alignment:
// those that are quantized in blocks within a row have element_size 1 and their
// bytes as columns.  Row strides count elements; ROTARY_DENSE: columns.  output
// NULL: in place, then output_row_stride is not read; so is the input itself,
// if the strides are the same.  In place or not, it runs in the calling thread
// and nothing is allocated.  rotary_dim is even, and any size may be 0, but not
// element_size.  (Since 0.3.)
ROTARY_API rotary_status rotary_permute_weights(
    const void *input, void *output, int64_t element_size, int64_t heads,
    int64_t head_dim, int64_t rotary_offset, int64_t rotary_dim,
    int64_t columns, int64_t input_row_stride, int64_t output_row_stride,
    rotary_pairing from, rotary_pairing to, rotary_error *error);

#ifdef __cplusplus
}  // extern "C"
#endif

#endif  // ROTARY_ROTARY_H_
