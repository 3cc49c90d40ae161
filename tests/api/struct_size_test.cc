// struct_size: which sizes calls take.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstddef>
#include <string>
#include <vector>

#include "tests/api/struct_checks.h"
#include "tests/support/objects.h"

namespace rotary_test {
namespace {

TEST_CASE("calls check the size of their structs") {
  rotary_embedding_config config;
  rotary_embedding_config_init(&config, sizeof(config));
  config.rotary_dim = 2;
  CheckCall(config, "config.",
            [](const rotary_embedding_config* c, rotary_error* error) {
              size_t bytes;
              return rotary_embedding_bytes_needed(c, &bytes, error);
            });
  CheckCall(config, "config.",
            [](const rotary_embedding_config* c, rotary_error* error) {
              rotary_embedding* embedding = nullptr;
              const rotary_status status =
                  rotary_embedding_create(c, &embedding, error);
              rotary_embedding_destroy(embedding);
              return status;
            });

  rotary_scaling scaling;
  rotary_scaling_init(&scaling, sizeof(scaling), ROTARY_SCALING_LINEAR);
  CheckCall(scaling, "scaling.",
            [&](const rotary_scaling* s, rotary_error* error) {
              rotary_embedding_config scaled = config;
              scaled.scaling = s;
              size_t bytes;
              return rotary_embedding_bytes_needed(&scaled, &bytes, error);
            });

  const Embedding embedding = MakeEmbedding(2);
  const std::vector<int64_t> ids = {1};
  const Rows rows = MakeRows(embedding.get(), ids);
  const rotary_positions positions = MakePositions(ids);
  CheckCall(MakeRowsArgs(embedding.get(), &positions, 1), "args.",
            [&](const rotary_rows_args* args, rotary_error* error) {
              return rotary_rows_set(rows.get(), args, error);
            });
  CheckCall(positions, "positions.",
            [&](const rotary_positions* p, rotary_error* error) {
              const rotary_rows_args args = MakeRowsArgs(embedding.get(), p, 1);
              return rotary_rows_set(rows.get(), &args, error);
            });

  std::vector<float> x = {1, 2};
  rotary_tensor tensor;
  rotary_tensor_init(&tensor, sizeof(tensor));
  tensor.head_dim = 2;
  tensor.input = x.data();
  tensor.input_pairing = ROTARY_HALF;
  rotary_apply_args by_rows;
  rotary_apply_args_init(&by_rows, sizeof(by_rows));
  by_rows.tokens = 1;
  by_rows.tensors = &tensor;
  by_rows.num_tensors = 1;
  rotary_apply_args by_embedding = by_rows;
  by_rows.rows = rows.get();
  by_embedding.embedding = embedding.get();
  by_embedding.positions = &positions;
  const auto apply = [](const rotary_apply_args* args, rotary_error* error) {
    return rotary_apply(args, error);
  };
  CheckCall(by_rows, "args.", apply);
  CheckCall(by_embedding, "args.", apply);
  CheckCall(positions, "positions.",
            [&](const rotary_positions* p, rotary_error* error) {
              rotary_apply_args args = by_embedding;
              args.positions = p;
              return rotary_apply(&args, error);
            });
  const std::vector<float> one = {1};
  rotary_cos_sin cos_sin;
  rotary_cos_sin_init(&cos_sin, sizeof(cos_sin));
  cos_sin.cos = one.data();
  cos_sin.sin = one.data();
  cos_sin.rotary_dim = 2;
  cos_sin.width = ROTARY_WIDTH_PAIRS;
  CheckCall(cos_sin, "cos_sin.",
            [&](const rotary_cos_sin* c, rotary_error* error) {
              rotary_apply_args args = by_rows;
              args.rows = nullptr;
              args.cos_sin = c;
              return rotary_apply(&args, error);
            });
  CheckCall(tensor, "tensors[0].",
            [&](const rotary_tensor* t, rotary_error* error) {
              rotary_apply_args args = by_rows;
              args.tensors = t;
              return rotary_apply(&args, error);
            });
}

TEST_CASE("tensors are as far apart as their struct_size says") {
  const Embedding embedding = MakeEmbedding(2);
  const Rows rows = MakeRows(embedding.get(), {1});
  std::vector<float> x = {1, 2, 3, 4};
  std::vector<float> expected = x;
  Later<rotary_tensor> later[2];
  rotary_tensor usual[2];
  for (size_t i = 0; i < 2; ++i) {
    rotary_tensor_init(&later[i].known, sizeof(later[i]));
    rotary_tensor_init(&usual[i], sizeof(usual[i]));
    for (rotary_tensor* tensor : {&later[i].known, &usual[i]}) {
      tensor->head_dim = 2;
      tensor->input_pairing = ROTARY_HALF;
    }
    later[i].known.input = &x[2 * i];
    usual[i].input = &expected[2 * i];
  }
  rotary_apply_args args;
  rotary_apply_args_init(&args, sizeof(args));
  args.tokens = 1;
  args.num_tensors = 2;
  args.rows = rows.get();
  args.tensors = usual;
  ApplyOk(args);
  CHECK(expected[2] != x[2]);
  args.tensors = &later[0].known;
  ApplyOk(args);
  CHECK(x == expected);

  rotary_error error;
  const auto refuses = [&](const std::string& argument) {
    const std::vector<float> before = x;
    CHECK(rotary_apply(&args, &error) == ROTARY_ERROR_STRUCT_SIZE);
    CHECK(std::string(error.argument) == argument);
    CHECK(error.tensor == 1);
    CHECK(x == before);
  };
  later[1].added[2] = 1;
  refuses("tensors[1].struct_size");
  later[1].added[2] = 0;
  later[1].known.struct_size = sizeof(rotary_tensor);
  refuses("tensors[1].struct_size");
  args.tensors = usual;
  usual[1].struct_size = sizeof(later[1]);
  refuses("tensors[1].struct_size");
}

}  // namespace
}  // namespace rotary_test
