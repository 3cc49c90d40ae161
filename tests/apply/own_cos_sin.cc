// The memory of own_cos_sin.h.
#include "tests/apply/own_cos_sin.h"

#include <cmath>
#include <cstdlib>
#include <sstream>

#include "tests/support/element.h"
#include "tests/support/random.h"

namespace rotary_test {
namespace {

constexpr int64_t kNone = ROTARY_NO_POSITION_I64;
}  // namespace

std::string Describe(const CosSinLayout& layout) {
  std::ostringstream text;
  text << "dtype " << layout.dtype << ", width " << layout.width
       << ", rotary_dim " << layout.rotary_dim << ", [" << layout.batch << "]["
       << layout.rows << "][" << layout.heads << "], strides "
       << layout.batch_stride << ", " << layout.row_stride << ", "
       << layout.head_stride << ", " << layout.element_stride << ", sin at "
       << layout.sin_at;
  return text.str();
}

CosSinLayout DenseLayout(rotary_dtype dtype, rotary_width width,
                         int64_t rotary_dim, int64_t batch, int64_t rows,
                         int64_t heads) {
  CosSinLayout layout{dtype, width, rotary_dim, batch, rows, heads};
  if (heads > 1) layout.head_stride = layout.elements();
  layout.row_stride = heads * layout.elements();
  layout.batch_stride = rows * layout.row_stride;
  return layout;
}

OwnCosSin::OwnCosSin(const CosSinLayout& layout, uint64_t seed)
    : layout_(layout) {
  int64_t low = 0;
  int64_t high = 0;
  const auto reach = [&](int64_t size, int64_t stride) {
    (stride < 0 ? low : high) += (size - 1) * stride;
  };
  reach(layout.batch, layout.batch_stride);
  reach(layout.rows, layout.row_stride);
  reach(layout.heads, layout.head_stride);
  reach(layout.elements(), layout.element_stride);
  if (layout.sin_at != 0) reach(2, layout.sin_at);

  Random random(seed);
  const auto bytes = static_cast<int64_t>(ElementBytes(layout.dtype));
  const auto count = static_cast<size_t>(high - low + 1);
  bool at_start = random.Integer(0, 1) == 0;
  for (auto& buffer : buffers_) {
    // The one touches the page behind it, the other that before it.
    const auto misalignment =
        static_cast<size_t>(random.Integer(0, 1) * random.Integer(0, 3));
    buffer = std::make_unique<GuardedBuffer>(
        count * static_cast<size_t>(bytes),
        at_start ? Flush::kStart : Flush::kEnd,
        misalignment * static_cast<size_t>(bytes));
    at_start = !at_start;
    for (size_t i = 0; i < count; ++i) {
      StoreBits(layout.dtype, buffer->data(), static_cast<int64_t>(i),
                Nearest(layout.dtype, std::nan("")));
    }
  }
  cos_ = buffers_[0]->As<char>() - low * bytes;
  sin_ = layout.sin_at == 0 ? buffers_[1]->As<char>() - low * bytes
                            : static_cast<char*>(cos_) + layout.sin_at * bytes;
  for (const bool is_sin : {false, true}) {
    for (int64_t b = 0; b < layout.batch; ++b) {
      for (int64_t row = 0; row < layout.rows; ++row) {
        for (int64_t head = 0; head < layout.heads; ++head) {
          for (int64_t pair = 0; pair < layout.rotary_dim / 2; ++pair) {
            SetPair(is_sin, b, row, head, pair,
                    Narrowed(layout.dtype, random.Float()));
          }
        }
      }
    }
  }
}

rotary_cos_sin OwnCosSin::Struct() const {
  rotary_cos_sin result;
  rotary_cos_sin_init(&result, sizeof(result));
  const auto stride = [](int64_t given, int64_t dense) {
    return given == dense ? ROTARY_DENSE : given;
  };
  result.cos = cos_;
  result.sin = sin_;
  result.rotary_dim = layout_.rotary_dim;
  result.rows = layout_.rows;
  result.batch_stride =
      stride(layout_.batch_stride, layout_.rows * layout_.row_stride);
  result.row_stride =
      stride(layout_.row_stride,
             layout_.elements() * std::abs(layout_.element_stride));
  result.head_stride = layout_.head_stride;
  result.element_stride = stride(layout_.element_stride, 1);
  result.dtype = layout_.dtype;
  result.width = layout_.width;
  return result;
}

int64_t OwnCosSin::Place(int64_t b, int64_t row, int64_t head,
                         int64_t e) const {
  return b * layout_.batch_stride + row * layout_.row_stride +
         head * layout_.head_stride + e * layout_.element_stride;
}

uint32_t OwnCosSin::Get(bool is_sin, int64_t b, int64_t row, int64_t head,
                        int64_t e) const {
  return LoadBits(layout_.dtype, Data(is_sin), Place(b, row, head, e));
}

void OwnCosSin::Set(bool is_sin, int64_t b, int64_t row, int64_t head,
                    int64_t e, uint32_t bits) {
  StoreBits(layout_.dtype, Data(is_sin), Place(b, row, head, e), bits);
}

void OwnCosSin::SetPair(bool is_sin, int64_t b, int64_t row, int64_t head,
                        int64_t pair, uint32_t bits) {
  Set(is_sin, b, row, head, FirstPlace(pair), bits);
  Set(is_sin, b, row, head, SecondPlace(pair), bits);
}

int64_t OwnCosSin::FirstPlace(int64_t pair) const {
  return layout_.width == ROTARY_WIDTH_NEIGHBORS ? 2 * pair : pair;
}

int64_t OwnCosSin::SecondPlace(int64_t pair) const {
  return layout_.width == ROTARY_WIDTH_NEIGHBORS ? 2 * pair + 1
         : layout_.width == ROTARY_WIDTH_HALVES  ? pair + layout_.rotary_dim / 2
                                                 : pair;
}

HeadRows OwnCosSin::Rows(int64_t batch, int64_t tokens,
                         const OwnPositions* positions) const {
  HeadRows rows(layout_.rotary_dim, batch, tokens, layout_.heads);
  size_t value = 0;
  for (int64_t i = 0; i < batch * tokens * layout_.heads; ++i) {
    const int64_t token = i / layout_.heads;
    int64_t b = token / tokens;
    int64_t row = token % tokens;
    if (positions != nullptr) {
      b = 0;
      row = positions->ids[static_cast<size_t>(token)];
      rows.positions[static_cast<size_t>(i)] = row;
    }
    for (int64_t pair = 0; pair < layout_.rotary_dim / 2; ++pair, ++value) {
      if (row == kNone) continue;
      const int64_t e = FirstPlace(pair);
      const int64_t head = i % layout_.heads;
      rows.cos[value] = Widened(layout_.dtype, Get(false, b, row, head, e));
      rows.sin[value] = Widened(layout_.dtype, Get(true, b, row, head, e));
    }
  }
  if (positions != nullptr) rows.padding = positions->padding;
  return rows;
}

}  // namespace rotary_test
