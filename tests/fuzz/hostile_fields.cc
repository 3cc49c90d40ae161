// The rules of hostile_fields.h, struct by struct.
#include "tests/fuzz/hostile_fields.h"

#include <cmath>
#include <cstring>

#include "tests/config/fuzzed_call.h"
#include "tests/fuzz/check.h"

namespace rotary_test {
namespace {

// Strides that not even bytes have.
constexpr int64_t kLarge[] = {INT64_MAX, INT64_MAX - 1, INT64_MIN + 1,
                              INT64_MIN + 2};
// As sizes those below 0, too.
constexpr int64_t kBadSizes[] = {
    INT64_MAX, INT64_MAX / 2, int64_t{1} << 61, INT64_MIN + 1, -1, -2};
constexpr int32_t kBadWords[] = {-1,        3 << 8,     100,        INT32_MIN,
                                 INT32_MAX, ROTARY_F64, ROTARY_I32, 99};
constexpr int32_t kNoWords[] = {-1, 3 << 8, 100, INT32_MIN, INT32_MAX, 99};

void Set(Input* input, int64_t* field, Rule rule) {
  const int64_t was = *field;
  switch (rule) {
    case Rule::kAny64:
      *field = Value64(input);
      break;
    case Rule::kBadSize:
      *field = input->Of(kBadSizes);
      break;
    case Rule::kSize:
      *field = input->Flag() && was > 0 ? input->Integer(0, was - 1)
                                        : input->Of(kBadSizes);
      break;
    case Rule::kLess:
      *field = was > 0 ? input->Integer(-1, was - 1) : -1;
      break;
    default:
      if (was == ROTARY_DENSE || was == 0 || input->Flag()) {
        *field = input->Of(kLarge);
      } else {
        *field =
            was > 0 ? input->Integer(0, was - 1) : -input->Integer(0, -was - 1);
      }
      break;
  }
}

}  // namespace

void HostileFields::Add(void* field, Rule rule) {
  Check(count_ < kMax, "too many fields");
  fields_[count_++] = {field, rule};
}

void HostileFields::AddTensor(rotary_tensor* tensor) {
  Add(&tensor->struct_size, Rule::kStructSize);
  // Of a broadcast tensor there may be any number.
  Add(&tensor->heads,
      tensor->input_head_stride == 0 ? Rule::kLess : Rule::kSize);
  Add(&tensor->head_dim, Rule::kSize);
  Add(&tensor->rotary_offset, Rule::kAny64);
  Add(&tensor->input, Rule::kMisaligned);
  Add(&tensor->output, Rule::kMisaligned);
  Add(&tensor->input_dtype, Rule::kBad32);
  Add(&tensor->output_dtype, Rule::kBad32);
  for (int32_t* const field : {&tensor->input_pairing, &tensor->output_pairing,
                               &tensor->output_store, &tensor->reserved}) {
    Add(field, Rule::kAny32);
  }
  for (int64_t* const stride :
       {&tensor->input_batch_stride, &tensor->input_token_stride,
        &tensor->input_head_stride, &tensor->output_batch_stride,
        &tensor->output_token_stride, &tensor->output_head_stride}) {
    Add(stride, Rule::kStride);
  }
}

void HostileFields::AddFusion(rotary_fusion* fusion) {
  Add(&fusion->struct_size, Rule::kStructSize);
  Add(&fusion->rotates, Rule::kAny32);
  Add(&fusion->hadamard, Rule::kAny32);
  Add(&fusion->norm, Rule::kPointer);
  Add(&fusion->scale, Rule::kBadReal);
  Add(&fusion->token_scales, Rule::kMisaligned);
  Add(&fusion->token_scales_batch_stride, Rule::kStride);
  Add(&fusion->token_scales_token_stride, Rule::kStride);
  Add(&fusion->first_token, Rule::kBadSize);
  Add(&fusion->num_tokens, Rule::kSize);
  Add(&fusion->cache, Rule::kPointer);
  Add(&fusion->source, Rule::kPointer);
  Add(&fusion->on_tile, Rule::kPointer);
}

void HostileFields::AddNorm(rotary_norm* norm) {
  Add(&norm->struct_size, Rule::kStructSize);
  Add(&norm->kind, Rule::kAny32);
  Add(&norm->all_heads, Rule::kBad32);
  Add(&norm->after_rotation, Rule::kAny32);
  Add(&norm->weight_plus_one, Rule::kAny32);
  Add(&norm->epsilon, Rule::kBadReal);
  Add(&norm->weight, Rule::kMisaligned);
  Add(&norm->bias, Rule::kMisaligned);
  Add(&norm->weight_dtype, Rule::kBad32);
  Add(&norm->reserved, Rule::kAny32);
}

void HostileFields::AddCache(rotary_cache* cache) {
  Add(&cache->struct_size, Rule::kStructSize);
  Add(&cache->data, Rule::kPointer);
  Add(&cache->dtype, Rule::kBad32);
  Add(&cache->pairing, Rule::kAny32);
  Add(&cache->scale_kind, Rule::kAny32);
  Add(&cache->scales_dtype, Rule::kBad32);
  Add(&cache->scales, Rule::kMisaligned);
  Add(&cache->saturated, Rule::kMisaligned);
  for (int64_t* const stride :
       {&cache->block_stride, &cache->slot_stride, &cache->head_stride,
        &cache->element_stride, &cache->scales_block_stride,
        &cache->scales_slot_stride, &cache->scales_head_stride,
        &cache->scales_element_stride}) {
    Add(stride, Rule::kStride);
  }
}

void HostileFields::AddGradient(rotary_fusion_gradient* gradient) {
  Add(&gradient->struct_size, Rule::kStructSize);
  Add(&gradient->input, Rule::kMisaligned);
  Add(&gradient->input_dtype, Rule::kBad32);
  Add(&gradient->reserved, Rule::kAny32);
  Add(&gradient->weight, Rule::kMisaligned);
  Add(&gradient->bias, Rule::kMisaligned);
  for (int64_t* const stride :
       {&gradient->input_batch_stride, &gradient->input_token_stride,
        &gradient->input_head_stride}) {
    Add(stride, Rule::kStride);
  }
}

void HostileFields::AddApply(rotary_apply_args* apply) {
  Add(&apply->struct_size, Rule::kStructSize);
  Add(&apply->batch, Rule::kLess);
  Add(&apply->tokens, Rule::kLess);
  Add(&apply->tensors, Rule::kPointer);
  Add(&apply->num_tensors, Rule::kSize);
  Add(&apply->rows, Rule::kPointer);
  Add(&apply->embedding, Rule::kPointer);
  Add(&apply->positions, Rule::kPointer);
  for (int64_t* const field :
       {&apply->first_row, &apply->row_batch_stride, &apply->row_token_stride,
        &apply->row_head_stride}) {
    Add(field, Rule::kAny64);
  }
  for (int32_t* const field : {&apply->mode, &apply->transpose,
                               &apply->num_threads, &apply->reserved}) {
    Add(field, Rule::kAny32);
  }
}

void HostileFields::AddPositions(rotary_positions* positions) {
  Add(&positions->struct_size, Rule::kStructSize);
  Add(&positions->data, Rule::kMisaligned);
  Add(&positions->dtype, Rule::kNone32);
  Add(&positions->kind, Rule::kNone32);
  Add(&positions->offset, Rule::kAny64);
  Add(&positions->cu_seqlens, Rule::kMisaligned);
  Add(&positions->num_sequences, Rule::kSize);
  Add(&positions->cu_seqlens_dtype, Rule::kBad32);
  Add(&positions->reserved, Rule::kAny32);
  for (int64_t* const stride :
       {&positions->batch_stride, &positions->token_stride,
        &positions->axis_stride}) {
    Add(stride, Rule::kStride);
  }
}

void HostileFields::AddRowsArgs(rotary_rows_args* args) {
  Add(&args->struct_size, Rule::kStructSize);
  Add(&args->embedding, Rule::kPointer);
  Add(&args->positions, Rule::kPointer);
  Add(&args->batch, Rule::kLess);
  Add(&args->tokens, Rule::kLess);
  Add(&args->first_row, Rule::kAny64);
  Add(&args->mode, Rule::kAny32);
  Add(&args->num_threads, Rule::kAny32);
  Add(&args->log_n_length, Rule::kBadReal);
  Add(&args->embeddings, Rule::kPointer);
  Add(&args->num_embeddings, Rule::kSize);
  Add(&args->embedding_index, Rule::kMisaligned);
  Add(&args->index_batch_stride, Rule::kStride);
  Add(&args->index_token_stride, Rule::kStride);
}

void HostileFields::Corrupt(Input* input) {
  constexpr double kBadReals[] = {-1, NAN, INFINITY, -INFINITY};
  const int64_t i = input->Integer(0, static_cast<int64_t>(count_) - 1);
  const Field field = fields_[i];
  fields_[i] = fields_[--count_];
  switch (field.rule) {
    case Rule::kAny32:
      *static_cast<int32_t*>(field.at) = Value32(input);
      break;
    case Rule::kBad32:
      *static_cast<int32_t*>(field.at) = input->Of(kBadWords);
      break;
    case Rule::kNone32:
      *static_cast<int32_t*>(field.at) = input->Of(kNoWords);
      break;
    case Rule::kBadReal:
      *static_cast<double*>(field.at) = input->Of(kBadReals);
      break;
    case Rule::kStructSize:
      *static_cast<size_t*>(field.at) =
          static_cast<size_t>(input->Integer(0, 400));
      break;
    case Rule::kPointer:
    case Rule::kMisaligned: {
      uintptr_t pointer;
      std::memcpy(&pointer, field.at, sizeof(pointer));
      const bool moves = field.rule == Rule::kMisaligned && pointer != 0;
      pointer = moves && input->Flag() ? pointer | 1 : 0;
      std::memcpy(field.at, &pointer, sizeof(pointer));
      break;
    }
    default:
      Set(input, static_cast<int64_t*>(field.at), field.rule);
      break;
  }
}

}  // namespace rotary_test
