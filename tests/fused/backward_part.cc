#include "tests/fused/backward_part.h"

#include <cmath>
#include <cstddef>

#include "tests/support/element.h"

namespace rotary_test {
namespace {

const std::vector<rotary_pairing> kPairings = {ROTARY_HALF, ROTARY_INTERLEAVED};

std::unique_ptr<StridedTensor> DrawTensor(const DrawnFusion& drawn,
                                          Random* random) {
  const rotary_dtype dtype = random->Choose(Dtypes());
  const Strides strides = drawn.DrawStrides(random);
  const Flush flush = random->Integer(0, 1) == 0 ? Flush::kStart : Flush::kEnd;
  auto tensor = std::make_unique<StridedTensor>(dtype, drawn.shape(), strides,
                                                flush, random->Integer(0, 3));
  tensor->FillRandom(random->Bits());
  return tensor;
}

// Memory for gradients of weights or biases, between guard pages.
std::unique_ptr<StridedTensor> SumsOf(const rotary_norm& norm,
                                      const Shape& shape) {
  const int64_t heads = norm.all_heads == 1 ? shape.heads : 1;
  const Shape dense = {1, 1, heads, shape.head_dim};
  return std::make_unique<StridedTensor>(ROTARY_F32, dense, StridesOf(dense));
}

std::string CheckSums(const char* name, const StridedTensor* got,
                      const std::vector<Bounded>& expected) {
  if (got == nullptr) return "";
  const float* values = got->view().Floats(0, 0, 0);
  for (size_t i = 0; i < expected.size(); ++i) {
    const Bounded rounded = Rounded(expected[i]);
    const double value = static_cast<double>(values[i]);
    if (std::fabs(value - rounded.value) <= rounded.error) continue;
    return std::string(name) + " " + std::to_string(i) + " is " +
           std::to_string(value) + ", not " + std::to_string(rounded.value) +
           " within " + std::to_string(rounded.error);
  }
  return "";
}

void AddAll(const std::vector<Bounded>& terms, std::vector<Bounded>* sums) {
  sums->resize(terms.size(), Bounded{0, 0});
  for (size_t i = 0; i < terms.size(); ++i) {
    (*sums)[i].value += terms[i].value;
    (*sums)[i].error += terms[i].error + 0x1p-50 * std::fabs(terms[i].value);
  }
}

}  // namespace

BackwardPart::BackwardPart(const FusedRows& shared, Random* random)
    : shared_(shared),
      drawn_(shared, random),
      shape_(drawn_.shape()),
      tensor_(),
      gradient_() {
  drawn_.DrawNorm(random);
  drawn_.DrawScales(random);
  from_ = random->Choose(kPairings);
  to_ = random->Choose(kPairings);
  DrawTensors(random);
  DrawGradient(random);
}

void BackwardPart::DrawTensors(Random* random) {
  gradients_ = DrawTensor(drawn_, random);
  before_ = std::make_unique<Snapshot>(*gradients_);
  const int64_t offset =
      drawn_.rotates()
          ? random->Integer(0, shape_.head_dim - shared_.rotary_dim)
          : 0;
  if (random->Integer(0, 1) == 0) {
    tensor_ = InPlace(gradients_->view(), to_, offset);
    tensor_.output_pairing = from_;
    if (gradients_->view().dtype != ROTARY_F32) {
      tensor_.output_dtype =
          random->Integer(0, 1) == 0 ? ROTARY_F16 : ROTARY_BF16;
    }
    return;
  }
  output_ = DrawTensor(drawn_, random);
  tensor_ = OutOfPlace(gradients_->view(), output_->view(), to_, offset, from_);
  if (random->Integer(0, 1) == 0) tensor_.output_store = ROTARY_STORE_STREAM;
}

void BackwardPart::DrawGradient(Random* random) {
  rotary_fusion_gradient_init(&gradient_, sizeof(gradient_));
  const rotary_norm* norm = drawn_.fusion().norm;
  if (norm == nullptr) return;
  input_ = DrawTensor(drawn_, random);
  input_before_ = std::make_unique<Snapshot>(*input_);
  const View& view = input_->view();
  gradient_.input = view.data;
  gradient_.input_dtype = view.dtype;
  gradient_.input_batch_stride = view.strides.batch;
  gradient_.input_token_stride = view.strides.token;
  gradient_.input_head_stride = view.strides.head;
  if (random->Integer(0, 3) != 0) {
    weight_ = SumsOf(*norm, shape_);
    gradient_.weight = weight_->view().Floats(0, 0, 0);
  }
  if (norm->kind == ROTARY_NORM_LAYER && random->Integer(0, 2) != 0) {
    bias_ = SumsOf(*norm, shape_);
    gradient_.bias = bias_->view().Floats(0, 0, 0);
  }
}

int64_t BackwardPart::Sums() const {
  int64_t count = 0;
  for (const StridedTensor* sums : {weight_.get(), bias_.get()}) {
    if (sums != nullptr) count += sums->size();
  }
  return count;
}

void BackwardPart::Reset() {
  CopyValues(before_->view(), gradients_->view());
  for (StridedTensor* tensor : {output_.get(), weight_.get(), bias_.get()}) {
    if (tensor != nullptr) tensor->FillRandom(7);
  }
}

View BackwardPart::Output() const {
  if (output_ != nullptr) return output_->view();
  const View& view = gradients_->view();
  return tensor_.output_dtype != 0 ? view.As(tensor_.output_dtype) : view;
}

std::vector<double> BackwardPart::Values(const View& view, int64_t b,
                                         int64_t t) const {
  std::vector<double> values;
  for (int64_t h = 0; h < shape_.heads; ++h) {
    for (int64_t e = 0; e < shape_.head_dim; ++e) {
      values.push_back(ValueOf(view.dtype, view.Bits(b, t, h, e)));
    }
  }
  return values;
}

std::string BackwardPart::CheckInputGradient(
    int64_t b, int64_t t, const TokenGradients& expected) const {
  StoredHead got = {};
  got.dtype = Output().dtype;
  got.numbers = Values(Output(), b, t);
  const std::string wrong = CompareStored(got, expected.input.data());
  if (wrong.empty()) return "";
  return "sequence " + std::to_string(b) + ", token " + std::to_string(t) +
         ", " + wrong;
}

std::string BackwardPart::CheckUntouched() const {
  if (!gradients_->GapsIntact()) return "the gradients' gaps were changed";
  if (output_ != nullptr) {
    if (!output_->GapsIntact()) return "the output's gaps were changed";
    if (!before_->SameBits(*gradients_)) return "the gradients were changed";
  }
  if (input_ != nullptr && !input_before_->SameBits(*input_)) {
    return "the input was changed";
  }
  return "";
}

std::string BackwardPart::Check(bool transposed) const {
  std::vector<Bounded> weight;
  std::vector<Bounded> bias;
  const bool norms = input_ != nullptr;
  if (weight_ != nullptr) {
    weight.assign(static_cast<size_t>(weight_->size()), Bounded{0, 0});
  }
  if (bias_ != nullptr) {
    bias.assign(static_cast<size_t>(bias_->size()), Bounded{0, 0});
  }
  for (int64_t b = 0; b < shape_.batch; ++b) {
    for (int64_t t = 0; t < shape_.tokens; ++t) {
      FusedSteps steps = drawn_.Steps(b, t, tensor_.rotary_offset, from_, to_);
      steps.transposed = transposed;
      const std::vector<double> x =
          norms ? Values(input_before_->view(), b, t) : std::vector<double>();
      const TokenGradients expected =
          BackwardHeads(steps, x, Values(before_->view(), b, t));
      const std::string wrong = CheckInputGradient(b, t, expected);
      if (!wrong.empty()) return wrong;
      AddAll(expected.weight, &weight);
      AddAll(expected.bias, &bias);
    }
  }
  for (const std::string& wrong :
       {CheckSums("weight", weight_.get(), weight),
        CheckSums("bias", bias_.get(), bias), CheckUntouched()}) {
    if (!wrong.empty()) return wrong;
  }
  return "";
}

std::vector<uint8_t> BackwardPart::Result() const {
  std::vector<uint8_t> result;
  for (const StridedTensor* tensor :
       {gradients_.get(), output_.get(), weight_.get(), bias_.get()}) {
    if (tensor == nullptr) continue;
    const auto* from = static_cast<const uint8_t*>(tensor->memory());
    result.insert(result.end(), from,
                  from + static_cast<size_t>(tensor->size()) *
                             ElementBytes(tensor->view().dtype));
  }
  return result;
}

std::string BackwardPart::Describe() const {
  return "dtype " + std::to_string(tensor_.input_dtype) + " to " +
         std::to_string(Output().dtype) + " of " +
         std::to_string(gradient_.input_dtype) + ", pairing " +
         std::to_string(to_) + " to " + std::to_string(from_) + ", " +
         drawn_.Describe() + (weight_ != nullptr ? ", weight" : "") +
         (bias_ != nullptr ? ", bias" : "") +
         (output_ == nullptr ? ", in place" : ", out of place");
}

}  // namespace rotary_test
