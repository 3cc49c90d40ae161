// The calls and values of fuzzed_call.h.
#include "tests/config/fuzzed_call.h"

#include <doctest/doctest.h>

#include <cstring>
#include <string>

#include "tests/config/valid_call.h"
#include "tests/support/element.h"

namespace rotary_test {
namespace {

Embedding MakeAxesEmbedding() {
  rotary_axes axes;
  rotary_axes_init(&axes, sizeof(axes));
  axes.num_axes = 3;
  axes.layout = ROTARY_AXES_SECTIONS;
  axes.sections[0] = 2;
  axes.sections[1] = axes.sections[2] = 1;
  rotary_embedding_config config;
  rotary_embedding_config_init(&config, sizeof(config));
  config.rotary_dim = 8;
  config.axes = &axes;
  return EmbeddingOf(config);
}

Embedding MakeHeadsEmbedding() {
  rotary_embedding_config config;
  rotary_embedding_config_init(&config, sizeof(config));
  config.rotary_dim = 8;
  config.heads = 2;
  return EmbeddingOf(config);
}

}  // namespace

int64_t Value64(Random* random) {
  static const std::vector<int64_t> extremes = {
      kMin64,     kMin64 + 1,    kMin64 / 2,   -(int64_t{1} << 61),
      kMax64,     kMax64 - 1,    kMax64 / 2,   int64_t{1} << 61,
      kMax64 / 4, -(kMax64 / 4), -(kMax64 / 2)};
  return random->Integer(0, 1) == 0 ? random->Choose(extremes)
                                    : random->Integer(-13, 13);
}

int64_t Size(Random* random) {
  const int64_t value = Value64(random);
  return value > 0 && value < 100 ? value % 6 : value;
}

int32_t Value32(Random* random) {
  static const std::vector<int32_t> extremes = {INT32_MIN, INT32_MAX, -1, 100};
  return random->Integer(0, 2) == 0
             ? random->Choose(extremes)
             : static_cast<int32_t>(random->Integer(0, 20));
}

void SetFormats(rotary_tensor* tensor, Random* random) {
  tensor->input_dtype = random->Choose(Dtypes());
  tensor->output_dtype =
      random->Integer(0, 1) == 0 ? random->Choose(Dtypes()) : 0;
  tensor->input_pairing = static_cast<int32_t>(random->Integer(1, 2));
  tensor->output_pairing = static_cast<int32_t>(random->Integer(0, 2));
}

FuzzedCall::FuzzedCall()
    // Of every dtype the same value everywhere.
    : axes(MakeAxesEmbedding()),
      heads(MakeHeadsEmbedding()),
      memory(8192),
      ids(4096),
      table(16384, 0x3C003C00u) {
  for (size_t i = 0; i < ids.size(); ++i) {
    ids[i] = static_cast<int64_t>(i % 20);
  }
  Reset();
}

void FuzzedCall::Reset() {
  for (size_t i = 0; i < memory.size(); ++i) {
    memory[i] = static_cast<float>(i % 61) + 0.5f;
  }
  ResetFields();
}

void FuzzedCall::ResetFields() {
  for (int i = 0; i < 3; ++i) {
    rotary_tensor_init(&tensors[i], sizeof(tensors[i]));
    tensors[i].heads = 2;
    tensors[i].head_dim = 10;
    tensors[i].input = At(2500 + 500 * i);
    tensors[i].input_pairing = ROTARY_INTERLEAVED;
  }
  tensors[1].output = At(5000);
  positions = MakePositions(ids);
  positions.data = ids.data() + 2048;
  rotary_cos_sin_init(&cos_sin, sizeof(cos_sin));
  cos_sin.cos = table.data() + 4000;
  cos_sin.sin = table.data() + 8000;
  cos_sin.rotary_dim = 8;
  cos_sin.rows = 20;
  cos_sin.width = ROTARY_WIDTH_HALVES;
  rotary_apply_args_init(&args, sizeof(args));
  args.batch = 2;
  args.tokens = 3;
  args.tensors = tensors;
  args.num_tensors = 2;
  args.embedding = embedding.get();
  args.positions = &positions;
  args.num_threads = 1;
}

void FuzzedCall::UseRows() {
  args.rows = rows.get();
  args.embedding = nullptr;
  args.positions = nullptr;
}

void FuzzedCall::UseCosSin(bool by_position) {
  args.cos_sin = &cos_sin;
  args.rows = nullptr;
  args.embedding = nullptr;
  args.positions = by_position ? &positions : nullptr;
}

bool IsConsistent(rotary_status status, const rotary_error& error) {
  return error.status == status &&
         std::memchr(error.argument, 0, sizeof(error.argument)) != nullptr &&
         std::memchr(error.message, 0, sizeof(error.message)) != nullptr &&
         std::strlen(error.argument) > 0 &&
         std::strstr(error.message, error.argument) != nullptr;
}

void RequireConsistent(rotary_status status, const rotary_error& error) {
  const std::string argument(error.argument, sizeof(error.argument));
  const std::string message(error.message, sizeof(error.message));
  CAPTURE(argument);
  CAPTURE(message);
  REQUIRE(IsConsistent(status, error));
}

}  // namespace rotary_test
