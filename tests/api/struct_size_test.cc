// struct_size: which sizes init functions and calls take.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

#include "tests/support/objects.h"

namespace rotary_test {
namespace {

constexpr unsigned char kCanary = 0xA5;

// A struct as a later version may have it.
template <typename Struct>
struct Later {
  Struct known;
  uint64_t added[3];
};

// The size that a struct had in version 0.1.
template <typename Struct>
constexpr size_t kFirstSize = sizeof(Struct);
template <>
constexpr size_t kFirstSize<rotary_embedding_config> = 48;
template <>
constexpr size_t kFirstSize<rotary_positions> = 48;
template <>
constexpr size_t kFirstSize<rotary_apply_args> = 112;

template <typename Struct>
bool IsSize(size_t size) {
  return size == kFirstSize<Struct> || size >= sizeof(Struct);
}

// What init must leave, from the comments in the header.
rotary_embedding_config Default(const rotary_embedding_config&) {
  rotary_embedding_config config = {};
  config.base = 10000;
  config.gain = 1;
  config.inv_freq_dtype = ROTARY_F64;
  return config;
}

rotary_scaling DefaultScaling(rotary_scaling_kind kind) {
  rotary_scaling scaling = {};
  scaling.kind = kind;
  scaling.truncate = 1;
  scaling.factor = 1;
  scaling.beta_fast = 32;
  scaling.beta_slow = 1;
  scaling.extrapolation_factor = kind == ROTARY_SCALING_GGML ? 0 : 1;
  scaling.low_freq_factor = 1;
  scaling.high_freq_factor = 4;
  scaling.partial_rotary_factor = 1;
  scaling.ntk_factor = 1;
  scaling.beta_0 = 1.25;
  scaling.beta_1 = 0.75;
  scaling.gamma_0 = 16;
  scaling.gamma_1 = 2;
  scaling.exponent = 0.625;
  scaling.factors_dtype = ROTARY_F32;
  return scaling;
}

rotary_positions Default(const rotary_positions&) {
  rotary_positions positions = {};
  positions.kind = ROTARY_POSITION_IDS;
  positions.batch_stride = ROTARY_DENSE;
  positions.token_stride = ROTARY_DENSE;
  return positions;
}

rotary_rows_args Default(const rotary_rows_args&) {
  rotary_rows_args args = {};
  args.batch = 1;
  args.mode = ROTARY_FORWARD;
  return args;
}

rotary_cos_sin Default(const rotary_cos_sin&) {
  rotary_cos_sin cos_sin = {};
  cos_sin.batch_stride = ROTARY_DENSE;
  cos_sin.row_stride = ROTARY_DENSE;
  cos_sin.element_stride = ROTARY_DENSE;
  cos_sin.dtype = ROTARY_F32;
  return cos_sin;
}

rotary_tensor Default(const rotary_tensor&) {
  rotary_tensor tensor = {};
  tensor.heads = 1;
  tensor.input_batch_stride = ROTARY_DENSE;
  tensor.input_token_stride = ROTARY_DENSE;
  tensor.input_head_stride = ROTARY_DENSE;
  tensor.input_dtype = ROTARY_F32;
  tensor.output_batch_stride = ROTARY_DENSE;
  tensor.output_token_stride = ROTARY_DENSE;
  tensor.output_head_stride = ROTARY_DENSE;
  tensor.output_store = ROTARY_STORE_AUTO;
  return tensor;
}

rotary_apply_args Default(const rotary_apply_args&) {
  rotary_apply_args args = {};
  args.batch = 1;
  args.row_batch_stride = ROTARY_DENSE;
  args.row_token_stride = ROTARY_DENSE;
  args.mode = ROTARY_FORWARD;
  return args;
}

// init(&struct, struct_size) must leave `set`, but for struct_size.
template <typename Struct, typename Init>
void CheckInit(const Struct& set, const Init& init) {
  // Bytes behind the given size stay; those of later fields become zero.
  constexpr size_t kBytes = sizeof(Later<Struct>) + 16;
  for (size_t size = 0; size <= sizeof(Later<Struct>); ++size) {
    CAPTURE(size);
    alignas(Struct) unsigned char memory[kBytes];
    std::memset(memory, kCanary, sizeof(memory));
    init(reinterpret_cast<Struct*>(memory), size);
    // A size that no version has had is no struct: nothing is written.
    const size_t written = IsSize<Struct>(size) ? size : 0;
    std::vector<unsigned char> expected(kBytes, kCanary);
    if (written != 0) {
      Struct defaults = set;
      defaults.struct_size = size;
      std::memset(expected.data(), 0, written);
      std::memcpy(expected.data(), &defaults,
                  std::min(written, sizeof(defaults)));
    }
    CHECK(std::equal(expected.begin(), expected.end(), memory));
  }
  init(nullptr, sizeof(Struct));
}

// Calls call(&struct) with every size that it must refuse, and with larger ones
// whose additional fields are not set, or set.
template <typename Struct, typename Call>
void CheckCall(const Struct& valid, const std::string& name, const Call& call) {
  CAPTURE(name);
  Later<Struct> later;
  const auto reset = [&](size_t struct_size) {
    std::memset(static_cast<void*>(&later), 0, sizeof(later));
    later.known = valid;
    later.known.struct_size = struct_size;
  };
  rotary_error error;
  reset(sizeof(Struct));
  RequireOk(call(&later.known, &error), error);
  reset(sizeof(later));
  RequireOk(call(&later.known, &error), error);

  const auto refuses = [&] {
    const size_t size = later.known.struct_size;
    CAPTURE(size);
    std::memset(&error, kCanary, sizeof(error));
    CHECK(call(&later.known, &error) == ROTARY_ERROR_STRUCT_SIZE);
    CHECK(error.status == ROTARY_ERROR_STRUCT_SIZE);
    CHECK(std::string(error.argument) == name + "struct_size");
    CHECK(error.value == static_cast<int64_t>(size));
    CHECK(std::string(error.message).find(error.argument) != std::string::npos);
    CHECK(call(&later.known, nullptr) == ROTARY_ERROR_STRUCT_SIZE);
  };
  for (size_t size = 0; size < sizeof(Struct); ++size) {
    reset(size);
    if (!IsSize<Struct>(size)) {
      refuses();
      continue;
    }
    // What came later is not read.
    std::memset(reinterpret_cast<unsigned char*>(&later) + size, kCanary,
                sizeof(Struct) - size);
    RequireOk(call(&later.known, &error), error);
  }
  for (size_t byte = 0; byte < sizeof(later.added); ++byte) {
    reset(sizeof(later));
    reinterpret_cast<unsigned char*>(later.added)[byte] = 1;
    refuses();
    // Not a field of the struct that this caller knows.
    later.known.struct_size = sizeof(Struct);
    RequireOk(call(&later.known, &error), error);
  }
  // An uninitialized struct.
  for (const size_t size : {SIZE_MAX, SIZE_MAX / 2, size_t{1} << 40}) {
    reset(size);
    later.added[0] = 1;
    refuses();
  }
}

TEST_CASE("init functions write as many bytes as they are told") {
  CheckInit(Default(rotary_embedding_config()), rotary_embedding_config_init);
  CheckInit(Default(rotary_positions()), rotary_positions_init);
  CheckInit(Default(rotary_rows_args()), rotary_rows_args_init);
  CheckInit(Default(rotary_cos_sin()), rotary_cos_sin_init);
  CheckInit(Default(rotary_tensor()), rotary_tensor_init);
  CheckInit(Default(rotary_apply_args()), rotary_apply_args_init);
  // A kind that there is not is refused later.
  for (rotary_scaling_kind kind = -1; kind <= ROTARY_SCALING_GGML + 1; ++kind) {
    CheckInit(DefaultScaling(kind), [&](rotary_scaling* scaling, size_t size) {
      rotary_scaling_init(scaling, size, kind);
    });
  }
}

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

  rotary_scaling scaling = DefaultScaling(ROTARY_SCALING_LINEAR);
  scaling.struct_size = sizeof(scaling);
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
  rotary_apply_args by_rows = Default(rotary_apply_args());
  by_rows.struct_size = sizeof(by_rows);
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
  rotary_cos_sin cos_sin = Default(rotary_cos_sin());
  cos_sin.struct_size = sizeof(cos_sin);
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
  rotary_apply_args args = Default(rotary_apply_args());
  args.struct_size = sizeof(args);
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
