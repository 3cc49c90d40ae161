// The tensors of drawn_backward.h, and what must become of them.
#include "tests/fuzz/drawn_backward.h"

#include <cmath>
#include <cstring>

#include "tests/fused/backward_reference.h"
#include "tests/fused/stored.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/drawn_tensor.h"
#include "tests/support/element.h"

namespace rotary_test {
namespace {

// The heads of a token, one behind the other.
std::vector<double> Values(const View& view, int64_t b, int64_t t) {
  std::vector<double> values;
  for (int64_t h = 0; h < view.shape.heads; ++h) {
    for (int64_t e = 0; e < view.shape.head_dim; ++e) {
      values.push_back(ValueOf(view.dtype, view.Bits(b, t, h, e)));
    }
  }
  return values;
}

View AsSealed(const Arena& arena, View view) {
  view.data = const_cast<uint8_t*>(arena.Sealed(view.data));
  return view;
}

void AddAll(const std::vector<Bounded>& terms, std::vector<Bounded>* sums) {
  sums->resize(terms.size(), Bounded{0, 0});
  for (size_t i = 0; i < terms.size(); ++i) {
    (*sums)[i].value += terms[i].value;
    (*sums)[i].error += terms[i].error + 0x1p-50 * std::fabs(terms[i].value);
  }
}

}  // namespace

float* DrawnBackward::DrawSums(Arena* arena) {
  const bool all_heads = steps_.norm.norm.all_heads == 1;
  const auto count = static_cast<size_t>(steps_.shape.head_dim *
                                         (all_heads ? steps_.shape.heads : 1));
  uint8_t* const memory = arena->Take(4 * count, 4);
  std::memset(memory, 0x77, 4 * count);
  return reinterpret_cast<float*>(memory);
}

void DrawnBackward::Draw(Input* input, Arena* arena,
                         const SharedFused& shared) {
  steps_.Draw(input, arena, shared, true);
  const Shape& shape = steps_.shape;
  from_ = input->Of(kPairings);
  to_ = input->Of(kPairings);
  const int64_t offset =
      steps_.fusion.rotates == 1
          ? input->Integer(0, shape.head_dim - shared.model->rotary_dim)
          : 0;
  const bool in_place = input->Flag();
  gradients_ =
      TakeTensor(input, arena, input->Of(kTensorDtypes), shape,
                 DrawStrides(input, shape, !in_place), shared.is_plain);
  if (in_place) {
    tensor = InPlace(gradients_, to_, offset);
    tensor.output_pairing = from_;
    output_ = gradients_;
    if (gradients_.dtype != ROTARY_F32 && input->Once(3)) {
      tensor.output_dtype = input->Flag() ? ROTARY_F16 : ROTARY_BF16;
      output_ = gradients_.As(tensor.output_dtype);
    }
  } else {
    output_ = TakeTensor(input, arena, input->Of(kTensorDtypes), shape,
                         DrawStrides(input, shape, false), true);
    tensor = OutOfPlace(gradients_, output_, to_, offset, from_);
    tensor.output_store = input->Integer32(0, 2);
  }
  HideDense(input, shape, &tensor.input_batch_stride,
            &tensor.input_token_stride, &tensor.input_head_stride);
  rotary_fusion_gradient_init(&gradient, sizeof(gradient));
  if (steps_.fusion.norm == nullptr) return;
  input_ = TakeTensor(input, arena, input->Of(kTensorDtypes), shape,
                      DrawStrides(input, shape, true), shared.is_plain);
  gradient.input = input_.data;
  gradient.input_dtype = input_.dtype;
  gradient.input_batch_stride = input_.strides.batch;
  gradient.input_token_stride = input_.strides.token;
  gradient.input_head_stride = input_.strides.head;
  HideDense(input, shape, &gradient.input_batch_stride,
            &gradient.input_token_stride, &gradient.input_head_stride);
  if (!input->Once(4)) gradient.weight = DrawSums(arena);
  if (steps_.norm.norm.kind == ROTARY_NORM_LAYER && input->Flag()) {
    gradient.bias = DrawSums(arena);
  }
}

void DrawnBackward::AddOutputs(Outputs* outputs) const {
  outputs->Add(WrittenOf(output_));
  const bool all_heads = steps_.norm.norm.all_heads == 1;
  const int64_t count =
      steps_.shape.head_dim * (all_heads ? steps_.shape.heads : 1);
  for (float* const sums : {gradient.weight, gradient.bias}) {
    if (sums == nullptr) continue;
    outputs->Add({reinterpret_cast<uint8_t*>(sums),
                  {1, 1, 1},
                  {0, 0, 0},
                  4 * count,
                  ROTARY_F32});
  }
}

void DrawnBackward::Expose(HostileFields* fields, Outputs* outputs) {
  if (steps_.fusion.norm != nullptr) fields->AddNorm(&steps_.norm.norm);
  const Arena& arena = Arena::Get();
  // In place, if nothing says where it goes.
  outputs->AddBlock(arena, gradients_.data);
  outputs->AddBlock(arena, output_.data);
  outputs->AddBlock(arena, gradient.weight);
  outputs->AddBlock(arena, gradient.bias);
}

void DrawnBackward::CheckSums(const float* got,
                              const std::vector<Bounded>& expected) const {
  if (got == nullptr) return;
  for (size_t i = 0; i < expected.size(); ++i) {
    const Bounded rounded = Rounded(expected[i]);
    Check(
        std::fabs(static_cast<double>(got[i]) - rounded.value) <= rounded.error,
        "the gradient of a weight or bias is too far from the formula");
  }
}

void DrawnBackward::CheckResult(const Arena& arena, const SharedFused& shared,
                                bool transposed) const {
  if (!shared.is_plain || shared.model->heads != 1) return;
  const View before = AsSealed(arena, gradients_);
  const bool norms = steps_.fusion.norm != nullptr;
  std::vector<Bounded> weight;
  std::vector<Bounded> bias;
  for (int64_t b = 0; b < steps_.shape.batch; ++b) {
    for (int64_t t = 0; t < steps_.shape.tokens; ++t) {
      FusedSteps steps = steps_.Steps(shared, steps_.Token(shared, b, t),
                                      tensor.rotary_offset, from_, to_);
      steps.transposed = transposed;
      const std::vector<double> x =
          norms ? Values(input_, b, t) : std::vector<double>();
      const TokenGradients expected =
          BackwardHeads(steps, x, Values(before, b, t));
      StoredHead got = {};
      got.dtype = output_.dtype;
      got.numbers = Values(output_, b, t);
      CheckEmpty(CompareStored(got, expected.input.data()));
      AddAll(expected.weight, &weight);
      AddAll(expected.bias, &bias);
    }
  }
  CheckSums(gradient.weight, weight);
  CheckSums(gradient.bias, bias);
}

}  // namespace rotary_test
