#include "lib/apply/chunk.h"

namespace rotary {
namespace {

Place OutputOf(const FusedTensor& fused, int64_t b, const HeadRun& run) {
  if (fused.to_cache) return PlaceIn(fused.cache, run.slot);
  const Tensor& tensor = fused.tensor;
  const Strides& strides = tensor.output_strides;
  const int64_t at =
      b * strides.batch + (run.token - fused.first_token) * strides.token;
  return {static_cast<char*>(tensor.output) + at * tensor.output_size,
          strides.token, strides.head, 1};
}

}  // namespace

TileAhead HeadsToRead(const FusedCall& call, const FusedTensor& fused,
                      int64_t b, int64_t t) {
  if (t < fused.first_token || t >= fused.end_token) return {};
  const Tensor& tensor = fused.tensor;
  if (fused.from_cache) {
    const int32_t slot = call.source_slots[b * call.apply.tokens + t];
    if (slot < 0) return {};
    const Place place = PlaceIn(fused.source, slot);
    const Storage storage = fused.source.storage;
    const int64_t size = StorageSize(storage);
    return {place.data, place.head_stride * size,
            StoredElements(storage, tensor.head_dim) * size};
  }
  const Strides& strides = tensor.input_strides;
  const int64_t size = tensor.input_size;
  const int64_t at =
      b * strides.batch + (t - fused.first_token) * strides.token;
  return {static_cast<const char*>(tensor.input) + at * size,
          strides.head * size, tensor.head_dim * size};
}

Chunk::Chunk(const FusedCall& call, int64_t index, const RotateJob& job,
             const HeadRun& run)
    : call_(call),
      fused_(call.tensors[index]),
      index_(index),
      job_(job),
      run_(run),
      output_(OutputOf(fused_, job.b, run)) {}

TileInput Chunk::Input() const {
  if (fused_.from_cache) {
    const TileSource source = Source();
    return {source.data, fused_.input_dtype, source.token_stride,
            source.head_stride};
  }
  const Strides& strides = fused_.tensor.input_strides;
  const int64_t at = job_.b * strides.batch +
                     (first_token() - fused_.first_token) * strides.token +
                     head * strides.head;
  return {static_cast<const char*>(fused_.tensor.input) +
              at * fused_.tensor.input_size,
          fused_.input_dtype, strides.token, strides.head};
}

const void* Chunk::Weights(const void* weights) const {
  if (weights == nullptr) return nullptr;
  return static_cast<const char*>(weights) +
         head * WeightHeadStride() * ElementSize(fused_.norm.dtype);
}

TileInput Chunk::InTile(const float* tile) const {
  const int64_t head_dim = fused_.tensor.head_dim;
  return {tile, kF32, heads * head_dim, head_dim};
}

TileOutput Chunk::Output() const {
  const int64_t at = token * output_.token_stride + head * output_.head_stride;
  return {output_.data + at * StorageSize(fused_.storage),
          fused_.storage,
          fused_.tensor.access == Access::kStream,
          output_.token_stride,
          output_.head_stride,
          output_.element_stride};
}

TileSource Chunk::Source() const {
  const Place place = PlaceIn(fused_.source, run_.source_slot);
  const int64_t at = token * place.token_stride + head * place.head_stride;
  const Storage storage = fused_.source.storage;
  return {place.data + at * StorageSize(storage), storage, place.token_stride,
          place.head_stride, place.element_stride};
}

TileScales Chunk::ScalesIn(const Cache& cache, int64_t slot) const {
  if (cache.scales == nullptr) return {};
  const int64_t size = ElementSize(cache.scales_dtype);
  const Place place = ScalesPlaceIn(cache, slot);
  const int64_t at = token * place.token_stride + head * place.head_stride;
  return {place.data + at * size, cache.scales_dtype, cache.makes_scales,
          place.token_stride,     place.head_stride,  place.element_stride};
}

TileScales Chunk::Scales() const {
  return fused_.to_cache ? ScalesIn(fused_.cache, run_.slot) : TileScales{};
}

TileScales Chunk::SourceScales() const {
  return ScalesIn(fused_.source, run_.source_slot);
}

// The same heads of the next token, where tokens come one by one: again, for of
// all that was asked for at once the processor may have left some out.
TileAhead Chunk::Ahead() const {
  if (!fused_.fetches) return {};
  TileAhead ahead = HeadsToRead(call_, fused_, job_.b, first_token() + 1);
  if (ahead.data != nullptr) ahead.data += head * ahead.head_bytes;
  return ahead;
}

void Chunk::ReadFromInput(Tensor* tensor) const {
  const TileInput input = Input();
  tensor->heads = heads;
  tensor->input = input.data;
  tensor->input_strides = {0, input.token_stride, input.head_stride};
}

void Chunk::WriteToOutput(Tensor* tensor) const {
  tensor->output = Output().data;
  tensor->output_strides = {0, output_.token_stride, output_.head_stride};
}

void Chunk::ReadFrom(const float* tile, Tensor* tensor) const {
  const int64_t head_dim = tensor->head_dim;
  tensor->heads = heads;
  tensor->input = tile;
  tensor->input_size = sizeof(float);
  tensor->input_strides = {0, heads * head_dim, head_dim};
}

void Chunk::WriteTo(float* tile, Tensor* tensor) const {
  const int64_t head_dim = tensor->head_dim;
  tensor->output = tile;
  tensor->output_size = sizeof(float);
  tensor->output_strides = {0, heads * head_dim, head_dim};
  tensor->access = Access::kPlain;
}

void Chunk::SetRows(RotateNormedJob* job) const {
  const int64_t row = first_token() - job_.token;
  job->cos = job_.cos + row * job_.row_stride;
  job->sin = job_.sin + row * job_.row_stride;
  job->row_stride = job_.row_stride;
  job->rotates = job_.rotates + row * job_.rotates_stride;
  job->rotates_stride = job_.rotates_stride;
  job->sin_sign = job_.sin_sign;
}

void Chunk::MakeJob(const Tensor* tensor, RotateJob* job, bool back) const {
  static constexpr uint8_t kNone = kCopied;
  *job = job_;
  job->tensors = tensor;
  job->tensors_end = tensor + 1;
  job->b = 0;
  job->token = 0;
  job->count = tokens;
  if (back) job->sin_sign ^= uint32_t{1} << 31;
  if (!fused_.rotates) {
    job->pairs = job->pair_begin = job->pair_count = 0;
    job->cos = job->sin = nullptr;
    job->row_stride = 0;
    job->rotates = &kNone;
    job->rotates_stride = 0;
    job->fetches_rows = false;
    job->given_rows = false;
    return;
  }
  const int64_t row = first_token() - job_.token;
  job->cos += row * job->row_stride;
  job->sin += row * job->row_stride;
  job->rotates += row * job->rotates_stride;
}

void Chunk::Rotate(const Tensor& tensor, bool back) const {
  RotateJob job;
  MakeJob(&tensor, &job, back);
  if (fused_.rotates && call_.row_step != 0) return RotateByHead(tensor, job);
  tensor.rotate(job);
}

void Chunk::TakeRun(Tensor* tensor) {
  tokens = run_tokens();
  heads = fused_.tensor.heads;
  *tensor = fused_.tensor;
  ReadFromInput(tensor);
  WriteToOutput(tensor);
}

void Chunk::RotateRun(bool back) {
  Tensor tensor;
  TakeRun(&tensor);
  Rotate(tensor, back);
}

void Chunk::Transform(float* tile) const {
  if (fused_.hadamard == 0) return;
  kHadamard[target()](
      {tile, Heads() * fused_.tensor.head_dim, fused_.hadamard});
}

// Each head has rows of its own.
void Chunk::RotateByHead(const Tensor& tensor, RotateJob job) const {
  Tensor one = tensor;
  one.heads = 1;
  job.tensors = &one;
  job.tensors_end = &one + 1;
  job.cos += head * call_.row_step;
  job.sin += head * call_.row_step;
  job.rotates += head * call_.state_step;
  for (int64_t h = 0; h < tensor.heads; ++h) {
    tensor.rotate(job);
    job.cos += call_.row_step;
    job.sin += call_.row_step;
    job.rotates += call_.state_step;
    one.input = static_cast<const char*>(one.input) +
                tensor.input_strides.head * tensor.input_size;
    one.output = static_cast<char*>(one.output) +
                 tensor.output_strides.head * tensor.output_size;
  }
}

}  // namespace rotary
