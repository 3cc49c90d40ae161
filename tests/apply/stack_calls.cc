#include "tests/apply/stack_calls.h"

namespace rotary_test {

StackSources::StackSources(int64_t rotary_dim)
    : rotary_dim_(rotary_dim),
      ids_({0, 1, 2, 3, 4, 5, 5}),
      cu_seqlens_({0, 2, 5}),
      by_id_(MakePositions(ids_)) {
  rotary_positions_init(&packed_, sizeof(packed_));
  packed_.kind = ROTARY_POSITION_PACKED;
  packed_.cu_seqlens = cu_seqlens_.data();
  packed_.cu_seqlens_dtype = ROTARY_I32;
  packed_.num_sequences = 2;
}

StackSource& StackSources::Add(const std::string& name) {
  list_.emplace_back();
  list_.back().name = name;
  return list_.back();
}

void StackSources::AddOwn() {
  embedding_ = MakeEmbedding(rotary_dim_);
  rows_ = MakeRows(embedding_.get(), ids_);
  Add("positions").embedding = embedding_.get();
  list_.back().positions = &by_id_;
  Add("packed").embedding = embedding_.get();
  list_.back().positions = &packed_;
  Add("rows").rows = rows_.get();
  // The last head of the last token has the seventh.
  Add("rows of each head").rows = rows_.get();
  list_.back().row_head_stride = 1;
}

void StackSources::AddOther() {
  numbers_ = {0.5, 1, 2.5, -3, 4e5, 5.25};
  rotary_positions_init(&real_, sizeof(real_));
  real_.data = numbers_.data();
  real_.dtype = ROTARY_F64;
  // The same on all axes.
  real_.axis_stride = by_id_.axis_stride = 0;
  rotary_axes axes;
  rotary_axes_init(&axes, sizeof(axes));
  rotary_embedding_config config;
  rotary_embedding_config_init(&config, sizeof(config));
  config.rotary_dim = rotary_dim_;
  const auto add = [&](const std::string& name,
                       const rotary_positions* positions) {
    others_.push_back(EmbeddingOf(config));
    Add(name).embedding = others_.back().get();
    list_.back().positions = positions;
  };
  add("real positions", &real_);
  config.xpos = ROTARY_XPOS_KEY;
  config.xpos_scale_base = 1e6;
  add("xpos", &real_);
  config.xpos = ROTARY_XPOS_NONE;
  config.arithmetic = ROTARY_COMPATIBLE_HF;
  config.row_dtype = ROTARY_BF16;
  add("as HF", &by_id_);
  config.arithmetic = ROTARY_COMPATIBLE_GGML;
  config.row_dtype = ROTARY_F32;
  add("as ggml", &real_);
  config.arithmetic = ROTARY_EXACT;
  axes.num_axes = ROTARY_MAX_AXES;
  axes.layout = ROTARY_AXES_SECTIONS_GGML;
  for (int64_t& section : axes.sections) section = 1;
  config.axes = &axes;
  add("axes", &by_id_);
  add("real positions on axes", &real_);
  if (kStackHeads * rotary_dim_ > 65536) return;
  config.heads = kStackHeads;
  add("axes of each head", &by_id_);
}

void StackSources::AddCosSin() {
  // Zeros, of any dtype: rows of each head, elements twice apart.
  values_.resize(
      static_cast<size_t>(kStackTokens * kStackHeads * 2 * rotary_dim_));
  cos_sins_.reserve(18);  // pointers to them are kept
  bool by_head = false;
  for (const rotary_dtype dtype : Dtypes()) {
    for (const rotary_width width :
         {ROTARY_WIDTH_PAIRS, ROTARY_WIDTH_HALVES, ROTARY_WIDTH_NEIGHBORS}) {
      for (const int64_t element_stride : {1, 2}) {
        AddCosSin(dtype, width, element_stride, by_head);
        by_head = !by_head;
      }
      by_head = !by_head;
    }
  }
}

void StackSources::AddCosSin(rotary_dtype dtype, rotary_width width,
                             int64_t element_stride, bool by_head) {
  rotary_cos_sin view;
  rotary_cos_sin_init(&view, sizeof(view));
  view.cos = view.sin = values_.data();
  view.rotary_dim = rotary_dim_;
  view.rows = kStackTokens;
  view.row_stride = kStackHeads * rotary_dim_ * element_stride;
  view.head_stride = by_head ? rotary_dim_ * element_stride : 0;
  view.element_stride = element_stride;
  view.dtype = dtype;
  view.width = width;
  cos_sins_.push_back(view);
  const std::string name =
      "cos and sin, dtype " + std::to_string(dtype) + ", width " +
      std::to_string(width) + ", element stride " +
      std::to_string(element_stride) + (by_head ? ", of each head" : "");
  Add(name + ", by token").cos_sin = &cos_sins_.back();
  Add(name + ", by position").cos_sin = &cos_sins_.back();
  list_.back().positions = &by_id_;
  Add(name + ", packed").cos_sin = &cos_sins_.back();
  list_.back().positions = &packed_;
}

StackMemory::StackMemory(int64_t head_dim, int64_t num_tensors)
    : head_dim_(head_dim),
      floats_(kStackTokens * kStackHeads * head_dim),
      input_(static_cast<size_t>(floats_)),
      output_(static_cast<size_t>(floats_ * num_tensors)) {}

rotary_tensor StackMemory::Tensor(const Formats& formats, bool in_place,
                                  int64_t i) {
  rotary_tensor tensor;
  rotary_tensor_init(&tensor, sizeof(tensor));
  tensor.heads = kStackHeads;
  tensor.head_dim = head_dim_;
  tensor.output = output_.data() + i * floats_;
  tensor.input = in_place ? tensor.output : input_.data();
  tensor.input_dtype = formats.from;
  tensor.output_dtype = formats.to;
  tensor.input_pairing = formats.input_pairing;
  tensor.output_pairing = formats.output_pairing;
  // Past the caches there are more kinds of stores.
  tensor.output_store = ROTARY_STORE_STREAM;
  return tensor;
}

rotary_apply_args MakeArgs(const StackSource& source, const char* target,
                           const std::vector<rotary_tensor>& tensors) {
  const bool packed = source.positions != nullptr &&
                      source.positions->kind == ROTARY_POSITION_PACKED;
  const int64_t batch = packed ? 1 : 2;
  rotary_apply_args args = MakeApplyArgs(batch, kStackTokens / batch, tensors);
  args.embedding = source.embedding;
  args.rows = source.rows;
  args.row_head_stride = source.row_head_stride;
  args.cos_sin = source.cos_sin;
  args.positions = source.positions;
  args.num_threads = 1;
  args.target = target;
  return args;
}

}  // namespace rotary_test
