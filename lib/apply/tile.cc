#include "lib/apply/tile.h"

#include <string.h>

#include <algorithm>

namespace rotary {

TiledHeads::TiledHeads(const Tensor& tensor, const RotateJob& job)
    : tensor_(tensor), job_(job), token_(0), head_(0), part_(tensor) {
  const bool whole = tensor.tile == Tile::kHead;
  begin_ = whole ? 0 : tensor.rotary_offset;
  elements_ = whole ? tensor.head_dim : 2 * job.pairs;
  part_.head_dim = elements_;
  part_.rotary_offset -= begin_;
  part_.heads = 0;
  part_.input = tile_;
  part_.input_strides = {0, 0, elements_};
  part_.tile = Tile::kNone;
  part_.access = Access::kPlain;
}

bool TiledHeads::Next() {
  head_ += part_.heads;
  if (head_ == tensor_.heads) {
    head_ = 0;
    // The first time there was no token yet.
    if (part_.heads > 0) ++token_;
  }
  if (token_ >= job_.count || tensor_.heads == 0) return false;
  const int64_t size = tensor_.input_size;
  const size_t bytes = static_cast<size_t>(elements_ * size);
  const Strides& strides = tensor_.input_strides;
  char* from = static_cast<char*>(tensor_.output) +
               (job_.b * strides.batch + (job_.token + token_) * strides.token +
                head_ * strides.head + begin_) *
                   size;
  part_.output = from;
  part_.heads =
      std::min(tensor_.heads - head_, kBytes / static_cast<int64_t>(bytes));
  char* to = tile_;
  for (int64_t i = 0; i < part_.heads; ++i) {
    memcpy(to, from, bytes);
    from += strides.head * size;
    to += bytes;
  }
  return true;
}

void TiledHeads::Rotate(int64_t pair_begin, int64_t pair_count,
                        const float* cos, const float* sin, uint8_t state) {
  RotateJob job = job_;
  job.tensors = &part_;
  job.tensors_end = &part_ + 1;
  job.b = 0;
  job.token = 0;
  job.count = 1;
  job.pair_begin = pair_begin;
  job.pair_count = pair_count;
  job.cos = cos;
  job.sin = sin;
  job.rotates = &state;
  job.copies = true;
  job.fetches_rows = false;
  part_.rotate(job);
}

}  // namespace rotary
