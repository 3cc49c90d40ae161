// The sources and tensors of stack_calls.h.
#include "tests/apply/stack_calls.h"

#include "tests/rows/axes_case.h"

namespace rotary_test {

StackSources::StackSources(int64_t rotary_dim)
    : rotary_dim_(rotary_dim),
      ids_({0, 1, 2, 3, 4, 5, 5}),
      cu_seqlens_({0, 2, 5}),
      whole_numbers_({0, 1 << 20, 30000, 3, -4, 70000}),
      real_numbers_({0, 1.5, 4e5, 3, -4.25, 5}),
      by_id_(MakePositions(ids_)),
      whole_(MakePositions(whole_numbers_)),
      real_(whole_) {
  rotary_positions_init(&packed_, sizeof(packed_));
  packed_.kind = ROTARY_POSITION_PACKED;
  packed_.cu_seqlens = cu_seqlens_.data();
  packed_.cu_seqlens_dtype = ROTARY_I32;
  packed_.num_sequences = 2;
  real_.data = real_numbers_.data();
  real_.dtype = ROTARY_F64;
  // The same on all axes.
  whole_.axis_stride = real_.axis_stride = 0;
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
  list_.back().positions = &whole_;
  Add("packed").embedding = embedding_.get();
  list_.back().positions = &packed_;
  Add("rows").rows = rows_.get();
  // The last head of the last token has the seventh.
  Add("rows of each head").rows = rows_.get();
  list_.back().row_head_stride = 1;
}

void StackSources::AddOther() {
  const auto add = [&](const std::string& name, const AxesCase& of) {
    others_.push_back(of.Make());
    for (const rotary_positions* positions : {&whole_, &real_}) {
      Add(positions == &real_ ? name + ", real positions" : name).embedding =
          others_.back().get();
      list_.back().positions = positions;
    }
  };
  const int64_t pairs = rotary_dim_ / 2;
  AxesCase one(ROTARY_AXES_SECTIONS, rotary_dim_, {pairs});
  add("one axis", one);
  one.config.xpos = ROTARY_XPOS_KEY;
  one.config.xpos_scale_base = 1e6;
  add("xpos", one);
  one.config.xpos = ROTARY_XPOS_NONE;
  one.config.arithmetic = ROTARY_COMPATIBLE_HF;
  one.config.row_dtype = ROTARY_BF16;
  add("as HF", one);
  one.config.arithmetic = ROTARY_COMPATIBLE_GGML;
  one.config.row_dtype = ROTARY_F32;
  add("as ggml", one);
  AxesCase three(ROTARY_AXES_INTERLEAVED, rotary_dim_, {pairs - 8, 5, 3});
  add("axes", three);
  three.config.arithmetic = ROTARY_COMPATIBLE_HF;
  add("axes as HF", three);
  three.config.arithmetic = ROTARY_COMPATIBLE_GGML;
  add("axes as ggml", three);
  const std::vector<int64_t> most(ROTARY_MAX_AXES, 1);
  AxesCase sections(ROTARY_AXES_SECTIONS_GGML, rotary_dim_, most);
  add("most axes", sections);
  sections.config.heads = kStackHeads;
  add("most axes of each head", sections);
  AxesCase given(ROTARY_AXES_GIVEN, rotary_dim_, most);
  given.config.heads = kStackHeads;
  given.inv_freq.assign(
      static_cast<size_t>(kStackHeads * ROTARY_MAX_AXES * pairs), 0.25);
  add("sums over the most axes of each head", given);
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
