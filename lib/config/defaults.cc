#include "lib/config/defaults.h"

#include "lib/config/structs.h"

namespace rotary {

void SetDefaults(rotary_embedding_config* config, size_t struct_size) {
  if (!ClearStruct(config, struct_size)) return;
  config->base = 10000.0;
  config->gain = 1.0;
  config->inv_freq_dtype = ROTARY_F64;
  if (struct_size < sizeof(*config)) return;
  config->heads = 1;
  config->row_dtype = ROTARY_F32;
  config->xpos_scale_base = 512.0;
}

void SetDefaults(rotary_axes* axes, size_t struct_size) {
  if (!ClearStruct(axes, struct_size)) return;
  axes->num_axes = 1;
  for (int a = 0; a < ROTARY_MAX_AXES; ++a) {
    axes->low[a] = -2147483647.0;
    axes->high[a] = 2147483647.0;
  }
}

void SetDefaults(rotary_scaling* scaling, size_t struct_size,
                 rotary_scaling_kind kind) {
  if (!ClearStruct(scaling, struct_size)) return;
  scaling->kind = kind;
  scaling->truncate = 1;
  scaling->factor = 1.0;
  scaling->beta_fast = 32.0;
  scaling->beta_slow = 1.0;
  scaling->extrapolation_factor = kind == ROTARY_SCALING_GGML ? 0.0 : 1.0;
  scaling->low_freq_factor = 1.0;
  scaling->high_freq_factor = 4.0;
  scaling->partial_rotary_factor = 1.0;
  scaling->ntk_factor = 1.0;
  scaling->beta_0 = 1.25;
  scaling->beta_1 = 0.75;
  scaling->gamma_0 = 16.0;
  scaling->gamma_1 = 2.0;
  scaling->exponent = 0.625;
  scaling->factors_dtype = ROTARY_F32;
}

void SetDefaults(rotary_positions* positions, size_t struct_size) {
  if (!ClearStruct(positions, struct_size)) return;
  positions->kind = ROTARY_POSITION_IDS;
  positions->batch_stride = ROTARY_DENSE;
  positions->token_stride = ROTARY_DENSE;
  if (struct_size < sizeof(*positions)) return;
  positions->axis_stride = ROTARY_DENSE;
}

void SetDefaults(rotary_rows_args* args, size_t struct_size) {
  if (!ClearStruct(args, struct_size)) return;
  args->batch = 1;
  args->mode = ROTARY_FORWARD;
  if (struct_size < sizeof(*args)) return;
  args->index_batch_stride = ROTARY_DENSE;
  args->index_token_stride = ROTARY_DENSE;
}

void SetDefaults(rotary_cos_sin* cos_sin, size_t struct_size) {
  if (!ClearStruct(cos_sin, struct_size)) return;
  cos_sin->batch_stride = ROTARY_DENSE;
  cos_sin->row_stride = ROTARY_DENSE;
  cos_sin->element_stride = ROTARY_DENSE;
  cos_sin->dtype = ROTARY_F32;
}

void SetDefaults(rotary_tensor* tensor, size_t struct_size) {
  if (!ClearStruct(tensor, struct_size)) return;
  tensor->heads = 1;
  tensor->input_dtype = ROTARY_F32;
  tensor->input_batch_stride = ROTARY_DENSE;
  tensor->input_token_stride = ROTARY_DENSE;
  tensor->input_head_stride = ROTARY_DENSE;
  tensor->output_batch_stride = ROTARY_DENSE;
  tensor->output_token_stride = ROTARY_DENSE;
  tensor->output_head_stride = ROTARY_DENSE;
  tensor->output_store = ROTARY_STORE_AUTO;
}

void SetDefaults(rotary_apply_args* args, size_t struct_size) {
  if (!ClearStruct(args, struct_size)) return;
  args->batch = 1;
  args->row_batch_stride = ROTARY_DENSE;
  args->row_token_stride = ROTARY_DENSE;
  args->mode = ROTARY_FORWARD;
}

void SetDefaults(rotary_slots_args* args, size_t struct_size) {
  if (!ClearStruct(args, struct_size)) return;
  args->batch = 1;
  args->table_stride = ROTARY_DENSE;
  args->table_dtype = ROTARY_I32;
}

void SetDefaults(rotary_norm* norm, size_t struct_size) {
  if (!ClearStruct(norm, struct_size)) return;
  norm->kind = ROTARY_NORM_RMS;
  norm->epsilon = 1e-6;
  norm->weight_dtype = ROTARY_F32;
}

void SetDefaults(rotary_cache* cache, size_t struct_size) {
  if (!ClearStruct(cache, struct_size)) return;
  cache->block_stride = ROTARY_DENSE;
  cache->slot_stride = ROTARY_DENSE;
  cache->head_stride = ROTARY_DENSE;
  cache->element_stride = ROTARY_DENSE;
  cache->scales_dtype = ROTARY_F32;
  cache->scales_block_stride = ROTARY_DENSE;
  cache->scales_slot_stride = ROTARY_DENSE;
  cache->scales_head_stride = ROTARY_DENSE;
}

void SetDefaults(rotary_fusion* fusion, size_t struct_size) {
  if (!ClearStruct(fusion, struct_size)) return;
  fusion->rotates = 1;
  fusion->scale = 1.0;
  fusion->token_scales_batch_stride = ROTARY_DENSE;
  fusion->token_scales_token_stride = ROTARY_DENSE;
  fusion->num_tokens = ROTARY_DENSE;
}

void SetDefaults(rotary_fused_args* args, size_t struct_size) {
  ClearStruct(args, struct_size);
}

void SetDefaults(rotary_fusion_gradient* gradient, size_t struct_size) {
  if (!ClearStruct(gradient, struct_size)) return;
  gradient->input_batch_stride = ROTARY_DENSE;
  gradient->input_token_stride = ROTARY_DENSE;
  gradient->input_head_stride = ROTARY_DENSE;
  gradient->input_dtype = ROTARY_F32;
}

void SetDefaults(rotary_backward_args* args, size_t struct_size) {
  ClearStruct(args, struct_size);
}

}  // namespace rotary
