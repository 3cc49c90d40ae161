// The calls of fuzzed_call.h and their corruptions.
#include "tests/config/fuzzed_call.h"

#include <doctest/doctest.h>

#include <cstring>

#include "tests/config/valid_call.h"
#include "tests/support/element.h"

namespace rotary_test {
namespace {

void AddTensorCorruptions(std::vector<Corruption>* all) {
  const auto add = [all](const auto& set) {
    all->push_back([set](FuzzedCall* call, Random* random) {
      set(&call->tensors[random->Integer(0, 1)], call, random);
    });
  };
  const auto add64 = [&](int64_t rotary_tensor::*field, auto value) {
    add([=](rotary_tensor* tensor, FuzzedCall*, Random* random) {
      tensor->*field = value(random);
    });
  };
  add([](rotary_tensor* tensor, FuzzedCall*, Random* random) {
    SetFormats(tensor, random);
  });
  add64(&rotary_tensor::heads, Size);
  add64(&rotary_tensor::head_dim, Size);
  add64(&rotary_tensor::rotary_offset, Value64);
  for (const auto field :
       {&rotary_tensor::input_batch_stride, &rotary_tensor::input_token_stride,
        &rotary_tensor::input_head_stride, &rotary_tensor::output_batch_stride,
        &rotary_tensor::output_token_stride,
        &rotary_tensor::output_head_stride}) {
    add64(field, Value64);
  }
  for (const auto field :
       {&rotary_tensor::input_dtype, &rotary_tensor::input_pairing,
        &rotary_tensor::output_dtype, &rotary_tensor::output_pairing,
        &rotary_tensor::output_store, &rotary_tensor::reserved}) {
    add([=](rotary_tensor* tensor, FuzzedCall*, Random* random) {
      tensor->*field = Value32(random);
    });
  }
  // NULL, or somewhere, also where it may not be.
  const auto pointer = [](FuzzedCall* call, Random* random) -> void* {
    if (random->Integer(0, 3) == 0) return nullptr;
    return reinterpret_cast<char*>(call->At(2500 + random->Integer(0, 3000))) +
           (random->Integer(0, 3) == 0 ? random->Integer(1, 3) : 0);
  };
  add([=](rotary_tensor* tensor, FuzzedCall* call, Random* random) {
    tensor->input = pointer(call, random);
  });
  add([=](rotary_tensor* tensor, FuzzedCall* call, Random* random) {
    tensor->output = pointer(call, random);
  });
  add([](rotary_tensor* tensor, FuzzedCall*, Random*) {
    tensor->output = const_cast<void*>(tensor->input);
  });
}

void AddArgsCorruptions(std::vector<Corruption>* all) {
  const auto add64 = [all](int64_t rotary_apply_args::*field, auto value) {
    all->push_back([=](FuzzedCall* call, Random* random) {
      call->args.*field = value(random);
    });
  };
  add64(&rotary_apply_args::batch, Size);
  add64(&rotary_apply_args::tokens, Size);
  add64(&rotary_apply_args::first_row, Value64);
  add64(&rotary_apply_args::row_batch_stride, Value64);
  add64(&rotary_apply_args::row_token_stride, Value64);
  add64(&rotary_apply_args::row_head_stride, Value64);
  all->push_back([](FuzzedCall* call, Random* random) {
    const int64_t count = Size(random);
    call->args.num_tensors = count > 3 && count < 100 ? 3 : count;
  });
  all->push_back([](FuzzedCall* call, Random* random) {
    call->args.num_threads = Value32(random);
  });
  for (const auto field :
       {&rotary_apply_args::mode, &rotary_apply_args::transpose,
        &rotary_apply_args::reserved}) {
    all->push_back([=](FuzzedCall* call, Random* random) {
      call->args.*field = Value32(random);
    });
  }
  all->push_back([](FuzzedCall* call, Random*) { call->UseRows(); });
  all->push_back([](FuzzedCall* call, Random* random) {
    call->UseCosSin(random->Integer(0, 1) == 0);
  });
  all->push_back(
      [](FuzzedCall* call, Random*) { call->args.cos_sin = &call->cos_sin; });
  all->push_back(
      [](FuzzedCall* call, Random*) { call->args.rows = call->rows.get(); });
  all->push_back(
      [](FuzzedCall* call, Random*) { call->args.embedding = nullptr; });
  all->push_back(
      [](FuzzedCall* call, Random*) { call->args.positions = nullptr; });
  all->push_back([](FuzzedCall* call, Random*) {
    call->args.embedding = call->axes.get();
  });
  all->push_back([](FuzzedCall* call, Random*) {
    call->args.embedding = call->heads.get();
  });
  all->push_back([](FuzzedCall* call, Random* random) {
    call->args.log_n_length = random->Choose<double>({2, 1e3, 1, -1, 1e308});
  });
  all->push_back(
      [](FuzzedCall* call, Random*) { call->args.tensors = nullptr; });
  all->push_back(
      [](FuzzedCall* call, Random*) { call->args.target = "no target"; });
}

void AddPositionsCorruptions(std::vector<Corruption>* all) {
  for (const auto field :
       {&rotary_positions::batch_stride, &rotary_positions::token_stride,
        &rotary_positions::axis_stride, &rotary_positions::offset}) {
    all->push_back([=](FuzzedCall* call, Random* random) {
      call->positions.*field = Value64(random);
    });
  }
  for (const auto field : {&rotary_positions::dtype, &rotary_positions::kind}) {
    all->push_back([=](FuzzedCall* call, Random* random) {
      call->positions.*field = Value32(random);
    });
  }
  // Read as real numbers, ids are tiny ones.
  all->push_back([](FuzzedCall* call, Random* random) {
    call->positions.dtype = random->Choose<int32_t>({ROTARY_F32, ROTARY_F64});
  });
  all->push_back(
      [](FuzzedCall* call, Random*) { call->positions.data = nullptr; });
  all->push_back([](FuzzedCall* call, Random* random) {
    call->positions.data = reinterpret_cast<const char*>(call->ids.data()) +
                           16384 + random->Integer(1, 7);
  });
  // Within an output, or beside it.
  all->push_back([](FuzzedCall* call, Random* random) {
    call->positions.data = call->At(2400 + 2 * random->Integer(0, 1500));
  });
}

void AddCosSinCorruptions(std::vector<Corruption>* all) {
  const auto add = [all](auto rotary_cos_sin::*field, auto value) {
    all->push_back([=](FuzzedCall* call, Random* random) {
      call->cos_sin.*field = value(random);
    });
  };
  add(&rotary_cos_sin::rotary_dim, Size);
  add(&rotary_cos_sin::rows, Size);
  for (const auto field :
       {&rotary_cos_sin::batch_stride, &rotary_cos_sin::row_stride,
        &rotary_cos_sin::head_stride, &rotary_cos_sin::element_stride}) {
    add(field, Value64);
  }
  add(&rotary_cos_sin::dtype, Value32);
  add(&rotary_cos_sin::width, Value32);
  add(&rotary_cos_sin::width, [](Random* random) {
    return static_cast<int32_t>(random->Integer(1, 3));
  });
  add(&rotary_cos_sin::dtype,
      [](Random* random) { return random->Choose(Dtypes()); });
  // NULL; somewhere else, aligned or not; within an output, or beside it, where
  // equal values are not.
  for (const auto field : {&rotary_cos_sin::cos, &rotary_cos_sin::sin}) {
    all->push_back(
        [=](FuzzedCall* call, Random*) { call->cos_sin.*field = nullptr; });
    all->push_back([=](FuzzedCall* call, Random* random) {
      call->cos_sin.*field =
          reinterpret_cast<const char*>(call->table.data() + 1000) +
          random->Integer(0, 200);
    });
    all->push_back([=](FuzzedCall* call, Random* random) {
      call->cos_sin.*field = call->At(2400 + random->Integer(0, 3000));
    });
  }
}

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

std::vector<Corruption> AllCorruptions() {
  std::vector<Corruption> all;
  AddTensorCorruptions(&all);
  AddArgsCorruptions(&all);
  AddPositionsCorruptions(&all);
  AddCosSinCorruptions(&all);
  return all;
}

void RequireConsistent(rotary_status status, const rotary_error& error) {
  REQUIRE(error.status == status);
  REQUIRE(std::memchr(error.argument, 0, sizeof(error.argument)));
  REQUIRE(std::memchr(error.message, 0, sizeof(error.message)));
  REQUIRE(std::strlen(error.argument) > 0);
  REQUIRE(std::strstr(error.message, error.argument) != nullptr);
}

}  // namespace rotary_test
