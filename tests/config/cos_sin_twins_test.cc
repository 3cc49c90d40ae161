// Rows of a caller's own cos and sin that hold a value twice: the two must be
// equal in every row that is used, and no other is looked at.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "tests/config/valid_call.h"
#include "tests/support/element.h"
#include "tests/support/random.h"
#include "tests/support/targets.h"

namespace rotary_test {
namespace {

constexpr int64_t kBatch = 2, kTokens = 3, kHeads = 3;
constexpr int64_t kRows = 40;  // of the table
constexpr int64_t kGap = 3;    // elements behind each row, which are NaN

struct Kind {
  int64_t rotary_dim;
  rotary_dtype dtype;
  rotary_width width;
  bool by_position;
  bool by_head;
  int64_t element_stride = 1;
};

// Two tensors, the second of kHeads heads, rotated in place by rows of tables
// in which each row has values of its own.
class TwinCall {
 public:
  explicit TwinCall(const Kind& kind)
      : kind_(kind),
        row_stride_(kind.rotary_dim * kind.element_stride + kGap),
        cos_(Table(1)),
        sin_(Table(2)),
        data_(static_cast<size_t>(kBatch * kTokens * (kHeads + 1) *
                                  kind.rotary_dim),
              1.0f),
        positions_(MakePositions(ids)),
        tensors_(2) {
    for (rotary_tensor& tensor : tensors_) {
      rotary_tensor_init(&tensor, sizeof(tensor));
      tensor.head_dim = kind.rotary_dim;
      tensor.input_pairing = ROTARY_HALF;
    }
    tensors_[0].input = data_.data();
    tensors_[1].input = data_.data() + kBatch * kTokens * kind.rotary_dim;
    tensors_[1].heads = kHeads;
    rotary_cos_sin_init(&cos_sin_, sizeof(cos_sin_));
    cos_sin_.cos = cos_.data();
    cos_sin_.sin = sin_.data();
    cos_sin_.rotary_dim = kind.rotary_dim;
    cos_sin_.rows = kRows - kHeads + 1;
    // Without positions, rows of heads lie between those of tokens.
    cos_sin_.row_stride = (kind.by_position ? 1 : kHeads) * row_stride_;
    cos_sin_.batch_stride = 13 * row_stride_;
    cos_sin_.head_stride = kind.by_head ? row_stride_ : 0;
    cos_sin_.element_stride = kind.element_stride;
    cos_sin_.dtype = kind.dtype;
    cos_sin_.width = kind.width;
    args_ = MakeApplyArgs(kBatch, kTokens, tensors_);
    args_.cos_sin = &cos_sin_;
    if (kind.by_position) args_.positions = &positions_;
    args_.num_threads = 1;
  }
  TwinCall(const TwinCall&) = delete;
  TwinCall& operator=(const TwinCall&) = delete;
  ~TwinCall() = default;

  // The row that a head goes by.
  int64_t Row(int64_t b, int64_t t, int64_t h) const {
    if (!kind_.by_head) h = 0;
    return kind_.by_position ? ids[static_cast<size_t>(b * kTokens + t)] + h
                             : b * 13 + t * kHeads + h;
  }

  // Where a table holds the first or second value of a pair.
  int64_t At(int64_t row, int64_t pair, int copy) const {
    const int64_t element = kind_.width == ROTARY_WIDTH_HALVES
                                ? pair + copy * kind_.rotary_dim / 2
                                : 2 * pair + copy;
    return row * row_stride_ + element * kind_.element_stride;
  }

  uint32_t Get(bool is_sin, int64_t at) {
    return LoadBits(kind_.dtype, (is_sin ? sin_ : cos_).data(), at);
  }
  void Set(bool is_sin, int64_t at, uint32_t bits) {
    StoreBits(kind_.dtype, (is_sin ? sin_ : cos_).data(), at, bits);
  }

  void CheckAccepted() const {
    ForEachTarget([&](const char* target) {
      rotary_apply_args args = args_;
      args.target = target;
      ApplyOk(args);
    });
  }

  void CheckTwinsRefused(bool is_sin, int64_t pair, int64_t token) const {
    Wrong expected = {is_sin ? "cos_sin.sin" : "cos_sin.cos", pair};
    expected.token = token;
    const std::vector<float> before = data_;
    std::vector<uint64_t> memory(1024, 5);
    const std::vector<uint64_t> memory_before = memory;
    rotary_prepared* prepared = nullptr;
    ForEachTarget([&](const char* target) {
      rotary_apply_args args = args_;
      args.target = target;
      CheckRefused(
          [&](rotary_error* error) { return rotary_apply(&args, error); },
          expected);
      CheckRefused(
          [&](rotary_error* error) {
            return rotary_prepare(&args, memory.data(), 8192, &prepared, error);
          },
          expected);
    });
    CHECK(data_ == before);
    CHECK(memory == memory_before);
    CHECK(prepared == nullptr);
  }

  // Of each token; the last two of the first sequence are the same, and the
  // last of all has none.
  std::vector<int64_t> ids = {30, 4, 4, 0, 12, ROTARY_NO_POSITION_I64};

 private:
  // Random values, each twice, and NaN elsewhere.
  std::vector<uint32_t> Table(uint64_t seed) const {
    std::vector<uint32_t> table(static_cast<size_t>(kRows * row_stride_),
                                0xFFFFFFFFu);
    Random random(seed);
    for (int64_t row = 0; row < kRows; ++row) {
      for (int64_t pair = 0; pair < kind_.rotary_dim / 2; ++pair) {
        const uint32_t bits =
            Nearest(kind_.dtype, static_cast<double>(random.Float()));
        for (const int copy : {0, 1}) {
          StoreBits(kind_.dtype, table.data(), At(row, pair, copy), bits);
        }
      }
    }
    return table;
  }

  const Kind kind_;
  const int64_t row_stride_;
  std::vector<uint32_t> cos_, sin_;
  std::vector<float> data_;
  rotary_positions positions_;
  std::vector<rotary_tensor> tensors_;
  rotary_cos_sin cos_sin_;
  rotary_apply_args args_;
};

template <typename Check>
void ForEachKind(const Check& check) {
  for (const int64_t rotary_dim : {2, 8, 150}) {
    for (const rotary_dtype dtype : Dtypes()) {
      for (const rotary_width width :
           {ROTARY_WIDTH_HALVES, ROTARY_WIDTH_NEIGHBORS}) {
        for (const int which : {0, 1, 2, 3}) {
          CAPTURE(rotary_dim);
          CAPTURE(dtype);
          CAPTURE(width);
          CAPTURE(which);
          check(Kind{rotary_dim, dtype, width, which % 2 != 0, which / 2 != 0,
                     which == 1 ? 2 : 1});
        }
      }
    }
  }
}

// The pair at both ends, and where a block of pairs could end.
std::vector<int64_t> SomePairs(int64_t pairs) {
  std::vector<int64_t> some = {0};
  for (const int64_t pair : {int64_t{63}, int64_t{64}, pairs - 1}) {
    if (pair > 0 && pair < pairs) some.push_back(pair);
  }
  return some;
}

TEST_CASE("two values of a pair must be equal") {
  ForEachKind([](const Kind& kind) {
    TwinCall call(kind);
    call.CheckAccepted();
    for (const int64_t token : {0, 2, 3, 4, 5}) {
      const int64_t b = token / kTokens, t = token % kTokens;
      if (kind.by_position && call.ids[static_cast<size_t>(token)] < 0) {
        continue;
      }
      for (const int64_t head : {int64_t{0}, kHeads - 1}) {
        const int64_t row = call.Row(b, t, head);
        // Tokens 1 and 2 share their rows: the first is named.
        const int64_t named = kind.by_position && token == 2 ? 1 : token;
        for (const int64_t pair : SomePairs(kind.rotary_dim / 2)) {
          for (const int which : {0, 1, 2, 3}) {
            const bool is_sin = which / 2 != 0;
            const int64_t at = call.At(row, pair, which % 2);
            const uint32_t was = call.Get(is_sin, at);
            call.Set(is_sin, at, was ^ 1);  // the least difference
            call.CheckTwinsRefused(is_sin, pair, named);
            call.Set(is_sin, at, was);
          }
        }
      }
    }
    call.CheckAccepted();
  });
}

TEST_CASE("the first of several differences is named") {
  ForEachKind([](const Kind& kind) {
    TwinCall call(kind);
    const int64_t last = kind.rotary_dim / 2 - 1;
    call.Set(true, call.At(call.Row(1, 1, 0), 0, 1), 0x1234);
    call.CheckTwinsRefused(true, 0, 4);
    call.Set(true, call.At(call.Row(0, 1, 0), last, 0), 0x1234);
    call.CheckTwinsRefused(true, last, 1);
    call.Set(false, call.At(call.Row(0, 1, 0), last, 0), 0x1234);
    call.CheckTwinsRefused(false, last, 1);
    call.Set(true, call.At(call.Row(0, 0, 0), last, 1), 0x1234);
    call.CheckTwinsRefused(true, last, 0);
  });
}

TEST_CASE("rows that are not used are not looked at") {
  ForEachKind([](const Kind& kind) {
    TwinCall call(kind);
    std::vector<bool> used(kRows);
    for (int64_t b = 0; b < kBatch; ++b) {
      for (int64_t t = 0; t < kTokens; ++t) {
        for (int64_t h = 0; h < kHeads; ++h) {
          const int64_t row = call.Row(b, t, h);
          if (row >= 0) used[static_cast<size_t>(row)] = true;
        }
      }
    }
    for (int64_t row = 0; row < kRows; ++row) {
      if (used[static_cast<size_t>(row)]) continue;
      for (int64_t pair = 0; pair < kind.rotary_dim / 2; ++pair) {
        for (const bool is_sin : {false, true}) {
          call.Set(is_sin, call.At(row, pair, 0), 0x1234);
        }
      }
    }
    call.CheckAccepted();
  });
}

// Equality is that of numbers, but for NaN, which equals NaN.
TEST_CASE("zeros of both signs are equal, and so are NaNs") {
  ForEachKind([](const Kind& kind) {
    const uint32_t zero = Nearest(kind.dtype, 0.0);
    const uint32_t minus_zero = Nearest(kind.dtype, -0.0);
    const uint32_t nan = Nearest(kind.dtype, std::nan(""));
    const uint32_t infinite = Nearest(kind.dtype, HUGE_VAL);
    struct Values {
      uint32_t first, second;
      bool equal;
    };
    for (const Values& values :
         std::vector<Values>{{zero, minus_zero, true},
                             {minus_zero, zero, true},
                             {nan, nan, true},
                             {nan, infinite + 1, true},
                             {nan, minus_zero, false},
                             {zero, nan, false},
                             {infinite, nan, false},
                             {infinite, infinite, true},
                             {infinite, Nearest(kind.dtype, -HUGE_VAL), false},
                             {infinite, infinite - 1, false},
                             {1, zero, false},
                             {1, 1, true},
                             {1, 1 | minus_zero, false}}) {
      CAPTURE(values.first);
      CAPTURE(values.second);
      for (const bool is_sin : {false, true}) {
        TwinCall call(kind);
        const int64_t last = kind.rotary_dim / 2 - 1;
        const int64_t row = call.Row(0, 0, 0);
        call.Set(is_sin, call.At(row, last, 0), values.first);
        call.Set(is_sin, call.At(row, last, 1), values.second);
        if (values.equal) {
          call.CheckAccepted();
        } else {
          call.CheckTwinsRefused(is_sin, last, 0);
        }
      }
    }
  });
}

}  // namespace
}  // namespace rotary_test
