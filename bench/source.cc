// Embeddings, positions, rows and views, as the workloads have them.

#include "bench/source.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <algorithm>

#include "bench/angles.h"

namespace rotary_bench {
namespace {

const Dtype& kViewDtype = kDtypes[1];

// Whole positions are those of a 32-bit integer.
bool IsWhole(const Workload& workload) {
  return workload.positions.dtype == ROTARY_I32;
}

rotary_embedding* MakeEmbedding(const Workload& workload) {
  rotary_embedding_config config;
  rotary_embedding_config_init(&config, sizeof(config));
  config.rotary_dim = workload.rotary_dim;
  config.base = workload.base;

  const int64_t num_axes = workload.positions.axes;
  rotary_axes axes;
  rotary_axes_init(&axes, sizeof(axes));
  axes.num_axes = num_axes;
  axes.layout = ROTARY_AXES_BLOCKS;
  std::fill_n(axes.sections, num_axes, workload.rotary_dim / 2 / num_axes);
  if (num_axes > 1) config.axes = &axes;

  std::vector<float> inv_freq;
  if (workload.rows == RowSource::kHfEmbedding) {
    for (int64_t pair = 0; pair < workload.rotary_dim / 2; ++pair) {
      inv_freq.push_back(HfInvFreq(workload, pair));
    }
    config.arithmetic = ROTARY_COMPATIBLE_HF;
    config.inv_freq = inv_freq.data();
    config.inv_freq_dtype = ROTARY_F32;
  }
  rotary_error error;
  rotary_embedding* embedding;
  Require(rotary_embedding_create(&config, &embedding, &error), error);
  return embedding;
}

// The rows lie at the start of the memory and need no destruction.
const rotary_rows* MakeRows(int64_t tokens, const rotary_embedding* embedding,
                            const rotary_positions& positions,
                            const Memory& memory) {
  rotary_error error;
  rotary_rows* rows;
  Require(rotary_rows_init(memory.rows.data(), memory.row_bytes, embedding,
                           tokens, &rows, &error),
          error);
  rotary_rows_args args;
  rotary_rows_args_init(&args, sizeof(args));
  args.embedding = embedding;
  args.positions = &positions;
  args.tokens = tokens;
  args.num_threads = 1;
  Require(rotary_rows_set(rows, &args, &error), error);
  return rows;
}

// A view has a row for each token, [tokens][pairs] of cos, then of sin.
struct ViewPlace {
  unsigned char* cos;
  unsigned char* sin;
};

ViewPlace PlaceOfView(const Workload& workload, const Memory& memory) {
  const size_t bytes =
      static_cast<size_t>(workload.tokens) * RowBytes(workload);
  return {memory.rows.data(), memory.rows.data() + bytes / 2};
}

rotary_cos_sin MakeView(const Workload& workload, const Memory& memory) {
  const ViewPlace place = PlaceOfView(workload, memory);
  const int64_t pairs = workload.rotary_dim / 2;
  for (int64_t token = 0; token < workload.tokens; ++token) {
    for (int64_t pair = 0; pair < pairs; ++pair) {
      const long double angle = Angle(workload, token, pair);
      const int64_t at = token * pairs + pair;
      kViewDtype.write(place.cos, at, static_cast<float>(cosl(angle)));
      kViewDtype.write(place.sin, at, static_cast<float>(sinl(angle)));
    }
  }
  rotary_cos_sin view;
  rotary_cos_sin_init(&view, sizeof(view));
  view.cos = place.cos;
  view.sin = place.sin;
  view.rotary_dim = workload.rotary_dim;
  view.dtype = kViewDtype.value;
  view.width = ROTARY_WIDTH_PAIRS;
  return view;
}

}  // namespace

void Require(rotary_status status, const rotary_error& error) {
  if (status == ROTARY_OK) return;
  fprintf(stderr, "rotary_bench: %s: %s\n", rotary_status_string(status),
          error.message);
  exit(EXIT_FAILURE);
}

size_t LargestRowBytes() {
  size_t largest = 0;
  for (const Workload& workload : kWorkloads) {
    rotary_embedding* embedding = MakeEmbedding(workload);
    size_t bytes;
    rotary_error error;
    Require(
        rotary_rows_bytes_needed(embedding, workload.tokens, &bytes, &error),
        error);
    largest = std::max(largest, bytes);
    rotary_embedding_destroy(embedding);
  }
  return largest;
}

Source::Source(const Case& c, const Memory& memory)
    : has_view_(c.workload->rows == RowSource::kCosSinView) {
  const Workload& workload = *c.workload;
  if (has_view_) {
    cos_sin_ = MakeView(workload, memory);
    return;
  }
  for (int64_t axis = 0; axis < workload.positions.axes; ++axis) {
    for (int64_t token = 0; token < workload.tokens; ++token) {
      real_.push_back(workload.positions.of(token, axis));
      whole_.push_back(static_cast<int32_t>(real_.back()));
    }
  }
  rotary_positions_init(&positions_, sizeof(positions_));
  positions_.dtype = workload.positions.dtype;
  positions_.data = IsWhole(workload) ? static_cast<const void*>(whole_.data())
                                      : static_cast<const void*>(real_.data());
  embedding_ = MakeEmbedding(workload);
  if (c.kept_rows) {
    rows_ = MakeRows(workload.tokens, embedding_, positions_, memory);
  }
}

Source::~Source() { rotary_embedding_destroy(embedding_); }

void Source::Give(rotary_apply_args* args) const {
  if (has_view_) {
    args->cos_sin = &cos_sin_;
  } else if (rows_ != nullptr) {
    args->rows = rows_;
  } else {
    args->embedding = embedding_;
    args->positions = &positions_;
  }
}

CosSin OfView(const Workload& workload, const Memory& memory, int64_t token,
              int64_t pair) {
  const ViewPlace place = PlaceOfView(workload, memory);
  const int64_t at = token * (workload.rotary_dim / 2) + pair;
  return {static_cast<long double>(kViewDtype.read(place.cos, at)),
          static_cast<long double>(kViewDtype.read(place.sin, at))};
}

}  // namespace rotary_bench
