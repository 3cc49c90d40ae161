#include "lib/config/fused_call.h"

#include <stdio.h>

#include "lib/apply/block.h"
#include "lib/apply/memory.h"
#include "lib/config/apply_args.h"
#include "lib/config/common_args.h"
#include "lib/config/cos_sin_arg.h"
#include "lib/config/structs.h"
#include "lib/config/tensor_read.h"

namespace rotary {
namespace {

static_assert(kMostFused == ROTARY_MAX_FUSED);

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

// What the rotation comes from.
void AddSources(const rotary_apply_args& apply, const Sources& sources,
                const ApplyCall& call, Uses* uses) {
  for (int i = 0; i < sources.count; ++i) {
    Use* use = uses->Add(-1, "rows", nullptr, false);
    use->region = RegionOf(sources.spans[i]);
    // Of positions in detail: they may lie in gaps.
    if (i == 0 && call.rows == nullptr && apply.positions != nullptr) {
      const rotary_embedding* embedding = call.embedding;
      use->region = PositionsRegion(call.positions,
                                    embedding != nullptr ? embedding->axes : 1,
                                    {apply.batch, apply.tokens});
    }
  }
}

rotary_status FailOverlap(const Use& use, const Use& other,
                          rotary_error* error) {
  Failure failure = {ROTARY_ERROR_OVERLAP, use.field};
  failure.value = reinterpret_cast<intptr_t>(use.data);
  failure.tensor = use.tensor;
  failure.list = use.list;
  char reason[96];
  if (other.tensor < 0) {
    snprintf(reason, sizeof(reason), "not provably disjoint from %s",
             other.field);
  } else {
    snprintf(reason, sizeof(reason), "not provably disjoint from %s[%d].%s",
             other.list == nullptr ? "tensors" : other.list,
             static_cast<int>(other.tensor), other.field);
  }
  return Fail(error, failure, reason);
}

// Adds what a tensor contributes to the call's sums.
void Count(const FusedTensor& fused, bool in_place, ApplyCall* call) {
  const uint64_t elements =
      static_cast<uint64_t>(call->batch) *
      static_cast<uint64_t>(fused.end_token - fused.first_token) *
      static_cast<uint64_t>(fused.tensor.heads) *
      static_cast<uint64_t>(fused.tensor.head_dim);
  const int64_t output =
      StoredElements(fused.storage, static_cast<int64_t>(elements)) *
      StorageSize(fused.storage);
  const int64_t bytes =
      output + static_cast<int64_t>(elements) * fused.tensor.input_size;
  call->bytes += bytes;
  if (!in_place && fused.on_tile == nullptr) call->copy_bytes += bytes;
}

// Whether everything that is stored is aligned to the largest vector.
bool MayStream(const FusedTensor& fused, int64_t pairs) {
  if (fused.storage > kStoredBF16 || fused.on_tile != nullptr) return false;
  Tensor tensor = fused.tensor;
  if (fused.to_cache) {
    const CacheStrides& strides = fused.cache.strides;
    if (strides.element != 1) return false;
    tensor.output = fused.cache.data;
    tensor.output_size = static_cast<int32_t>(StorageSize(fused.storage));
    tensor.output_strides = {strides.block, strides.slot, strides.head};
  }
  return AlignedForStream(tensor, pairs | tensor.head_dim);
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
  // A stride that is never used may be any.
  const uintptr_t next = static_cast<uintptr_t>(tensor.input_strides.token) *
                         static_cast<uintptr_t>(tensor.input_size);
  const bool norms_first =
      fused->norm.kind != Norm::kNone && !(fused->norm.after && fused->rotates);
  if (norms_first && !fused->gathers) {
    fused->ahead = static_cast<int64_t>(next);
    return;
  }
  const bool direct = !fused->loads && !fused->stores;
  // The hardware fetches what is read in one stream and stored past the caches.
  if (direct && tensor.access == Access::kStream) return;
  const bool same = static_cast<int>(fused->input_dtype) == fused->storage;
  fused->fetches = !direct || !fused->rotates || !same;
  if (fused->fetches) return;
  tensor.access = Access::kPrefetch;
  tensor.near = tensor.far = next;
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
      !MayStream(*fused, fused->rotates ? call->apply.pairs : 0)) {
    return;
  }
  fused->tensor.access = Access::kStream;
  call->apply.streams = true;
}

}  // namespace

rotary_status ReadFusedCall(const rotary_apply_args* apply,
                            const rotary_fusion* fusions, FusedReading* reading,
                            FusedCall* call, int32_t* num_threads,
                            rotary_error* error) {
  rotary_status status = ReadStruct(apply, "apply", "apply.struct_size",
                                    &reading->copy, &reading->apply, error);
  if (status != ROTARY_OK) return status;
  const rotary_apply_args& args = *reading->apply;
  if (args.num_tensors < 0 || args.num_tensors > kMostFused) {
    return FailArgument(error, "num_tensors", args.num_tensors,
                        "must be 0 to ROTARY_MAX_FUSED");
  }
  Sources sources;
  status = ReadRotation(args, &call->apply, &sources, &call->has_rows, error);
  if (status != ROTARY_OK) return status;
  *num_threads = args.num_threads;
  if (fusions == nullptr && args.num_tensors > 0) {
    return FailNull(error, "fusions");
  }
  AddSources(args, sources, call->apply, &reading->uses);
  call->backward = nullptr;
  call->slots = nullptr;
  call->source_slots = nullptr;
  call->num_slots = 0;
  call->num_source_slots = 0;
  call->num_tensors = args.num_tensors;
  return ReadRowSteps(args, call, error);
}

rotary_status CheckUses(const FusedReading& reading, rotary_error* error) {
  const Uses& uses = reading.uses;
  for (int i = 0; i < uses.count; ++i) {
    const Use& a = uses.uses[i];
    for (int j = 0; j < i; ++j) {
      const Use& b = uses.uses[j];
      if (!a.writes && !b.writes) continue;
      if (Apart(a.region.span, b.region.span)) continue;
      const bool same =
          a.tensor == b.tensor && a.is_side && b.is_side && a.data == b.data;
      if (same && reading.in_place[a.tensor]) continue;
      if (a.counts && b.counts && a.data == b.data) continue;
      if (Disjoint(a.region, b.region)) continue;
      return a.writes ? FailOverlap(a, b, error) : FailOverlap(b, a, error);
    }
  }
  return ROTARY_OK;
}

rotary_status FinishFusedCall(const FusedReading& reading, FusedCall* call,
                              rotary_error* error) {
  if (reading.apply->cos_sin != nullptr) {
    const rotary_status status =
        CheckCosSinValues(*reading.apply, call->apply, error);
    if (status != ROTARY_OK) return status;
  }
  for (int64_t i = 0; i < call->num_tensors; ++i) {
    Count(call->tensors[i], reading.in_place[i], &call->apply);
  }
  call->apply.stream = FillsCaches(call->apply.TouchedBytes());
  call->apply.from_memory = call->backward == nullptr && GoesInOrder(*call);
  for (int64_t i = 0; i < call->num_tensors; ++i) {
    Finish(reading.stores[i], reading.in_place[i], call, &call->tensors[i]);
    if (call->apply.from_memory) FetchTokens(&call->tensors[i]);
  }
  return ROTARY_OK;
}

}  // namespace rotary
