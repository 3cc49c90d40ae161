// GGUF metadata of models, as their converter writes them.  Of this folder's
// tests and of the seeds of the fuzz target.

#ifndef TESTS_IMPORT_GGUF_EXAMPLES_H_
#define TESTS_IMPORT_GGUF_EXAMPLES_H_

#include <vector>

#include "tests/import/gguf_writer.h"

namespace rotary_test {

// Divisors of Llama 3's scaling, from the formula, in f32 as its converter has
// them: of base 500000, rotary_dim 128, factor 8.
std::vector<double> Llama3Divisors();

GgufWriter Llama31Gguf();
GgufWriter Qwen2YarnGguf();
GgufWriter Phi3Gguf();
GgufWriter Gemma3Gguf();
GgufWriter Qwen2VlGguf();
GgufWriter Qwen3VlGguf();
GgufWriter DeepseekV3Gguf();
GgufWriter GptOssGguf();
GgufWriter SmolLm3Gguf();
GgufWriter Cohere2Gguf();
GgufWriter GraniteGguf();
GgufWriter Qwen3NextGguf();

// All of them.
std::vector<GgufWriter> GgufExamples();

}  // namespace rotary_test

#endif  // TESTS_IMPORT_GGUF_EXAMPLES_H_
