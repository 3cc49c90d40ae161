// The calls of conversion.h, and the comparison of what they give.
#include "tests/apply/conversion.h"

#include <cmath>
#include <cstring>
#include <sstream>

#include "tests/support/element.h"
#include "tests/support/targets.h"

namespace rotary_test {
namespace {

bool Turns(const Conversion& by) {
  return by.way == Way::kFirst || by.way == Way::kSecond;
}

int64_t RotaryDim(const Conversion& by) {
  return by.way == Way::kRuns ? 2 : by.head_dim;
}

size_t BytesOf(rotary_dtype dtype, int64_t elements) {
  return static_cast<size_t>(elements) * ElementBytes(dtype);
}

}  // namespace

std::string Describe(const Conversion& by) {
  std::ostringstream text;
  text << "way " << static_cast<int>(by.way) << ", dtypes " << by.from << " to "
       << by.to << ", head_dim " << by.head_dim << ", rotary_offset "
       << by.rotary_offset << ", pairings " << by.input_pairing << " to "
       << by.output_pairing << ", misalignment " << by.misalignment;
  return text.str();
}

Converter::Converter(const Conversion& conversion, int64_t count)
    : by_(conversion),
      count_(count),
      in_head_(Turns(by_) ? by_.head_dim / 2 : by_.head_dim),
      heads_((count + in_head_ - 1) / in_head_),
      embedding_(MakeEmbedding(RotaryDim(by_))),
      row_(MakeRows(embedding_.get(),
                    {Turns(by_) ? 0 : ROTARY_NO_POSITION_I64})),
      input_(BytesOf(by_.from, heads_ * by_.head_dim), Flush::kEnd,
             BytesOf(by_.from, by_.misalignment)),
      output_(BytesOf(by_.to, heads_ * by_.head_dim), Flush::kEnd,
              BytesOf(by_.to, by_.misalignment)) {}

template <typename Visit>
void Converter::ForEach(rotary_pairing pairing, const Visit& visit) const {
  const int64_t half = by_.head_dim / 2;
  const int64_t next = pairing == ROTARY_HALF ? 1 : 2;  // pair
  const int64_t other = pairing == ROTARY_HALF ? half : 1;
  int64_t index = 0;
  for (int64_t head = 0; head < heads_; ++head) {
    const int64_t first = head * by_.head_dim;
    for (int64_t i = 0; i < in_head_ && index < count_; ++i, ++index) {
      switch (by_.way) {
        case Way::kRuns:
          visit(index, first + i, int64_t{-1});
          break;
        case Way::kMoved:
          visit(index,
                i < half ? first + i * next : first + (i - half) * next + other,
                int64_t{-1});
          break;
        case Way::kFirst:
          visit(index, first + i * next, first + i * next + other);
          break;
        case Way::kSecond:
          visit(index, first + i * next + other, first + i * next);
          break;
      }
    }
  }
}

void Converter::Fill(const std::vector<uint32_t>& elements) {
  std::memset(input_.data(), 0, input_.bytes());
  const uint32_t partner = Nearest(by_.from, by_.way == Way::kFirst ? 1 : -1);
  ForEach(by_.input_pairing, [&](int64_t index, int64_t at, int64_t other) {
    StoreBits(by_.from, input_.data(), at,
              elements[static_cast<size_t>(index)]);
    if (other >= 0) StoreBits(by_.from, input_.data(), other, partner);
  });
}

void Converter::Run(const char* target) {
  std::vector<rotary_tensor> tensors(1);
  rotary_tensor& tensor = tensors[0];
  rotary_tensor_init(&tensor, sizeof(tensor));
  tensor.heads = heads_;
  tensor.head_dim = by_.head_dim;
  tensor.rotary_offset = by_.rotary_offset;
  tensor.input = input_.data();
  tensor.input_dtype = by_.from;
  tensor.input_pairing = by_.input_pairing;
  tensor.output = output_.data();
  tensor.output_dtype = by_.to;
  tensor.output_pairing = by_.output_pairing;
  rotary_apply_args args = MakeApplyArgs(1, 1, tensors);
  args.rows = row_.get();
  args.target = target;
  args.num_threads = 1;
  std::memset(output_.data(), 0x5A, output_.bytes());
  ApplyOk(args);
}

std::string Converter::Compare(const std::vector<uint32_t>& elements,
                               const std::vector<uint32_t>& expected) const {
  const uint32_t one = Nearest(by_.to, by_.way == Way::kFirst ? 1 : -1);
  std::string wrong;
  ForEach(by_.output_pairing, [&](int64_t index, int64_t at, int64_t other) {
    const uint32_t got = LoadBits(by_.to, output_.data(), at);
    const uint32_t want = expected[static_cast<size_t>(index)];
    const uint32_t partner =
        other < 0 ? one : LoadBits(by_.to, output_.data(), other);
    if (got == want && partner == one) return;
    const uint32_t element = elements[static_cast<size_t>(index)];
    const bool partner_is_nan =
        !std::isfinite(ValueOf(by_.from, element)) && IsNan(by_.to, partner);
    if (SameElement(by_.to, got, want) && (partner == one || partner_is_nan)) {
      return;
    }
    if (!wrong.empty()) return;
    std::ostringstream text;
    text << std::hex << "bits " << element << " became " << got << ", expected "
         << want << "; beside it " << partner;
    wrong = text.str();
  });
  return wrong;
}

std::string Converter::Check(const std::vector<uint32_t>& elements,
                             const std::vector<uint32_t>& expected) {
  Fill(elements);
  std::vector<uint8_t> right;  // what was compared
  for (const char* target : Targets()) {
    Run(target);
    const auto* const begin = output_.As<uint8_t>();
    const std::vector<uint8_t> got(begin, begin + output_.bytes());
    if (got == right) continue;
    const std::string wrong = Compare(elements, expected);
    if (!wrong.empty()) return std::string(target) + ": " + wrong;
    if (!output_.CanariesIntact()) return "written outside of the output";
    right = got;
  }
  return {};
}

}  // namespace rotary_test
