// Shapes and strides of drawn_tensor.h.
#include "tests/fuzz/drawn_tensor.h"

#include <algorithm>

#include "tests/fuzz/models.h"

namespace rotary_test {

Strides DrawStrides(Input* input, const Shape& shape, bool is_read) {
  constexpr Order kOrders[] = {Order::kBshd, Order::kBhsd, Order::kSbhd};
  // Often as engines have it.
  if (input->Flag()) return StridesOf(shape);
  const Order order = input->Of(kOrders);
  const int64_t head_gap = input->Integer(0, 3);
  const int64_t token_gap = input->Integer(0, 3);
  Strides strides =
      StridesOf(shape, order, head_gap, token_gap, input->Integer(0, 3));
  for (int64_t* const stride :
       {&strides.batch, &strides.token, &strides.head}) {
    if (input->Once(4)) *stride = -*stride;
    if (is_read && input->Once(16)) *stride = 0;
  }
  return strides;
}

View TakeTensor(Input* input, Arena* arena, rotary_dtype dtype,
                const Shape& shape, const Strides& strides, bool is_plain) {
  int64_t lowest = 0;
  int64_t highest = 0;
  bool empty = false;
  const auto reach = [&](int64_t size, int64_t stride) {
    empty = empty || size == 0;
    if (size < 2) return;
    lowest += std::min<int64_t>((size - 1) * stride, 0);
    highest += std::max<int64_t>((size - 1) * stride, 0);
  };
  reach(shape.batch, strides.batch);
  reach(shape.tokens, strides.token);
  reach(shape.heads, strides.head);
  const size_t element = ElementBytes(dtype);
  const auto elements =
      static_cast<size_t>(empty ? 0 : highest - lowest + shape.head_dim);
  const auto offset =
      static_cast<size_t>(input->Flag() ? 0 : input->Integer(0, 63) / 4);
  uint8_t* const memory = arena->Take(elements * element, offset * element);
  Fill(input, dtype, memory, elements * element, is_plain);
  return {dtype, memory - lowest * static_cast<int64_t>(element), shape,
          strides};
}

void HideDense(Input* input, const Shape& shape, int64_t* batch, int64_t* token,
               int64_t* head) {
  if (!input->Flag()) return;
  const Strides dense = StridesOf(shape);
  if (*batch == dense.batch) *batch = ROTARY_DENSE;
  if (*token == dense.token) *token = ROTARY_DENSE;
  if (*head == dense.head) *head = ROTARY_DENSE;
}

void DrawnTensor::SetFormats(Input* in, int64_t rotary_dim) {
  rotary_tensor_init(&tensor, sizeof(tensor));
  const Shape& shape = input.shape;
  tensor.heads = shape.heads;
  tensor.head_dim = shape.head_dim;
  tensor.rotary_offset = in->Integer(0, shape.head_dim - rotary_dim);
  tensor.input_pairing = in->Of(kPairings);
  tensor.output_pairing = in->Integer32(0, 2);
}

void DrawnTensor::SetInput(Input* in) {
  tensor.input = input.data;
  tensor.input_dtype = input.dtype;
  tensor.input_batch_stride = input.strides.batch;
  tensor.input_token_stride = input.strides.token;
  tensor.input_head_stride = input.strides.head;
  HideDense(in, input.shape, &tensor.input_batch_stride,
            &tensor.input_token_stride, &tensor.input_head_stride);
}

void DrawnTensor::Draw(Input* in, Arena* arena, const Shape& shape,
                       int64_t rotary_dim) {
  in_place = in->Flag();
  const Strides strides = DrawStrides(in, shape, !in_place);
  const View view =
      TakeTensor(in, arena, in->Of(kTensorDtypes), shape, strides);
  if (in_place) {
    Place(in, view, rotary_dim);
    return;
  }
  input = view;
  SetFormats(in, rotary_dim);
  SetInput(in);
  output = TakeTensor(in, arena, in->Of(kTensorDtypes), shape,
                      DrawStrides(in, shape, false));
  tensor.output = output.data;
  tensor.output_dtype = output.dtype;
  if (output.dtype == input.dtype && in->Flag()) tensor.output_dtype = 0;
  tensor.output_batch_stride = output.strides.batch;
  tensor.output_token_stride = output.strides.token;
  tensor.output_head_stride = output.strides.head;
  HideDense(in, shape, &tensor.output_batch_stride, &tensor.output_token_stride,
            &tensor.output_head_stride);
  tensor.output_store = in->Integer32(0, 2);
}

void DrawnTensor::Place(Input* in, const View& view, int64_t rotary_dim) {
  in_place = true;
  input = view;
  output = view;
  SetFormats(in, rotary_dim);
  SetInput(in);
  if (view.dtype != ROTARY_F32 && in->Once(4)) {
    tensor.output_dtype = in->Flag() ? ROTARY_F16 : ROTARY_BF16;
    output = view.As(tensor.output_dtype);
  }
  if (in->Flag()) {  // by its name
    tensor.output = view.data;
    tensor.output_batch_stride = tensor.input_batch_stride;
    tensor.output_token_stride = tensor.input_token_stride;
    tensor.output_head_stride = tensor.input_head_stride;
  }
}

Written WrittenOf(const View& view) {
  const auto bytes = static_cast<int64_t>(ElementBytes(view.dtype));
  return {static_cast<uint8_t*>(view.data),
          {view.shape.batch, view.shape.tokens, view.shape.heads},
          {view.strides.batch * bytes, view.strides.token * bytes,
           view.strides.head * bytes},
          view.shape.head_dim * bytes,
          view.dtype};
}

}  // namespace rotary_test
