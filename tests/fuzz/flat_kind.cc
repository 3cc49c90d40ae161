// The flat call: it does what rotary_apply does with the same arguments.
#include <algorithm>

#include "tests/config/fuzzed_call.h"
#include "tests/fuzz/arena.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/drawn_tensor.h"
#include "tests/fuzz/kinds.h"
#include "tests/fuzz/models.h"
#include "tests/fuzz/same_results.h"

namespace rotary_test {
namespace {

struct FlatCall {
  const rotary_embedding* embedding;
  const void* ids;
  rotary_dtype ids_dtype;
  int64_t tokens;
  rotary_dtype dtype;
  rotary_pairing pairing;
  int64_t head_dim;
  void* data[2];
  int64_t heads[2];
  int64_t token_stride[2];
  int64_t head_stride[2];
  int32_t num_threads;

  rotary_status Run(rotary_error* error) const {
    return rotary_apply_qk(embedding, ids, ids_dtype, tokens, dtype, pairing,
                           head_dim, data[0], heads[0], token_stride[0],
                           head_stride[0], data[1], heads[1], token_stride[1],
                           head_stride[1], num_threads, error);
  }
  rotary_status Apply(const char* target) const;
};

rotary_status FlatCall::Apply(const char* target) const {
  rotary_tensor tensors[2];
  for (int i = 0; i < 2; ++i) {
    rotary_tensor_init(&tensors[i], sizeof(tensors[i]));
    tensors[i].heads = heads[i];
    tensors[i].head_dim = head_dim;
    tensors[i].input = data[i];
    tensors[i].input_token_stride = token_stride[i];
    tensors[i].input_head_stride = head_stride[i];
    tensors[i].input_dtype = dtype;
    tensors[i].input_pairing = pairing;
  }
  rotary_positions positions;
  rotary_positions_init(&positions, sizeof(positions));
  positions.data = ids;
  positions.dtype = ids_dtype;
  positions.axis_stride = 0;
  rotary_apply_args args;
  rotary_apply_args_init(&args, sizeof(args));
  args.tokens = tokens;
  args.tensors = tensors;
  args.num_tensors = data[1] == nullptr && heads[1] == 0 ? 1 : 2;
  args.embedding = embedding;
  args.positions = &positions;
  args.num_threads = 1;
  args.target = target;
  return rotary_apply(&args, nullptr);
}

void Corrupt(Input* input, FlatCall* call) {
  const auto i = static_cast<size_t>(input->Integer(0, 1));
  switch (input->Integer(0, 10)) {
    case 0:
      call->embedding = nullptr;
      break;
    case 1:
      call->ids = nullptr;
      break;
    case 2:
      call->ids_dtype = Value32(input);
      break;
    case 3:
      call->tokens = std::min<int64_t>(Value64(input), 0);
      break;
    case 4:
      call->dtype = input->Flag() ? 0 : 100;
      break;
    case 5:
      call->pairing = Value32(input);
      break;
    case 6:
      call->head_dim = std::min<int64_t>(Value64(input), 1);
      break;
    case 7:
      call->data[i] = nullptr;
      break;
    case 8:
      call->heads[i] = std::min<int64_t>(Value64(input), 0);
      break;
    case 9:
      call->num_threads = Value32(input);
      break;
    default:
      // It overlaps.
      call->data[1] = call->data[0];
      break;
  }
}

}  // namespace

bool FuzzFlat(Input* input) {
  Arena& arena = Arena::Get();
  const Model& model = DrawModel(input);
  FlatCall call = {};
  call.embedding = model.embedding.get();
  call.tokens = input->Integer(0, 7);
  call.dtype = input->Of(kTensorDtypes);
  call.pairing = input->Of(kPairings);
  call.head_dim = model.rotary_dim + (input->Flag() ? input->Integer(0, 9) : 0);
  call.num_threads = input->Integer32(0, 2);
  const int64_t most = model.heads == 1 ? 4 : model.heads;
  Outputs outputs;
  for (size_t i = 0; i < 2; ++i) {
    call.heads[i] = input->Integer(1 - static_cast<int64_t>(i), most);
    const Shape shape = {1, call.tokens, call.heads[i], call.head_dim};
    const View view = TakeTensor(input, &arena, call.dtype, shape,
                                 DrawStrides(input, shape, false));
    int64_t batch = view.strides.batch;
    call.data[i] = call.heads[i] == 0 ? nullptr : view.data;
    call.token_stride[i] = view.strides.token;
    call.head_stride[i] = view.strides.head;
    HideDense(input, shape, &batch, &call.token_stride[i],
              &call.head_stride[i]);
    outputs.Add(WrittenOf(view));
  }
  // Of several axes an id is the position on each.
  constexpr rotary_dtype kIds[] = {ROTARY_I32, ROTARY_I64, ROTARY_F32};
  call.ids_dtype = input->Of(kIds);
  uint8_t* const ids = arena.Take(8 * 7);
  for (int64_t t = 0; t < 7; ++t) {
    const int64_t id = input->Once(8) ? INT32_MIN : input->Integer(0, 800);
    if (call.ids_dtype == ROTARY_I64) {
      StoreBits(ROTARY_F32, ids, 2 * t, static_cast<uint32_t>(id));
      StoreBits(ROTARY_F32, ids, 2 * t + 1, id < 0 ? 0x80000000u : 0);
      if (id < 0) StoreBits(ROTARY_F32, ids, 2 * t, 0);
    } else {
      StoreBits(ROTARY_F32, ids, t,
                call.ids_dtype == ROTARY_I32
                    ? static_cast<uint32_t>(id)
                    : BitsFromFloat(static_cast<float>(id)));
    }
  }
  call.ids = ids;
  const bool is_corrupt = input->Once(6);
  if (is_corrupt) Corrupt(input, &call);
  arena.Seal();
  Told told;
  const rotary_status status = call.Run(told.error());
  told.CheckStatus(status);
  if (status != ROTARY_OK) {
    Check(arena.IsAsSealed(), "a call that fails wrote");
    Check(call.Apply(nullptr) != ROTARY_OK || is_corrupt,
          "the flat call fails where the other does not");
    return false;
  }
  arena.Keep();
  Check(UndoOutputs(outputs, &arena), "other memory than outputs was written");
  const char* const* names;
  const int count = Targets(&names);
  for (int i = 0; i < count; ++i) {
    Check(call.Apply(names[i]) == ROTARY_OK, "the other call fails");
    Check(arena.IsAsKept() || IsAlike(outputs, &arena),
          "the other call has other results");
    arena.Restore();
  }
  return true;
}

}  // namespace rotary_test
