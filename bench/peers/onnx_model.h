// The bytes of the ONNX models that are measured.  Used by onnxruntime.cc.

#ifndef ROTARY_BENCH_PEERS_ONNX_MODEL_H_
#define ROTARY_BENCH_PEERS_ONNX_MODEL_H_

#include <stdint.h>

#include <string>

#include "bench/cases.h"

namespace rotary_bench {

// A model that rotates every tensor of a case, [1][tokens][heads * head_dim],
// by a node RotaryEmbedding of ONNX Runtime's own operators (com.microsoft).
// Inputs are x0, x1, .., positions [1][tokens], and cos and sin, [cache_rows]
// [pairs]; outputs are y0, y1, ...
std::string OnnxModel(const Case& c, int64_t cache_rows);

}  // namespace rotary_bench

#endif  // ROTARY_BENCH_PEERS_ONNX_MODEL_H_
