// The tensors, runs and comparisons of call_check.h.
#include "tests/apply/call_check.h"

#include <doctest/doctest.h>

#include "tests/apply/prepared_call.h"
#include "tests/support/objects.h"
#include "tests/support/reference.h"
#include "tests/support/targets.h"

namespace rotary_test {
namespace {

// Heads [h, h + heads) of tokens [t, t + tokens) of two views, by their rows.
std::string CompareSome(const View& input, const View& output,
                        TensorRotation rotation, const HeadRows& rows,
                        int64_t t, int64_t tokens) {
  for (int64_t h = 0; h < input.shape.heads;
       h += rows.heads == 1 ? INT32_MAX : 1) {
    const int64_t heads = rows.heads == 1 ? input.shape.heads : 1;
    rotation.first_row = t * rows.heads + h;
    std::string difference =
        CompareRotated(input.Tokens(t, tokens).Heads(h, heads),
                       output.Tokens(t, tokens).Heads(h, heads), rotation);
    if (!difference.empty()) {
      return difference + " from token " + std::to_string(t) + ", head " +
             std::to_string(h) + " on";
    }
  }
  return {};
}

}  // namespace

HeadRows::HeadRows(int64_t rotary_dim_, int64_t batch, int64_t tokens_,
                   int64_t heads_)
    : rotary_dim(rotary_dim_),
      tokens(tokens_),
      heads(heads_),
      cos(static_cast<size_t>(batch * tokens_ * heads_ * rotary_dim_ / 2)),
      sin(cos.size()),
      positions(static_cast<size_t>(batch * tokens_ * heads_)) {}

std::vector<TensorKind> DrawKinds(Random* random, int64_t heads,
                                  int64_t rotary_dim) {
  static const std::vector<Formats> all = AllFormats();
  std::vector<TensorKind> kinds;
  for (const int64_t count : {heads, (heads + 1) / 2, int64_t{0}, heads}) {
    TensorKind kind{random->Choose(all), false, count, 0};
    kind.in_place = kind.formats.same_size() && random->Integer(0, 1) == 0;
    kind.rotary_offset = rotary_dim < 4096 ? random->Integer(0, 3) : 0;
    kind.head_dim = rotary_dim + kind.rotary_offset;
    kind.gap = random->Integer(0, 1);
    kinds.push_back(kind);
  }
  return kinds;
}

CallTensors::CallTensors(int64_t batch, int64_t tokens,
                         const std::vector<TensorKind>& kinds, uint64_t seed)
    : batch_(batch), tokens_(tokens) {
  Random random(seed);
  for (const TensorKind& kind : kinds) {
    const Shape shape{batch, tokens, kind.heads, kind.head_dim};
    Member member;
    member.kind = kind;
    const auto flush = random.Choose<Flush>({Flush::kStart, Flush::kEnd});
    member.input = std::make_unique<StridedTensor>(
        kind.formats.from, shape, StridesOf(shape, Order::kBshd, kind.gap),
        flush, random.Integer(0, 3));
    member.input->FillRandom(random.Bits());
    member.input_before = std::make_unique<Snapshot>(*member.input);
    if (kind.in_place) {
      tensors_.push_back(
          InPlace(member.input->view(), kind.formats, kind.rotary_offset));
    } else {
      member.output = std::make_unique<StridedTensor>(
          kind.formats.to, shape, StridesOf(shape, Order::kBhsd, kind.gap),
          flush, random.Integer(0, 3));
      member.output_before = std::make_unique<Snapshot>(*member.output);
      tensors_.push_back(OutOfPlace(member.input->view(), member.output->view(),
                                    kind.formats, kind.rotary_offset));
      tensors_.back().output_store = random.Choose<rotary_store>(
          {ROTARY_STORE_AUTO, ROTARY_STORE_KEEP, ROTARY_STORE_STREAM});
    }
    members_.push_back(std::move(member));
  }
}

rotary_apply_args CallTensors::Args() const {
  return MakeApplyArgs(batch_, tokens_, tensors_);
}

void CallTensors::Reset() const {
  for (const Member& member : members_) {
    CopyValues(member.written_before().view(), member.written().view());
  }
}

bool CallTensors::Untouched() const {
  for (const Member& member : members_) {
    if (!member.input_before->SameBits(*member.input) ||
        !member.written_before().SameBits(member.written())) {
      return false;
    }
  }
  return true;
}

std::string CallTensors::Differs(const HeadRows& rows, bool transpose) const {
  for (size_t i = 0; i < members_.size(); ++i) {
    const Member& member = members_[i];
    TensorRotation rotation{member.kind.formats.input_pairing,
                            member.kind.rotary_offset,
                            rows.rotary_dim,
                            rows.cos.data(),
                            rows.sin.data(),
                            rows.tokens * rows.heads,
                            rows.heads};
    rotation.transpose = transpose;
    rotation.output_pairing = member.kind.formats.output_pairing;
    rotation.positions = rows.positions.data();
    const View& input = member.input_before->view();
    const View output = member.Output(member.written().view());
    const View before = member.Output(member.written_before().view());
    std::string difference;
    if (rows.padding.empty()) {
      difference = CompareSome(input, output, rotation, rows, 0, tokens_);
    }
    for (size_t t = 0; t < rows.padding.size() && difference.empty(); ++t) {
      const auto token = static_cast<int64_t>(t);
      difference =
          rows.padding[t]
              ? CompareCopied(before.Tokens(token, 1), output.Tokens(token, 1))
              : CompareSome(input, output, rotation, rows, token, 1);
    }
    if (difference.empty() && !member.written().GapsIntact()) {
      difference = "a gap was written to";
    }
    if (difference.empty() && !member.kind.in_place &&
        !member.input_before->SameBits(*member.input)) {
      difference = "the input was written to";
    }
    if (!difference.empty()) {
      return "tensor " + std::to_string(i) + " (" +
             Describe(member.kind.formats) + "): " + difference;
    }
  }
  return {};
}

void CallTensors::Keep() {
  for (Member& member : members_) {
    member.kept = std::make_unique<Snapshot>(member.written());
  }
}

bool CallTensors::AsKept() const {
  for (const Member& member : members_) {
    if (!SameValues(member.Output(member.kept->view()),
                    member.Output(member.written().view())) ||
        !member.written().GapsIntact()) {
      return false;
    }
  }
  return true;
}

void CheckCall(CallTensors* tensors, const HeadRows& rows,
               const rotary_apply_args& args) {
  bool first = true;
  ForEachTarget([&](const char* target) {
    rotary_apply_args call = args;
    call.target = target;
    tensors->Reset();
    ApplyOk(call);
    if (first) {
      CHECK_EQ(tensors->Differs(rows, args.transpose != 0), "");
      tensors->Keep();
    } else {
      CHECK(tensors->AsKept());
    }
    first = false;
  });
}

void CheckThreads(const CallTensors& tensors, const rotary_apply_args& args) {
  for (const int32_t threads : {0, 1, 2, 3}) {
    CAPTURE(threads);
    rotary_apply_args call = args;
    call.num_threads = threads;
    tensors.Reset();
    ApplyOk(call);
    CHECK(tensors.AsKept());
  }
}

void CheckSlices(const CallTensors& tensors, const rotary_apply_args& args,
                 const std::vector<int64_t>& counts) {
  ForEachTarget([&](const char* target) {
    const PreparedCall prepared(args, target);
    for (const int64_t count : counts) {
      CAPTURE(count);
      tensors.Reset();
      CHECK(prepared.RunShuffled(count));
      CHECK(tensors.AsKept());
    }
    CHECK(prepared.GuardsIntact());
  });
}

}  // namespace rotary_test
