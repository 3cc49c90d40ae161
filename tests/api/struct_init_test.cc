// The init functions: the defaults, and structs of other versions.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstddef>

#include "tests/api/struct_checks.h"

namespace rotary_test {
namespace {

// What init must leave, from the comments in the header.
rotary_embedding_config Default(const rotary_embedding_config&) {
  rotary_embedding_config config = {};
  config.base = 10000;
  config.gain = 1;
  config.inv_freq_dtype = ROTARY_F64;
  config.heads = 1;
  config.row_dtype = ROTARY_F32;
  config.xpos_scale_base = 512;
  return config;
}

rotary_axes Default(const rotary_axes&) {
  rotary_axes axes = {};
  axes.num_axes = 1;
  for (double& low : axes.low) low = -2147483647;
  for (double& high : axes.high) high = 2147483647;
  return axes;
}

rotary_scaling DefaultScaling(rotary_scaling_kind kind) {
  rotary_scaling scaling = {};
  scaling.kind = kind;
  scaling.truncate = 1;
  scaling.factor = 1;
  scaling.beta_fast = 32;
  scaling.beta_slow = 1;
  scaling.extrapolation_factor = kind == ROTARY_SCALING_GGML ? 0 : 1;
  scaling.low_freq_factor = 1;
  scaling.high_freq_factor = 4;
  scaling.partial_rotary_factor = 1;
  scaling.ntk_factor = 1;
  scaling.beta_0 = 1.25;
  scaling.beta_1 = 0.75;
  scaling.gamma_0 = 16;
  scaling.gamma_1 = 2;
  scaling.exponent = 0.625;
  scaling.factors_dtype = ROTARY_F32;
  return scaling;
}

rotary_positions Default(const rotary_positions&) {
  rotary_positions positions = {};
  positions.kind = ROTARY_POSITION_IDS;
  positions.batch_stride = ROTARY_DENSE;
  positions.token_stride = ROTARY_DENSE;
  positions.axis_stride = ROTARY_DENSE;
  return positions;
}

rotary_rows_args Default(const rotary_rows_args&) {
  rotary_rows_args args = {};
  args.batch = 1;
  args.mode = ROTARY_FORWARD;
  args.index_batch_stride = ROTARY_DENSE;
  args.index_token_stride = ROTARY_DENSE;
  return args;
}

rotary_cos_sin Default(const rotary_cos_sin&) {
  rotary_cos_sin cos_sin = {};
  cos_sin.batch_stride = ROTARY_DENSE;
  cos_sin.row_stride = ROTARY_DENSE;
  cos_sin.element_stride = ROTARY_DENSE;
  cos_sin.dtype = ROTARY_F32;
  return cos_sin;
}

rotary_tensor Default(const rotary_tensor&) {
  rotary_tensor tensor = {};
  tensor.heads = 1;
  tensor.input_batch_stride = ROTARY_DENSE;
  tensor.input_token_stride = ROTARY_DENSE;
  tensor.input_head_stride = ROTARY_DENSE;
  tensor.input_dtype = ROTARY_F32;
  tensor.output_batch_stride = ROTARY_DENSE;
  tensor.output_token_stride = ROTARY_DENSE;
  tensor.output_head_stride = ROTARY_DENSE;
  tensor.output_store = ROTARY_STORE_AUTO;
  return tensor;
}

rotary_apply_args Default(const rotary_apply_args&) {
  rotary_apply_args args = {};
  args.batch = 1;
  args.row_batch_stride = ROTARY_DENSE;
  args.row_token_stride = ROTARY_DENSE;
  args.mode = ROTARY_FORWARD;
  return args;
}

TEST_CASE("init functions write as many bytes as they are told") {
  CheckInit(Default(rotary_embedding_config()), rotary_embedding_config_init);
  CheckInit(Default(rotary_axes()), rotary_axes_init);
  CheckInit(Default(rotary_positions()), rotary_positions_init);
  CheckInit(Default(rotary_rows_args()), rotary_rows_args_init);
  CheckInit(Default(rotary_cos_sin()), rotary_cos_sin_init);
  CheckInit(Default(rotary_tensor()), rotary_tensor_init);
  CheckInit(Default(rotary_apply_args()), rotary_apply_args_init);
  // A kind that there is not is refused later.
  for (rotary_scaling_kind kind = -1; kind <= ROTARY_SCALING_RIFLEX + 1;
       ++kind) {
    CheckInit(DefaultScaling(kind), [&](rotary_scaling* scaling, size_t size) {
      rotary_scaling_init(scaling, size, kind);
    });
  }
}

}  // namespace
}  // namespace rotary_test
