// The shapes of fused passes, and the calls and memory that they take.

#include "bench/fused_shapes.h"

#include <string.h>

#include <algorithm>

#include "bench/source.h"

namespace rotary_bench {
namespace {

constexpr FusedType kF32 = {"f32", ROTARY_F32, ROTARY_SCALES_NONE};
constexpr FusedType kF16 = {"f16", ROTARY_F16, ROTARY_SCALES_NONE};
constexpr FusedType kBF16 = {"bf16", ROTARY_BF16, ROTARY_SCALES_NONE};
constexpr FusedType kI8 = {"i8", ROTARY_I8, ROTARY_SCALES_MADE};
constexpr FusedType kE4M3 = {"e4m3", ROTARY_F8_E4M3, ROTARY_SCALES_NONE};
constexpr FusedType kQ8 = {"q8_0", ROTARY_Q8_0, ROTARY_SCALES_NONE};

constexpr FusedShape kShapes[] = {
    {"append", "llama", kBF16, kBF16}, {"append", "llama", kBF16, kI8},
    {"append", "llama", kBF16, kE4M3}, {"append", "llama", kF32, kF16},
    {"append", "llama", kF32, kQ8},    {"qkv", "llama", kBF16, kBF16},
    {"qkv", "qwen3", kBF16, kBF16},    {"qkv", "qwen3", kBF16, kI8},
    {"norm", "qwen3", kBF16, kBF16},   {"norm", "qwen3", kF32, kF32},
    {"mla", "deepseek", kBF16, kBF16}};

struct Step {
  const char* name;
  int64_t tokens;
};
constexpr Step kSteps[] = {{"decode1", 1},
                           {"decode16", 16},
                           {"decode64", 64},
                           {"prefill512", 512},
                           {"prefill4096", 4096}};

// Of a paged cache.
constexpr int64_t kBlockSlots = 16;

int64_t BytesOf(const FusedType& type, int64_t elements) {
  if (type.dtype == ROTARY_Q8_0) return elements / 32 * 34;
  const int64_t size = type.dtype == ROTARY_F32    ? 4
                       : type.dtype == ROTARY_F16  ? 2
                       : type.dtype == ROTARY_BF16 ? 2
                                                   : 1;
  return elements * size;
}

bool Is(const FusedShape& shape, const char* what) {
  return strcmp(shape.what, what) == 0;
}

}  // namespace

std::vector<FusedCase> FusedCases() {
  std::vector<FusedCase> cases;
  for (const FusedShape& shape : kShapes) {
    for (const Step& step : kSteps) {
      cases.push_back({shape, step.name, step.tokens});
    }
  }
  return cases;
}

std::string Name(const FusedCase& c) {
  return std::string("fused/") + c.shape.what + "/" + c.shape.model + "-" +
         c.step + "/" + c.shape.input.name + "-" + c.shape.cache.name + "/t1";
}

FusedWork::FusedWork(const FusedCase& c, const Memory& memory)
    : c_(c), input_(memory.x.data()), output_(memory.y.data()), norm_() {
  MakeRows(memory);
  MakeSlots();
  for (const Part& part : Parts()) {
    token_elements_ =
        std::max(token_elements_, part.column + part.heads * part.head_dim);
    if (!part.to_cache) continue;
    cache_elements_ = std::max(cache_elements_,
                               part.cache_column + part.heads * part.head_dim);
  }
  const int64_t elements = token_elements_ * c.tokens;
  for (const Dtype& dtype : kDtypes) {
    if (dtype.value != c.shape.input.dtype) continue;
    for (int64_t i = 0; i < elements; ++i) {
      dtype.write(input_, i, Element(i));
    }
  }
  weight_.assign(512, 1.0f);
  rotary_norm_init(&norm_, sizeof(norm_));
  norm_.weight = weight_.data();
  scales_.assign(static_cast<size_t>(2 * c.tokens + 2 * kBlockSlots) * 8, 1.0f);
  AddParts();
}

FusedWork::~FusedWork() { rotary_embedding_destroy(embedding_); }

// Queries 32, keys 8, values 8 heads of 128; or kv_c and k_pe.
std::vector<FusedWork::Part> FusedWork::Parts() const {
  const bool norms = strcmp(c_.shape.model, "qwen3") == 0;
  if (Is(c_.shape, "mla")) {
    return {{1, 512, 0, false, true, true, 0},
            {1, 64, 512, true, false, true, 512}};
  }
  if (Is(c_.shape, "norm")) {
    return {{32, 128, 0, true, norms, false, 0},
            {8, 128, 4096, true, norms, false, 0}};
  }
  const bool queries = Is(c_.shape, "qkv");
  const int64_t keys = queries ? 4096 : 0;
  std::vector<Part> parts = {{8, 128, keys, true, norms, true, 0},
                             {8, 128, keys + 1024, false, false, true, 1024}};
  if (queries) parts.push_back({32, 128, 0, true, norms, false, 0});
  return parts;
}

void FusedWork::MakeRows(const Memory& memory) {
  rotary_error error;
  const int64_t rotary_dim = Is(c_.shape, "mla") ? 64 : 128;
  Require(rotary_embedding_from_base(rotary_dim, 500000, &embedding_, &error),
          error);
  Require(rotary_rows_init(memory.rows.data(), memory.row_bytes, embedding_,
                           c_.tokens, &rows_, &error),
          error);
  rotary_positions positions;
  rotary_positions_init(&positions, sizeof(positions));
  positions.kind = ROTARY_POSITION_STARTS;
  positions.offset = 1000;
  rotary_rows_args args;
  rotary_rows_args_init(&args, sizeof(args));
  args.embedding = embedding_;
  args.positions = &positions;
  args.tokens = c_.tokens;
  Require(rotary_rows_set(rows_, &args, &error), error);
}

// One sequence's blocks, in no order; tokens of a decode step are each in
// another.
void FusedWork::MakeSlots() {
  const bool decode = strncmp(c_.step, "decode", 6) == 0;
  const int64_t blocks =
      decode ? c_.tokens : (c_.tokens + kBlockSlots - 1) / kBlockSlots;
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
  args.num_slots = blocks * kBlockSlots;
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
rotary_tensor FusedWork::Tensor(const Part& part) const {
  rotary_tensor tensor;
  rotary_tensor_init(&tensor, sizeof(tensor));
  tensor.heads = part.heads;
  tensor.head_dim = part.head_dim;
  tensor.input = input_ + BytesOf(c_.shape.input, part.column);
  tensor.input_token_stride = token_elements_;
  tensor.input_dtype = c_.shape.input.dtype;
  tensor.input_pairing = ROTARY_HALF;
  return tensor;
}

const rotary_cache* FusedWork::Cache(const Part& part) {
  caches_.emplace_back();
  rotary_cache* cache = &caches_.back();
  rotary_cache_init(cache, sizeof(*cache));
  cache->data = output_ + BytesOf(c_.shape.cache, part.cache_column);
  const int64_t unit = c_.shape.cache.dtype == ROTARY_Q8_0 ? 32 : 1;
  cache->block_size = kBlockSlots;
  cache->slot_stride = cache_elements_ / unit;
  cache->block_stride = kBlockSlots * cache->slot_stride;
  cache->head_stride = part.head_dim / unit;
  cache->dtype = c_.shape.cache.dtype;
  cache->scale_kind = c_.shape.cache.scales;
  if (cache->scale_kind == ROTARY_SCALES_MADE) {
    // Keys' and values' side by side.
    cache->scales = scales_.data() + (part.cache_column == 0 ? 0 : part.heads);
    cache->scales_slot_stride = 2 * part.heads;
    cache->scales_block_stride = kBlockSlots * 2 * part.heads;
  }
  return cache;
}

Move FusedWork::MoveOf(const Part& part) const {
  const int64_t elements = c_.tokens * part.heads * part.head_dim;
  const size_t read = static_cast<size_t>(BytesOf(c_.shape.input, elements));
  size_t written = static_cast<size_t>(BytesOf(c_.shape.cache, elements));
  if (c_.shape.cache.scales == ROTARY_SCALES_MADE) {
    written += static_cast<size_t>(c_.tokens * part.heads) * sizeof(float);
  }
  return {
      input_ + static_cast<size_t>(c_.tokens) *
                   static_cast<size_t>(BytesOf(c_.shape.input, part.column)),
      output_ +
          static_cast<size_t>(c_.tokens) *
              static_cast<size_t>(BytesOf(c_.shape.cache, part.cache_column)),
      read, written};
}

Move FusedWork::InPlace(const Part& part) const {
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
  for (const Part& part : Parts()) {
    const rotary_tensor tensor = Tensor(part);
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
    if (part.to_cache) {
      all.cache = Cache(part);
      rotary_fusion fusion = plain;
      fusion.rotates = 0;
      fusion.cache = all.cache;
      store.tensors.push_back(tensor);
      store.fusions.push_back(fusion);
      store.moves.push_back(MoveOf(part));
    }
    fused_.tensors.push_back(tensor);
    fused_.fusions.push_back(all);
    fused_.moves.push_back(part.to_cache ? MoveOf(part) : InPlace(part));
  }
  for (FusedPass* pass : {&norm, &rotation, &store}) {
    if (!pass->tensors.empty()) separate_.push_back(*pass);
  }
}

void FusedWork::Run(const FusedPass& pass) const {
  rotary_apply_args apply;
  rotary_apply_args_init(&apply, sizeof(apply));
  apply.tokens = c_.tokens;
  apply.tensors = pass.tensors.data();
  apply.num_tensors = static_cast<int64_t>(pass.tensors.size());
  apply.rows = rows_;
  apply.num_threads = 1;
  rotary_fused_args args;
  rotary_fused_args_init(&args, sizeof(args));
  args.apply = &apply;
  args.fusions = pass.fusions.data();
  args.slots = slots_;
  rotary_error error;
  Require(rotary_apply_fused(&args, &error), error);
}

}  // namespace rotary_bench
