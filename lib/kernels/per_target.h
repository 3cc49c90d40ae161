// How a kernel file hands out the functions that it was compiled to, once per
// target.  Included last by kernels/*.cc only, after Highway.
//
// Highway's own dispatch tables need libhwy.so at run time, which costs
// milliseconds at load and shares its chosen target with every other user in
// the process; these need nothing.

#ifndef ROTARY_LIB_KERNELS_PER_TARGET_H_
#define ROTARY_LIB_KERNELS_PER_TARGET_H_

#include "hwy/detect_targets.h"

// ROTARY_ON_*(symbol) is the symbol of that target's namespace, or nullptr if
// the target is not compiled in.
#if HWY_TARGETS & HWY_SCALAR
#define ROTARY_ON_SCALAR(symbol) &N_SCALAR::symbol
#elif HWY_TARGETS & HWY_EMU128
#define ROTARY_ON_SCALAR(symbol) &N_EMU128::symbol
#else
#define ROTARY_ON_SCALAR(symbol) nullptr
#endif

#if HWY_TARGETS & HWY_SSSE3
#define ROTARY_ON_SSSE3(symbol) &N_SSSE3::symbol
#else
#define ROTARY_ON_SSSE3(symbol) nullptr
#endif

#if HWY_TARGETS & HWY_SSE4
#define ROTARY_ON_SSE4(symbol) &N_SSE4::symbol
#else
#define ROTARY_ON_SSE4(symbol) nullptr
#endif

#if HWY_TARGETS & HWY_AVX2
#define ROTARY_ON_AVX2(symbol) &N_AVX2::symbol
#else
#define ROTARY_ON_AVX2(symbol) nullptr
#endif

#if HWY_TARGETS & HWY_AVX3
#define ROTARY_ON_AVX3(symbol) &N_AVX3::symbol
#else
#define ROTARY_ON_AVX3(symbol) nullptr
#endif

#if HWY_TARGETS & HWY_NEON
#define ROTARY_ON_NEON(symbol) &N_NEON::symbol
#else
#define ROTARY_ON_NEON(symbol) nullptr
#endif

// In the order of enum Target, with what is given for AVX3 with BF16.
#define ROTARY_PER_TARGET_AND(symbol, on_avx3_bf16)                            \
  {                                                                            \
    ROTARY_ON_SCALAR(symbol), ROTARY_ON_SSSE3(symbol), ROTARY_ON_SSE4(symbol), \
        ROTARY_ON_AVX2(symbol), ROTARY_ON_AVX3(symbol), on_avx3_bf16,          \
        ROTARY_ON_NEON(symbol)                                                 \
  }

// Most are on it what they are on AVX3.
#define ROTARY_PER_TARGET(symbol) \
  ROTARY_PER_TARGET_AND(symbol, ROTARY_ON_AVX3(symbol))

#endif  // ROTARY_LIB_KERNELS_PER_TARGET_H_
