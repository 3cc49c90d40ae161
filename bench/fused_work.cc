// The memory and the calls of a benchmark of fused passes.

#include "bench/fused_work.h"

#include <algorithm>

#include "bench/dtypes.h"
#include "bench/source.h"

namespace rotary_bench {
namespace {

// Of a paged cache.
constexpr int64_t kBlockSlots = 16;

// What is between the passes of a shift: as it is cached, or in f32.
FusedType BetweenPasses(const FusedCase& c) {
  const FusedType f32 = {"f32", ROTARY_F32, ROTARY_SCALES_NONE};
  if (!c.Is("shift") || c.shape.input.dtype == ROTARY_BF16) {
    return c.shape.input;
  }
  return f32;
}

}  // namespace

FusedWork::FusedWork(const FusedCase& c, const Memory& memory)
    : c_(c),
      type_(BetweenPasses(c)),
      input_(memory.x.data()),
      output_(memory.y.data()),
      norm_() {
  MakeRows(memory);
  MakeSlots();
  for (const FusedPart& part : PartsOf(c)) {
    token_elements_ =
        std::max(token_elements_, part.column + part.heads * part.head_stride);
    if (part.output != FusedOutput::kCache) continue;
    cache_elements_ = std::max(cache_elements_,
                               part.cache_column + part.heads * part.head_dim);
  }
  FillInput();
  weight_.assign(512, 1.0f);
  rotary_norm_init(&norm_, sizeof(norm_));
  norm_.weight = weight_.data();
  // Of keys and values, 8 heads each, in every slot.
  scales_.assign(static_cast<size_t>(num_slots_ * 16), 1.0f);
  if (c.Is("shift")) {
    AddShift();
  } else {
    AddParts();
  }
}

FusedWork::~FusedWork() { rotary_embedding_destroy(embedding_); }

void FusedWork::FillInput() {
  const int64_t elements = token_elements_ * c_.tokens;
  for (const Dtype& dtype : kDtypes) {
    if (dtype.value != type_.dtype) continue;
    for (int64_t i = 0; i < elements; ++i) dtype.write(input_, i, Element(i));
  }
}

// A cache is shifted by one row: all keys by as much.
void FusedWork::MakeRows(const Memory& memory) {
  rotary_error error;
  const bool shifts = c_.Is("shift");
  const int64_t count = shifts ? 1 : c_.tokens;
  const int64_t rotary_dim = c_.Is("mla") ? 64 : 128;
  Require(rotary_embedding_from_base(rotary_dim, 500000, &embedding_, &error),
          error);
  Require(rotary_rows_init(memory.rows.data(), memory.row_bytes, embedding_,
                           count, &rows_, &error),
          error);
  rotary_positions positions;
  rotary_positions_init(&positions, sizeof(positions));
  positions.kind = ROTARY_POSITION_STARTS;
  positions.offset = shifts ? -7 : 1000;
  rotary_rows_args args;
  rotary_rows_args_init(&args, sizeof(args));
  args.embedding = embedding_;
  args.positions = &positions;
  args.tokens = count;
  if (shifts) args.mode = ROTARY_SHIFT;
  Require(rotary_rows_set(rows_, &args, &error), error);
}

// One sequence's blocks, in no order; tokens of a decode step are each in
// another.
void FusedWork::MakeSlots() {
  const bool decode = c_.IsDecode();
  const int64_t blocks =
      decode ? c_.tokens : (c_.tokens + kBlockSlots - 1) / kBlockSlots;
  num_slots_ = blocks * kBlockSlots;
  std::vector<int32_t> ids;
  for (int64_t t = 0; t < c_.tokens; ++t) {
    const int64_t block = decode ? t : t / kBlockSlots;
    // Odd, so each block is met once.
    const int64_t moved = blocks % 7 == 0 ? block : block * 7 % blocks;
    ids.push_back(static_cast<int32_t>(moved * kBlockSlots + t % kBlockSlots));
  }
  rotary_positions positions;
  rotary_positions_init(&positions, sizeof(positions));
  positions.data = ids.data();
  positions.dtype = ROTARY_I32;
  rotary_slots_args args;
  rotary_slots_args_init(&args, sizeof(args));
  args.tokens = c_.tokens;
  args.num_slots = num_slots_;
  args.positions = &positions;
  rotary_error error;
  size_t bytes;
  Require(rotary_slots_bytes_needed(c_.tokens, args.num_slots, &bytes, &error),
          error);
  slots_memory_.resize(bytes / 8 + 1);
  Require(
      rotary_slots_init(slots_memory_.data(), bytes, &args, &slots_, &error),
      error);
}

// In place.
rotary_tensor FusedWork::Tensor(const FusedPart& part) const {
  rotary_tensor tensor;
  rotary_tensor_init(&tensor, sizeof(tensor));
  tensor.heads = part.heads;
  tensor.head_dim = part.head_dim;
  tensor.input = input_ + BytesOf(type_, part.column);
  tensor.input_token_stride = token_elements_;
  tensor.input_head_stride = part.head_stride;
  tensor.input_dtype = type_.dtype;
  tensor.input_pairing = ROTARY_HALF;
  return tensor;
}

// To its place in wider heads, behind the cache.
rotary_tensor FusedWork::WithOutput(rotary_tensor tensor) const {
  const int64_t cached = num_slots_ * cache_elements_;
  tensor.output = output_ + BytesOf(type_, cached + kWideOffset);
  tensor.output_token_stride = tensor.heads * kWideHead;
  tensor.output_head_stride = kWideHead;
  return tensor;
}

const rotary_cache* FusedWork::Cache(const FusedPart& part) {
  caches_.emplace_back();
  rotary_cache* cache = &caches_.back();
  rotary_cache_init(cache, sizeof(*cache));
  const FusedType& type = c_.shape.cache;
  cache->data = output_ + BytesOf(type, part.cache_column);
  const int64_t unit = type.dtype == ROTARY_Q8_0 ? 32 : 1;
  cache->block_size = kBlockSlots;
  cache->slot_stride = cache_elements_ / unit;
  cache->block_stride = kBlockSlots * cache->slot_stride;
  cache->head_stride = part.head_dim / unit;
  cache->dtype = type.dtype;
  cache->pairing = ROTARY_HALF;
  cache->scale_kind = type.scales;
  if (cache->scale_kind == ROTARY_SCALES_MADE) {
    // Keys' and values' side by side.
    cache->scales = scales_.data() + (part.cache_column == 0 ? 0 : part.heads);
    cache->scales_slot_stride = 2 * part.heads;
    cache->scales_block_stride = kBlockSlots * 2 * part.heads;
  }
  return cache;
}

// From the input to the cache, or to wider heads.
Move FusedWork::MoveOf(const FusedPart& part) const {
  const int64_t elements = c_.tokens * part.heads * part.head_dim;
  const bool cached = part.output == FusedOutput::kCache;
  const FusedType& to = cached ? c_.shape.cache : type_;
  size_t written = static_cast<size_t>(BytesOf(to, elements));
  if (cached && to.scales == ROTARY_SCALES_MADE) {
    written += static_cast<size_t>(c_.tokens * part.heads) * sizeof(float);
  }
  const int64_t from = c_.tokens * BytesOf(type_, part.column);
  const int64_t behind = cached ? c_.tokens * BytesOf(to, part.cache_column)
                                : BytesOf(type_, num_slots_ * cache_elements_);
  return {input_ + from, output_ + behind,
          static_cast<size_t>(BytesOf(type_, elements)), written};
}

Move FusedWork::InPlace(const FusedPart& part) const {
  Move move = MoveOf(part);
  move.to = const_cast<unsigned char*>(move.from);
  move.written = move.read;
  return move;
}

void FusedWork::AddParts() {
  FusedPass norm;
  FusedPass rotation;
  FusedPass store;
  rotary_fusion plain;
  rotary_fusion_init(&plain, sizeof(plain));
  for (const FusedPart& part : PartsOf(c_)) {
    rotary_tensor tensor = Tensor(part);
    rotary_fusion all = plain;
    all.rotates = part.rotates ? 1 : 0;
    if (part.norms) {
      all.norm = &norm_;
      rotary_fusion fusion = plain;
      fusion.rotates = 0;
      fusion.norm = &norm_;
      norm.tensors.push_back(tensor);
      norm.fusions.push_back(fusion);
      norm.moves.push_back(InPlace(part));
    }
    if (part.rotates) {
      rotation.tensors.push_back(tensor);
      rotation.fusions.push_back(plain);
      rotation.moves.push_back(InPlace(part));
    }
    if (part.output != FusedOutput::kInPlace) {
      rotary_fusion fusion = plain;
      fusion.rotates = 0;
      if (part.output == FusedOutput::kCache) {
        fusion.cache = all.cache = Cache(part);
      } else {
        tensor = WithOutput(tensor);
      }
      store.tensors.push_back(tensor);
      store.fusions.push_back(fusion);
      store.moves.push_back(MoveOf(part));
    }
    fused_.tensors.push_back(tensor);
    fused_.fusions.push_back(all);
    fused_.moves.push_back(part.output == FusedOutput::kInPlace ? InPlace(part)
                                                                : MoveOf(part));
  }
  for (FusedPass* pass : {&norm, &rotation, &store}) {
    if (!pass->tensors.empty()) separate_.push_back(*pass);
  }
}

// Keys in their slots; or read from there, rotated, and written back.
void FusedWork::AddShift() {
  const FusedPart part = PartsOf(c_)[0];
  const rotary_cache* cache = Cache(part);
  const rotary_tensor tensor = Tensor(part);
  rotary_fusion plain;
  rotary_fusion_init(&plain, sizeof(plain));
  rotary_fusion load = plain;
  load.rotates = 0;
  load.source = cache;
  rotary_fusion store = plain;
  store.rotates = 0;
  store.cache = cache;
  rotary_tensor cached = tensor;
  cached.input = nullptr;
  rotary_tensor loaded = cached;
  loaded.output = const_cast<void*>(tensor.input);
  loaded.output_dtype = type_.dtype;
  const Move stored = MoveOf(part);
  const Move back = {stored.to, const_cast<unsigned char*>(stored.from),
                     stored.written, stored.read};
  separate_ = {{{loaded}, {load}, {back}},
               {{tensor}, {plain}, {InPlace(part)}},
               {{tensor}, {store}, {stored}}};
  rotary_fusion all = plain;
  all.source = all.cache = cache;
  fused_ = {{cached},
            {all},
            {{stored.to, stored.to, stored.written, stored.written}}};
  // The keys that are there.
  Run(separate_.back());
}

void FusedWork::Run(const FusedPass& pass) const {
  rotary_apply_args apply;
  rotary_apply_args_init(&apply, sizeof(apply));
  apply.tokens = c_.tokens;
  apply.tensors = pass.tensors.data();
  apply.num_tensors = static_cast<int64_t>(pass.tensors.size());
  apply.rows = rows_;
  if (c_.Is("shift")) apply.row_token_stride = 0;
  apply.num_threads = c_.threads;
  rotary_fused_args args;
  rotary_fused_args_init(&args, sizeof(args));
  args.apply = &apply;
  args.fusions = pass.fusions.data();
  args.slots = slots_;
  args.source_slots = slots_;
  rotary_error error;
  Require(rotary_apply_fused(&args, &error), error);
}

}  // namespace rotary_bench
