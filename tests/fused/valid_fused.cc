#include "tests/fused/valid_fused.h"

#include <cstddef>

namespace rotary_test {
namespace {

void Append(const void* data, size_t bytes, std::vector<unsigned char>* to) {
  const auto* begin = static_cast<const unsigned char*>(data);
  to->insert(to->end(), begin, begin + bytes);
}

template <typename T>
void Append(const std::vector<T>& values, std::vector<unsigned char>* to) {
  Append(values.data(), values.size() * sizeof(T), to);
}

std::vector<float> Ramp(int64_t size) {
  std::vector<float> values(static_cast<size_t>(size));
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = 0.125f * static_cast<float>(i % 37) - 2.5f;
  }
  return values;
}

// Of the tensor that the argument names, or -1.
int32_t TensorOf(const std::string& argument) {
  const size_t at = argument.find('[');
  return at == std::string::npos ? -1 : argument[at + 1] - '0';
}

}  // namespace

ValidFused::ValidFused()
    : embedding(MakeEmbedding(kRotaryDim)),
      rows(MakeRows(embedding.get(), {1, 2, 3, 40, 50, 60})),
      ids({1, 2, 3, 40, 50, 60}),
      positions(MakePositions(ids)),
      slots(SlotsAt(kBatch, {0, 1, 5, 8, 11, 2}, kSlots)),
      q(Ramp(kBatch * kTokens * kHeads * kHeadDim)),
      k(Ramp(kBatch * kTokens * kHeads * kHeadDim)),
      v(Ramp(kBatch * kTokens * kHeads * kHeadDim)),
      weight(Ramp(kHeads * kHeadDim)),
      token_scales(Ramp(kBatch * kTokens)),
      k_data(static_cast<size_t>(kSlots * kHeads * kHeadDim + kBehind), 77),
      k_scales(static_cast<size_t>(kSlots * kHeads), 77.0f),
      v_data(static_cast<size_t>(kSlots * kHeads * kHeadDim), 77),
      spare(q.size(), 77.0f),
      saturated(77) {
  rotary_norm_init(&norm, sizeof(norm));
  norm.weight = weight.data();
  k_cache = MakeCache(k_data.data(), ROTARY_I8);
  k_cache.block_size = kBlockSize;
  k_cache.scale_kind = ROTARY_SCALES_MADE;
  k_cache.scales = k_scales.data();
  k_cache.saturated = &saturated;
  v_cache = MakeCache(v_data.data(), ROTARY_BF16);
  v_cache.block_size = kBlockSize;
  for (int i = 0; i < 3; ++i) {
    fusions[i] = MakeFusion(i == 2 ? 0 : 1);
    rotary_tensor& tensor = tensors[i];
    rotary_tensor_init(&tensor, sizeof(tensor));
    tensor.heads = kHeads;
    tensor.head_dim = kHeadDim;
    tensor.input = i == 0 ? q.data() : i == 1 ? k.data() : v.data();
    tensor.input_pairing = i == 2 ? 0 : ROTARY_HALF;
  }
  fusions[0].norm = &norm;
  fusions[0].token_scales = token_scales.data();
  fusions[1].cache = &k_cache;
  fusions[2].cache = &v_cache;
  rotary_apply_args_init(&apply, sizeof(apply));
  apply.batch = kBatch;
  apply.tokens = kTokens;
  apply.tensors = tensors;
  apply.num_tensors = 3;
  apply.rows = rows.get();
  apply.num_threads = 1;
  rotary_fused_args_init(&args, sizeof(args));
  args.apply = &apply;
  args.fusions = fusions;
  args.slots = slots.get();
}

void ValidFused::UseEmbedding() {
  apply.rows = nullptr;
  apply.embedding = embedding.get();
  apply.positions = &positions;
}

std::vector<unsigned char> ValidFused::Memory() const {
  std::vector<unsigned char> bytes;
  Append(rows.get(), rotary_rows_bytes(rows.get()), &bytes);
  Append(ids, &bytes);
  Append(slots.memory, &bytes);
  for (const auto* floats :
       {&q, &k, &v, &weight, &token_scales, &k_scales, &spare}) {
    Append(*floats, &bytes);
  }
  Append(k_data, &bytes);
  Append(v_data, &bytes);
  Append(&saturated, sizeof(saturated), &bytes);
  return bytes;
}

void CheckFusedRefused(const ValidFused& call, const Wrong& expected) {
  const std::vector<unsigned char> before = call.Memory();
  CheckRefused(
      [&](rotary_error* error) {
        return rotary_apply_fused(&call.args, error);
      },
      expected);
  CHECK(call.Memory() == before);
}

void CheckFusedAccepted(const ValidFused& call) {
  const std::vector<unsigned char> before = call.Memory();
  FuseOk(call.args);
  CHECK(call.Memory() != before);
}

void CheckAllFusedRefused(const std::vector<SpoiledFused>& cases) {
  for (size_t i = 0; i < cases.size(); ++i) {
    CAPTURE(i);
    ValidFused call;
    Wrong expected = {cases[i].argument};
    expected.value = cases[i].spoil(&call);
    expected.status = cases[i].status;
    expected.tensor = TensorOf(cases[i].argument);
    CheckFusedRefused(call, expected);
  }
}

}  // namespace rotary_test
