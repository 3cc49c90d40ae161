// Valid apply calls with one or two fields set to extreme or small values: each
// either succeeds and writes its outputs only, or fails, names an argument and
// writes nothing.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "tests/config/tensor_elements.h"
#include "tests/config/valid_call.h"
#include "tests/support/effort.h"
#include "tests/support/element.h"
#include "tests/support/objects.h"
#include "tests/support/random.h"

namespace rotary_test {
namespace {

// Small values reach around within memory; each of the others is so large that
// nothing fits.
int64_t Value64(Random* random) {
  static const std::vector<int64_t> extremes = {
      kMin64,     kMin64 + 1,    kMin64 / 2,   -(int64_t{1} << 61),
      kMax64,     kMax64 - 1,    kMax64 / 2,   int64_t{1} << 61,
      kMax64 / 4, -(kMax64 / 4), -(kMax64 / 2)};
  return random->Integer(0, 1) == 0 ? random->Choose(extremes)
                                    : random->Integer(-13, 13);
}

// Sizes, which must not be small enough to be true and large enough to leave
// memory.
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

// Formats that a tensor may have, or that of an output as its input's.
void SetFormats(rotary_tensor* tensor, Random* random) {
  tensor->input_dtype = random->Choose(Dtypes());
  tensor->output_dtype =
      random->Integer(0, 1) == 0 ? random->Choose(Dtypes()) : 0;
  tensor->input_pairing = static_cast<int32_t>(random->Integer(1, 2));
  tensor->output_pairing = static_cast<int32_t>(random->Integer(0, 2));
}

// Two tensors, and room for three, within one memory; so are the positions.
struct FuzzedCall {
  FuzzedCall() : memory(8192), ids(4096) {
    for (size_t i = 0; i < ids.size(); ++i) {
      ids[i] = static_cast<int64_t>(i % 1000);
    }
    Reset();
  }
  FuzzedCall(const FuzzedCall&) = delete;
  FuzzedCall& operator=(const FuzzedCall&) = delete;
  ~FuzzedCall() = default;

  float* At(int64_t element) { return memory.data() + element; }

  void Reset() {
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
    rotary_apply_args_init(&args, sizeof(args));
    args.batch = 2;
    args.tokens = 3;
    args.tensors = tensors;
    args.num_tensors = 2;
    args.embedding = embedding.get();
    args.positions = &positions;
    args.num_threads = 1;
  }

  void UseRows() {
    args.rows = rows.get();
    args.embedding = nullptr;
    args.positions = nullptr;
  }

  Embedding embedding = MakeEmbedding(8);
  Rows rows = MakeRows(embedding.get(), {1, 2, 3, 4, 5, 6, 7, 8});
  std::vector<float> memory;
  std::vector<int64_t> ids;
  rotary_tensor tensors[3];
  rotary_positions positions;
  rotary_apply_args args;
};

using Corruption = std::function<void(FuzzedCall*, Random*)>;

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
  all->push_back(
      [](FuzzedCall* call, Random*) { call->args.rows = call->rows.get(); });
  all->push_back(
      [](FuzzedCall* call, Random*) { call->args.embedding = nullptr; });
  all->push_back(
      [](FuzzedCall* call, Random*) { call->args.positions = nullptr; });
  all->push_back(
      [](FuzzedCall* call, Random*) { call->args.tensors = nullptr; });
  all->push_back(
      [](FuzzedCall* call, Random*) { call->args.target = "no target"; });
}

void AddPositionsCorruptions(std::vector<Corruption>* all) {
  for (const auto field :
       {&rotary_positions::batch_stride, &rotary_positions::token_stride,
        &rotary_positions::offset}) {
    all->push_back([=](FuzzedCall* call, Random* random) {
      call->positions.*field = Value64(random);
    });
  }
  for (const auto field : {&rotary_positions::dtype, &rotary_positions::kind}) {
    all->push_back([=](FuzzedCall* call, Random* random) {
      call->positions.*field = Value32(random);
    });
  }
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

// Whether what differs from before is in an output.
bool OnlyOutputsDiffer(const FuzzedCall& call,
                       const std::vector<float>& before) {
  const auto* const was = reinterpret_cast<const char*>(before.data());
  const auto* const is = reinterpret_cast<const char*>(call.memory.data());
  std::vector<bool> allowed(before.size() * sizeof(float));
  for (int64_t i = 0; i < call.args.num_tensors; ++i) {
    const TensorSide output = OutputOf(call.args, call.tensors[i]);
    if (output.empty()) continue;
    const ByteSet bytes(call.memory, output);
    for (size_t b = 0; b < allowed.size(); ++b) {
      allowed[b] = allowed[b] || bytes.Has(b);
    }
  }
  for (size_t b = 0; b < allowed.size(); ++b) {
    if (is[b] != was[b] && !allowed[b]) return false;
  }
  return true;
}

TEST_CASE("calls with corrupt fields succeed, or fail and write nothing") {
  std::vector<Corruption> corruptions;
  AddTensorCorruptions(&corruptions);
  AddArgsCorruptions(&corruptions);
  AddPositionsCorruptions(&corruptions);
  Random random(20250101);
  FuzzedCall call;
  int succeeded = 0;
  const int calls = Effort(6000, 100000);
  for (int i = 0; i < calls; ++i) {
    CAPTURE(i);
    call.Reset();
    if (random.Integer(0, 3) == 0) call.UseRows();
    for (int t = 0; t < 3 && i % 2 == 0; ++t) {
      SetFormats(&call.tensors[t], &random);
    }
    for (int64_t n = random.Integer(1, 2); n > 0; --n) {
      random.Choose(corruptions)(&call, &random);
    }
    const std::vector<float> before = call.memory;
    const std::vector<int64_t> ids_before = call.ids;
    rotary_error error;
    std::memset(&error, 0xA5, sizeof(error));
    const rotary_status status = rotary_apply(&call.args, &error);
    CHECK(call.ids == ids_before);
    if (status == ROTARY_OK) {
      ++succeeded;
      REQUIRE(OnlyOutputsDiffer(call, before));
    } else {
      REQUIRE(error.status == status);
      REQUIRE(std::memchr(error.argument, 0, sizeof(error.argument)));
      REQUIRE(std::memchr(error.message, 0, sizeof(error.message)));
      REQUIRE(std::strlen(error.argument) > 0);
      REQUIRE(std::strstr(error.message, error.argument) != nullptr);
      REQUIRE(SameBytes(call.memory, before));
    }
  }
  CHECK(succeeded > calls / 10);
  CHECK(succeeded < calls / 10 * 9);
}

}  // namespace
}  // namespace rotary_test
