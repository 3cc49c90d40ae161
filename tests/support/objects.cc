// The short ways of objects.h, through the C ABI alone.
#include "tests/support/objects.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "tests/support/random.h"

namespace rotary_test {

void RequireOk(rotary_status status, const rotary_error& error) {
  if (status == ROTARY_OK) return;
  const std::string message = error.message;
  const std::string name = rotary_status_string(status);
  REQUIRE_MESSAGE(status == ROTARY_OK, name << ": " << message);
}

Embedding MakeEmbedding(int64_t rotary_dim, double base, double gain) {
  rotary_embedding_config config;
  rotary_embedding_config_init(&config, sizeof(config));
  config.rotary_dim = rotary_dim;
  config.base = base;
  config.gain = gain;
  rotary_embedding* embedding = nullptr;
  rotary_error error;
  RequireOk(rotary_embedding_create(&config, &embedding, &error), error);
  return Embedding(embedding);
}

Embedding MakeEmbedding(const std::vector<double>& inv_freq, double gain) {
  rotary_embedding_config config;
  rotary_embedding_config_init(&config, sizeof(config));
  config.rotary_dim = 2 * static_cast<int64_t>(inv_freq.size());
  config.inv_freq = inv_freq.data();
  config.gain = gain;
  return EmbeddingOf(config);
}

Embedding EmbeddingOf(const rotary_embedding_config& config) {
  rotary_embedding* embedding = nullptr;
  rotary_error error;
  RequireOk(rotary_embedding_create(&config, &embedding, &error), error);
  return Embedding(embedding);
}

std::vector<double> InvFreq(const rotary_embedding* embedding) {
  const int64_t pairs = rotary_embedding_rotary_dim(embedding) / 2;
  std::vector<double> inv_freq(static_cast<size_t>(pairs));
  rotary_error error;
  RequireOk(
      rotary_embedding_inv_freq(embedding, inv_freq.data(), pairs, &error),
      error);
  return inv_freq;
}

rotary_positions MakePositions(const std::vector<int64_t>& ids) {
  rotary_positions positions;
  rotary_positions_init(&positions, sizeof(positions));
  positions.data = ids.data();
  positions.dtype = ROTARY_I64;
  return positions;
}

rotary_rows_args MakeRowsArgs(const rotary_embedding* embedding,
                              const rotary_positions* positions, int64_t tokens,
                              rotary_mode mode) {
  rotary_rows_args args;
  rotary_rows_args_init(&args, sizeof(args));
  args.embedding = embedding;
  args.positions = positions;
  args.tokens = tokens;
  args.mode = mode;
  return args;
}

rotary_apply_args MakeApplyArgs(int64_t batch, int64_t tokens,
                                const std::vector<rotary_tensor>& tensors) {
  rotary_apply_args args;
  rotary_apply_args_init(&args, sizeof(args));
  args.batch = batch;
  args.tokens = tokens;
  args.tensors = tensors.data();
  args.num_tensors = static_cast<int64_t>(tensors.size());
  return args;
}

Rows MakeRows(const rotary_embedding* embedding,
              const std::vector<int64_t>& positions, rotary_mode mode) {
  const auto count = static_cast<int64_t>(positions.size());
  rotary_rows* rows = nullptr;
  rotary_error error;
  RequireOk(rotary_rows_create(embedding, count, &rows, &error), error);
  Rows owner(rows);
  const rotary_positions ids = MakePositions(positions);
  SetRowsOk(rows, MakeRowsArgs(embedding, &ids, count, mode));
  return owner;
}

size_t RowsBytesNeeded(const rotary_embedding* embedding, int64_t count) {
  size_t bytes = 0;
  rotary_error error;
  RequireOk(rotary_rows_bytes_needed(embedding, count, &bytes, &error), error);
  return bytes;
}

bool operator==(const RowValues& a, const RowValues& b) {
  const auto same_bits = [](float x, float y) {
    return BitsFromFloat(x) == BitsFromFloat(y);
  };
  const auto same = [&](const std::vector<float>& x,
                        const std::vector<float>& y) {
    return std::equal(x.begin(), x.end(), y.begin(), y.end(), same_bits);
  };
  return a.pairs == b.pairs && same(a.cos, b.cos) && same(a.sin, b.sin);
}

RowValues ReadRows(const rotary_rows* rows) {
  RowValues values;
  values.pairs = rotary_rows_rotary_dim(rows) / 2;
  const int64_t count = rotary_rows_count(rows);
  values.cos.resize(static_cast<size_t>(count * values.pairs));
  values.sin.resize(values.cos.size());
  rotary_error error;
  RequireOk(rotary_rows_read(rows, 0, count, values.cos.data(),
                             values.sin.data(), ROTARY_DENSE, &error),
            error);
  return values;
}

void ApplyOk(const rotary_apply_args& args) {
  rotary_error error;
  RequireOk(rotary_apply(&args, &error), error);
}

void SetRowsOk(rotary_rows* rows, const rotary_rows_args& args) {
  rotary_error error;
  RequireOk(rotary_rows_set(rows, &args, &error), error);
}

}  // namespace rotary_test
