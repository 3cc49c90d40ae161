#include "lib/config/fused_args.h"

#include "lib/apply/block.h"
#include "lib/apply/memory.h"
#include "lib/config/apply_args.h"
#include "lib/config/common_args.h"
#include "lib/config/cos_sin_arg.h"
#include "lib/config/fused_tensor.h"
#include "lib/config/structs.h"
#include "lib/config/tensor_read.h"

namespace rotary {
namespace {

static_assert(kMostFused == ROTARY_MAX_FUSED);

// The slots of one kind, or NULL.
rotary_status ReadSlots(const rotary_slots* slots, const char* name,
                        const rotary_apply_args& apply, const int32_t** to,
                        int64_t* num_slots, Uses* uses, rotary_error* error) {
  *to = nullptr;
  *num_slots = 0;
  if (slots == nullptr) return ROTARY_OK;
  if (!AreSlots(slots)) {
    return FailArgument(error, name, reinterpret_cast<intptr_t>(slots),
                        "not slots that were initialized");
  }
  if (slots->batch != apply.batch || slots->tokens != apply.tokens) {
    return FailArgument(error, name, slots->batch * slots->tokens,
                        "these are not of this call's batch and tokens");
  }
  *to = SlotsOf(slots);
  *num_slots = slots->num_slots;
  uses->Add(-1, name, slots, false)->region =
      MakeRegion(slots, static_cast<int64_t>(slots->bytes));
  return ROTARY_OK;
}

rotary_status ReadBothSlots(const rotary_fused_args& args,
                            const rotary_apply_args& apply, FusedCall* call,
                            Uses* uses, rotary_error* error) {
  const rotary_status status = ReadSlots(
      args.slots, "slots", apply, &call->slots, &call->num_slots, uses, error);
  if (status != ROTARY_OK) return status;
  if (args.slots != nullptr && args.slots->shared != 0) {
    return FailArgument(error, "slots", reinterpret_cast<intptr_t>(args.slots),
                        "shared ones are to be read from only");
  }
  return ReadSlots(args.source_slots, "source_slots", apply,
                   &call->source_slots, &call->num_source_slots, uses, error);
}

// In one cache a token stays, or goes where no other comes from.
rotary_status CheckMoves(const rotary_fused_args& args, const FusedCall& call,
                         rotary_error* error) {
  const int64_t count = call.apply.batch * call.apply.tokens;
  for (int64_t i = 0; i < count; ++i) {
    const int32_t from = call.source_slots[i];
    if (from < 0 || from >= call.num_slots || from == call.slots[i] ||
        !HasSlot(args.slots, from)) {
      continue;
    }
    Failure failure = {ROTARY_ERROR_SLOT, "source_slots"};
    failure.value = from;
    failure.token = i;
    return Fail(error, failure,
                "this slot of the same cache is written for another token");
  }
  return ROTARY_OK;
}

// Where each head has rows of its own, they must lie there.
rotary_status ReadRowSteps(const rotary_apply_args& apply, FusedCall* call,
                           rotary_error* error) {
  call->row_step = 0;
  call->state_step = 0;
  call->needs_kept_rows = false;
  if (!call->has_rows) return ROTARY_OK;
  if (call->apply.by_head) {
    if (call->apply.rows == nullptr) {
      Failure failure = {ROTARY_ERROR_UNSUPPORTED, "rows"};
      failure.type = Failure::kNone;
      return Fail(error, failure,
                  "must be given (kept rows) where heads have rows of their "
                  "own");
    }
    call->row_step =
        ViewRows(call->apply.rows).row_stride * call->apply.row_head_stride;
    call->state_step = call->apply.row_head_stride;
    call->apply.by_head = false;
  }
  constexpr int64_t kMostPairs = kFusedScratchFloats / 2;
  const bool kept =
      call->apply.rows != nullptr ||
      (apply.cos_sin != nullptr && AreF32Rows(call->apply.cos_sin));
  call->needs_kept_rows = !kept && call->apply.pairs > kMostPairs;
  return ROTARY_OK;
}

rotary_status FailOverlap(const Use& use, const char* reason,
                          rotary_error* error) {
  Failure failure = {ROTARY_ERROR_OVERLAP, use.field};
  failure.value = reinterpret_cast<intptr_t>(use.data);
  failure.tensor = use.tensor;
  if (!use.in_tensor) failure.list = "fusions";
  return Fail(error, failure, reason);
}

// Nothing that is written may touch anything else.
rotary_status CheckUses(const Uses& uses, const bool* in_place,
                        rotary_error* error) {
  for (int i = 0; i < uses.count; ++i) {
    const Use& a = uses.uses[i];
    for (int j = 0; j < i; ++j) {
      const Use& b = uses.uses[j];
      if (!a.writes && !b.writes) continue;
      if (Apart(a.region.span, b.region.span)) continue;
      const bool same =
          a.tensor == b.tensor && a.is_side && b.is_side && a.data == b.data;
      if (same && in_place[a.tensor]) continue;
      if (a.counts && b.counts && a.data == b.data) continue;
      if (Disjoint(a.region, b.region)) continue;
      return FailOverlap(a.writes ? a : b,
                         "not provably disjoint from other memory of the call",
                         error);
    }
  }
  return ROTARY_OK;
}

// Adds what a tensor contributes to the call's sums.
void Count(const FusedTensor& fused, bool in_place, ApplyCall* call) {
  const uint64_t elements =
      static_cast<uint64_t>(call->batch) *
      static_cast<uint64_t>(fused.end_token - fused.first_token) *
      static_cast<uint64_t>(fused.tensor.heads) *
      static_cast<uint64_t>(fused.tensor.head_dim);
  const int64_t output =
      fused.storage == kStoredQ8_0
          ? static_cast<int64_t>(elements) / kBlockElements * kBlockBytes
          : static_cast<int64_t>(elements) * StorageSize(fused.storage);
  const int64_t bytes =
      output + static_cast<int64_t>(elements) * fused.tensor.input_size;
  call->bytes += bytes;
  if (!in_place && fused.on_tile == nullptr) call->copy_bytes += bytes;
}

// Whether everything that is stored is aligned to the largest vector.
bool MayStream(const FusedTensor& fused, const Shape& shape, int64_t pairs) {
  if (fused.storage > kStoredBF16 || fused.on_tile != nullptr) return false;
  Tensor tensor = fused.tensor;
  Shape outer = shape;
  if (fused.to_cache) {
    const CacheStrides& strides = fused.cache.strides;
    if (strides.element != 1) return false;
    tensor.output = fused.cache.data;
    tensor.output_size = static_cast<int32_t>(StorageSize(fused.storage));
    tensor.output_strides = {strides.block, strides.slot, strides.head};
    outer = {2, 2};
  }
  return AlignedForStream(tensor, outer, pairs | tensor.head_dim);
}

// Whether tokens go through all tensors one by one: they come from memory, or
// from a cache that others use too, and heads of a token are together there.
bool GoesInOrder(const FusedCall& call) {
  if (!FillsCaches(2 * call.apply.TouchedBytes())) return false;
  for (int64_t i = 0; i < call.num_tensors; ++i) {
    const FusedTensor& fused = call.tensors[i];
    if (!fused.from_cache && AreHeadsApart(fused.tensor.input_strides)) {
      return false;
    }
  }
  return true;
}

// Each token is then fetched while the one before it is worked on: by the
// rotation, head by head, where that reads the input and knows how.
void FetchTokens(FusedTensor* fused) {
  Tensor& tensor = fused->tensor;
  const bool direct = fused->rotates && !fused->loads && !fused->stores;
  const bool same = static_cast<int>(fused->input_dtype) == fused->storage;
  fused->fetches = !direct || (tensor.access == Access::kPlain && !same);
  const bool norms_first =
      fused->norm.kind != Norm::kNone && !(fused->norm.after && fused->rotates);
  if (norms_first && !fused->gathers) {
    fused->fetches = false;
    fused->ahead = tensor.input_strides.token * tensor.input_size;
  }
  if (fused->fetches || norms_first) return;
  if (tensor.access == Access::kPlain) tensor.access = Access::kPrefetch;
  tensor.near = tensor.far =
      static_cast<uintptr_t>(tensor.input_strides.token * tensor.input_size);
}

// What a tensor becomes once the call's sums are known.
void Finish(rotary_store store, bool in_place, FusedCall* call,
            FusedTensor* fused) {
  if (fused->to_cache) {
    fused->tensor.output_size =
        static_cast<int32_t>(StorageSize(fused->storage));
  }
  const bool stream = store == ROTARY_STORE_STREAM ||
                      (store == ROTARY_STORE_AUTO && call->apply.stream);
  if (!stream || in_place ||
      !MayStream(*fused, {call->apply.batch, call->apply.tokens},
                 fused->rotates ? call->apply.pairs : 0)) {
    return;
  }
  fused->tensor.access = Access::kStream;
  call->apply.streams = true;
}

}  // namespace

rotary_status CheckFusedArgs(const rotary_fused_args* from, FusedCall* call,
                             int32_t* num_threads, rotary_error* error) {
  rotary_fused_args copy;
  rotary_status status =
      ReadStruct(from, "args", "args.struct_size", &copy, &from, error);
  if (status != ROTARY_OK) return status;
  rotary_fused_args args = *from;
  rotary_apply_args apply_copy;
  status = ReadStruct(args.apply, "apply", "apply.struct_size", &apply_copy,
                      &args.apply, error);
  if (status != ROTARY_OK) return status;
  const rotary_apply_args& apply = *args.apply;
  if (apply.num_tensors < 0 || apply.num_tensors > kMostFused) {
    return FailArgument(error, "num_tensors", apply.num_tensors,
                        "must be 0 to ROTARY_MAX_FUSED");
  }
  Sources sources;
  status = ReadRotation(apply, &call->apply, &sources, &call->has_rows, error);
  if (status != ROTARY_OK) return status;
  *num_threads = apply.num_threads;
  if (args.fusions == nullptr && apply.num_tensors > 0) {
    return FailNull(error, "fusions");
  }
  Uses uses;
  for (int i = 0; i < sources.count; ++i) {
    Use* use = uses.Add(-1, "rows", nullptr, false);
    use->region = RegionOf(sources.spans[i]);
    // Of positions in detail: they may lie in gaps.
    if (i == 0 && call->apply.rows == nullptr && apply.positions != nullptr) {
      const rotary_embedding* embedding = call->apply.embedding;
      use->region = PositionsRegion(call->apply.positions,
                                    embedding != nullptr ? embedding->axes : 1,
                                    {apply.batch, apply.tokens});
    }
  }
  status = ReadRowSteps(apply, call, error);
  if (status != ROTARY_OK) return status;
  status = ReadBothSlots(args, apply, call, &uses, error);
  if (status != ROTARY_OK) return status;
  bool in_place[kMostFused];
  rotary_store stores[kMostFused];
  call->num_tensors = apply.num_tensors;
  for (int64_t i = 0; i < apply.num_tensors; ++i) {
    status =
        ReadFusedTensor(args, i, call, &uses, &in_place[i], &stores[i], error);
    if (status != ROTARY_OK) return status;
  }
  status = CheckUses(uses, in_place, error);
  if (status != ROTARY_OK) return status;
  for (int64_t i = 0; i < apply.num_tensors; ++i) {
    if (!in_place[i] || !call->tensors[i].to_cache) continue;
    status = CheckMoves(args, *call, error);
    if (status != ROTARY_OK) return status;
    break;
  }
  if (apply.cos_sin != nullptr) {
    status = CheckCosSinValues(apply, call->apply, error);
    if (status != ROTARY_OK) return status;
  }
  for (int64_t i = 0; i < apply.num_tensors; ++i) {
    Count(call->tensors[i], in_place[i], &call->apply);
  }
  call->apply.stream = FillsCaches(call->apply.TouchedBytes());
  call->apply.from_memory = GoesInOrder(*call);
  for (int64_t i = 0; i < apply.num_tensors; ++i) {
    Finish(stores[i], in_place[i], call, &call->tensors[i]);
    if (call->apply.from_memory) FetchTokens(&call->tensors[i]);
  }
  return ROTARY_OK;
}

}  // namespace rotary
