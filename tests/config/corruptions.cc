// The fields of corruptions.h, struct by struct.
#include "tests/config/corruptions.h"

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

}  // namespace

std::vector<Corruption> AllCorruptions() {
  std::vector<Corruption> all;
  AddTensorCorruptions(&all);
  AddArgsCorruptions(&all);
  AddPositionsCorruptions(&all);
  AddCosSinCorruptions(&all);
  return all;
}

}  // namespace rotary_test
