// The defaults of every public struct.  Called by api.

#ifndef ROTARY_LIB_CONFIG_DEFAULTS_H_
#define ROTARY_LIB_CONFIG_DEFAULTS_H_

#include "include/rotary/rotary.h"

namespace rotary {

void SetDefaults(rotary_embedding_config* config, size_t struct_size);
void SetDefaults(rotary_scaling* scaling, size_t struct_size,
                 rotary_scaling_kind kind);
void SetDefaults(rotary_axes* axes, size_t struct_size);
void SetDefaults(rotary_positions* positions, size_t struct_size);
void SetDefaults(rotary_rows_args* args, size_t struct_size);
void SetDefaults(rotary_cos_sin* cos_sin, size_t struct_size);
void SetDefaults(rotary_tensor* tensor, size_t struct_size);
void SetDefaults(rotary_apply_args* args, size_t struct_size);
void SetDefaults(rotary_slots_args* args, size_t struct_size);
void SetDefaults(rotary_norm* norm, size_t struct_size);
void SetDefaults(rotary_cache* cache, size_t struct_size);
void SetDefaults(rotary_fusion* fusion, size_t struct_size);
void SetDefaults(rotary_fused_args* args, size_t struct_size);
void SetDefaults(rotary_fusion_gradient* gradient, size_t struct_size);
void SetDefaults(rotary_backward_args* args, size_t struct_size);

}  // namespace rotary

#endif  // ROTARY_LIB_CONFIG_DEFAULTS_H_
