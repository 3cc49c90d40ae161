#include "lib/config/flat_args.h"

#include <string.h>

#include "lib/config/error.h"

namespace rotary {
namespace {

struct Name {
  const char* of_struct;
  const char* flat;
};

constexpr Name kNames[] = {
    {"positions.data", "position_ids"},
    {"positions.dtype", "position_ids_dtype"},
    {"tensors[0].head_dim", "head_dim"},
    {"tensors[0].input_dtype", "dtype"},
    {"tensors[0].input_pairing", "pairing"},
    {"tensors[0].input", "q"},
    {"tensors[0].output", "q"},
    {"tensors[0].heads", "q_heads"},
    {"tensors[0].input_token_stride", "q_token_stride"},
    {"tensors[0].input_head_stride", "q_head_stride"},
    {"tensors[1].input", "k"},
    {"tensors[1].output", "k"},
    {"tensors[1].heads", "k_heads"},
    {"tensors[1].input_token_stride", "k_token_stride"},
    {"tensors[1].input_head_stride", "k_head_stride"},
};

}  // namespace

void NameAsFlat(rotary_error* error) {
  error->tensor = -1;
  for (const Name& name : kNames) {
    if (strcmp(error->argument, name.of_struct) != 0) continue;
    RenameArgument(error, name.flat);
    return;
  }
}

}  // namespace rotary
