/* A plain C host that uses every function of rotary.h once, as a host would:
 * embedding, rows, apply, prepared slices. Prints the targets of this CPU,
 * which the qemu tests compare, and returns 0 if all came out as expected. */
#include <rotary/rotary.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  HEAD_DIM = 64,
  PAIRS = HEAD_DIM / 2,
  TOKENS = 3,
  Q_HEADS = 4,
  K_HEADS = 2,
  Q_SIZE = TOKENS * Q_HEADS * HEAD_DIM,
  K_SIZE = TOKENS * K_HEADS * HEAD_DIM
};

static const int64_t kPositions[TOKENS] = {0, 7, 1000000};
static rotary_error error;

static void Check(int condition, int line) {
  if (!condition) {
    fprintf(stderr, "line %d failed; last error: %s\n", line, error.message);
    exit(1);
  }
}
#define CHECK(condition) Check((condition) != 0, __LINE__)
#define CHECK_OK(call) Check((call) == ROTARY_OK, __LINE__)

static void Fill(float *data, int size) {
  int i;
  for (i = 0; i < size; ++i) data[i] = (float)(i % 17 - 8);
}

static void TellVersion(void) {
  const char *target;
  int32_t i;
  CHECK(rotary_version() == ROTARY_VERSION_MAJOR * 1000000 +
                                ROTARY_VERSION_MINOR * 1000 +
                                ROTARY_VERSION_PATCH);
  CHECK(rotary_abi_version() == ROTARY_ABI_VERSION);
  CHECK(strcmp(rotary_status_string(ROTARY_OK), "ROTARY_OK") == 0);
  CHECK_OK(rotary_target_default(&target, &error));
  printf("rotary %s, OpenMP %d, default target %s\ntargets:",
         rotary_version_string(), (int)rotary_has_openmp(), target);
  for (i = 0; i < rotary_target_count(); ++i) {
    printf(" %s", rotary_target_name(i));
  }
  printf("\n");
}

/* One for sequences up to 1000 tokens, and from that one for longer ones. */
static void ScaledEmbedding(void) {
  rotary_scaling scaling;
  rotary_embedding_config config;
  rotary_embedding *embedding;
  rotary_embedding *longer;
  rotary_embedding *same;
  rotary_embedding *between;
  double inv_freq[PAIRS];
  rotary_scaling_init(&scaling, sizeof scaling, ROTARY_SCALING_DYNAMIC_NTK);
  scaling.factor = 2.0;
  scaling.original_length = 1000.0;
  rotary_embedding_config_init(&config, sizeof config);
  config.rotary_dim = HEAD_DIM;
  config.scaling = &scaling;
  CHECK_OK(rotary_embedding_create(&config, &embedding, &error));
  CHECK_OK(rotary_embedding_for_length(embedding, 4.0, &same, &error));
  CHECK(same == embedding);
  CHECK_OK(rotary_embedding_for_length(embedding, 4000.0, &longer, &error));
  CHECK(longer != embedding);
  CHECK_OK(rotary_embedding_inv_freq(longer, inv_freq, PAIRS, &error));
  /* 10000^(-62/64) / (2 * 4000/1000 - 1) */
  CHECK(inv_freq[PAIRS - 1] > 1.9050e-5 && inv_freq[PAIRS - 1] < 1.9051e-5);
  CHECK(rotary_embedding_softmax_multiplier(longer) == 1.0);
  CHECK_OK(rotary_embedding_between(embedding, longer, &between, &error));
  CHECK(rotary_embedding_axes(between) == 2);
  rotary_embedding_destroy(between);
  rotary_embedding_destroy(longer);
  rotary_embedding_destroy(embedding);
}

static void SeveralAxes(void) {
  rotary_axes axes;
  rotary_embedding_config config;
  rotary_embedding *embedding;
  int32_t equal = 0;
  rotary_axes_init(&axes, sizeof axes);
  axes.num_axes = 2;
  axes.layout = ROTARY_AXES_BLOCKS;
  axes.sections[0] = axes.sections[1] = PAIRS / 2;
  rotary_embedding_config_init(&config, sizeof config);
  config.rotary_dim = HEAD_DIM;
  config.axes = &axes;
  CHECK_OK(rotary_embedding_create(&config, &embedding, &error));
  CHECK(rotary_embedding_axes(embedding) == 2);
  CHECK(rotary_embedding_heads(embedding) == 1);
  CHECK(rotary_embedding_fingerprint(embedding) != 0);
  CHECK_OK(rotary_embedding_config_equal(&config, &config, &equal, &error));
  CHECK(equal == 1);
  rotary_embedding_destroy(embedding);
}

static rotary_embedding *MakeEmbedding(void) {
  rotary_embedding *from_base;
  rotary_embedding *embedding;
  rotary_embedding_config config;
  double inv_freq[PAIRS];
  size_t bytes;
  CHECK_OK(rotary_embedding_from_base(HEAD_DIM, 10000.0, &from_base, &error));
  CHECK_OK(rotary_embedding_inv_freq(from_base, inv_freq, PAIRS, &error));
  rotary_embedding_destroy(from_base);

  rotary_embedding_config_init(&config, sizeof config);
  config.rotary_dim = HEAD_DIM;
  config.inv_freq = inv_freq;
  CHECK_OK(rotary_embedding_bytes_needed(&config, &bytes, &error));
  CHECK_OK(rotary_embedding_create(&config, &embedding, &error));
  CHECK(rotary_embedding_bytes(embedding) == bytes);
  CHECK(rotary_embedding_rotary_dim(embedding) == HEAD_DIM);
  CHECK(rotary_embedding_gain(embedding) == 1.0);
  return embedding;
}

/* Rows in the caller's memory, and the same in allocated memory. */
static void MakeRows(const rotary_embedding *embedding, void **memory,
                     rotary_rows **created) {
  float cos[PAIRS];
  float sin[PAIRS];
  rotary_positions positions;
  rotary_rows_args args;
  rotary_rows *rows;
  size_t bytes;
  rotary_positions_init(&positions, sizeof positions);
  positions.data = kPositions;
  positions.dtype = ROTARY_I64;
  rotary_rows_args_init(&args, sizeof args);
  args.embedding = embedding;
  args.positions = &positions;
  args.tokens = TOKENS;

  CHECK_OK(rotary_rows_bytes_needed(embedding, TOKENS, &bytes, &error));
  *memory = malloc(bytes);
  CHECK(*memory);
  CHECK_OK(rotary_rows_init(*memory, bytes, embedding, TOKENS, &rows, &error));
  CHECK_OK(rotary_rows_set(rows, &args, &error));
  CHECK(rotary_rows_count(rows) == TOKENS);
  CHECK(rotary_rows_rotary_dim(rows) == HEAD_DIM);
  CHECK(rotary_rows_bytes(rows) == bytes);
  CHECK_OK(rotary_rows_read(rows, 2, 1, cos, sin, ROTARY_DENSE, &error));
  CHECK(cos[0] == 0.93675212753f && sin[0] == -0.34999350217f); /* of 1e6 */

  CHECK_OK(rotary_rows_create(embedding, TOKENS, created, &error));
  CHECK_OK(rotary_rows_set(*created, &args, &error));
}

/* The second of two workers, which share five tokens in four chunks. */
static void Share(void) {
  int64_t starts[2];
  int64_t cu_seqlens[3];
  CHECK_OK(
      rotary_shard(ROTARY_SHARD_ZIGZAG, 1, 2, 5, starts, cu_seqlens, &error));
  CHECK(starts[0] == 1 && starts[1] == 2);
  CHECK(cu_seqlens[0] == 0 && cu_seqlens[1] == 1 && cu_seqlens[2] == 2);
}

/* A bias of one head: pairs that were neighbors are a half apart. */
static void ConvertBias(void) {
  float bias[4] = {1.0f, 2.0f, 3.0f, 4.0f};
  CHECK_OK(rotary_permute_weights(bias, NULL, sizeof bias[0], 1, 4, 0, 4, 1,
                                  ROTARY_DENSE, ROTARY_DENSE,
                                  ROTARY_INTERLEAVED, ROTARY_HALF, &error));
  CHECK(bias[0] == 1.0f && bias[1] == 3.0f);
  CHECK(bias[2] == 2.0f && bias[3] == 4.0f);
}

static rotary_tensor Tensor(float *data, int64_t heads) {
  rotary_tensor tensor;
  rotary_tensor_init(&tensor, sizeof tensor);
  tensor.heads = heads;
  tensor.head_dim = HEAD_DIM;
  tensor.input = data;
  tensor.input_dtype = ROTARY_F32;
  tensor.input_pairing = ROTARY_HALF;
  return tensor;
}

/* All rows as a caller's own cos and sin, behind each other in one row. */
static rotary_cos_sin Cache(const rotary_rows *rows, float *cache) {
  rotary_cos_sin cos_sin;
  CHECK_OK(rotary_rows_export(rows, 0, TOKENS, ROTARY_F32, ROTARY_WIDTH_PAIRS,
                              cache, cache + PAIRS, HEAD_DIM, ROTARY_DENSE,
                              &error));
  rotary_cos_sin_init(&cos_sin, sizeof cos_sin);
  cos_sin.cos = cache;
  cos_sin.sin = cache + PAIRS;
  cos_sin.rotary_dim = HEAD_DIM;
  cos_sin.row_stride = HEAD_DIM;
  cos_sin.width = ROTARY_WIDTH_PAIRS;
  return cos_sin;
}

static void Prepared(const rotary_apply_args *args) {
  rotary_prepared *prepared;
  size_t bytes;
  void *memory;
  int64_t slices;
  int64_t slice;
  CHECK_OK(rotary_prepared_bytes_needed(args->num_tensors, &bytes, &error));
  memory = malloc(bytes);
  CHECK(memory);
  CHECK_OK(rotary_prepare(args, memory, bytes, &prepared, &error));
  slices = rotary_prepared_slices(prepared);
  CHECK(slices >= 1);
  for (slice = 0; slice < slices; ++slice) {
    CHECK_OK(rotary_prepared_run(prepared, slice, slices, &error));
  }
  free(memory);
}

/* Keys of three tokens, normed and rotated, to slots 2, 0 and 1 of a cache. */
static void Fuse(const rotary_rows *rows) {
  static const int32_t kSlots[TOKENS] = {2, 0, 1};
  static float k[K_SIZE];
  static float cached[K_SIZE];
  rotary_positions positions;
  rotary_slots_args slots_args;
  rotary_slots *slots;
  rotary_tensor tensor = Tensor(k, K_HEADS);
  rotary_norm norm;
  rotary_cache cache;
  rotary_fusion fusion;
  rotary_apply_args apply;
  rotary_fused_args args;
  rotary_prepared *prepared;
  void *prepared_memory;
  size_t bytes;
  void *memory;
  Fill(k, K_SIZE);
  rotary_positions_init(&positions, sizeof positions);
  positions.data = kSlots;
  positions.dtype = ROTARY_I32;
  rotary_slots_args_init(&slots_args, sizeof slots_args);
  slots_args.tokens = slots_args.num_slots = TOKENS;
  slots_args.positions = &positions;
  CHECK_OK(rotary_slots_bytes_needed(TOKENS, TOKENS, &bytes, &error));
  memory = malloc(bytes);
  CHECK_OK(rotary_slots_init(memory, bytes, &slots_args, &slots, &error));
  CHECK(rotary_slots_at(slots, 0, 1) == 0);
  rotary_norm_init(&norm, sizeof norm);
  rotary_cache_init(&cache, sizeof cache);
  cache.data = cached;
  cache.dtype = ROTARY_F32;
  rotary_fusion_init(&fusion, sizeof fusion);
  fusion.norm = &norm;
  fusion.cache = &cache;
  rotary_apply_args_init(&apply, sizeof apply);
  apply.tokens = TOKENS;
  apply.tensors = &tensor;
  apply.num_tensors = 1;
  apply.rows = rows;
  rotary_fused_args_init(&args, sizeof args);
  args.apply = &apply;
  args.fusions = &fusion;
  args.slots = slots;
  CHECK_OK(rotary_apply_fused(&args, &error));
  CHECK_OK(rotary_prepared_fused_bytes_needed(&bytes, &error));
  prepared_memory = malloc(bytes);
  CHECK(prepared_memory);
  CHECK_OK(
      rotary_prepare_fused(&args, prepared_memory, bytes, &prepared, &error));
  CHECK_OK(rotary_prepared_run(prepared, 0, 1, &error));
  free(prepared_memory);
  /* Position 0, in slot 2, is not moved: -8 over a root of about 24. */
  CHECK(cached[2 * K_SIZE / 3] < -1.0f && cached[2 * K_SIZE / 3] > -2.0f);
  CHECK(k[0] == -8.0f);
  free(memory);
}

/* Back from gradients of 1: an x that is the same everywhere is normed to 1,
 * and has no influence. */
static void LeadBack(const rotary_rows *rows) {
  static float gradients[K_SIZE];
  static float input[K_SIZE];
  static float weight[HEAD_DIM];
  rotary_tensor tensor = Tensor(gradients, K_HEADS);
  rotary_norm norm;
  rotary_fusion fusion;
  rotary_fusion_gradient gradient;
  rotary_apply_args apply;
  rotary_backward_args args;
  size_t bytes;
  int i;
  for (i = 0; i < K_SIZE; ++i) {
    gradients[i] = 1.0f;
    input[i] = 2.0f;
  }
  rotary_norm_init(&norm, sizeof norm);
  rotary_fusion_init(&fusion, sizeof fusion);
  fusion.norm = &norm;
  fusion.rotates = 0;
  rotary_fusion_gradient_init(&gradient, sizeof gradient);
  gradient.input = input;
  gradient.weight = weight;
  rotary_apply_args_init(&apply, sizeof apply);
  apply.tokens = TOKENS;
  apply.tensors = &tensor;
  apply.num_tensors = 1;
  apply.rows = rows;
  rotary_backward_args_init(&args, sizeof args);
  args.apply = &apply;
  args.fusions = &fusion;
  args.gradients = &gradient;
  CHECK_OK(rotary_backward_bytes_needed(&args, &bytes, &error));
  CHECK(bytes == HEAD_DIM * sizeof(double));
  args.scratch = malloc(bytes);
  args.scratch_bytes = bytes;
  CHECK_OK(rotary_apply_fused_backward(&args, &error));
  CHECK(gradients[0] > -1e-5f && gradients[0] < 1e-5f);
  CHECK(weight[0] > 0.999f * TOKENS * K_HEADS &&
        weight[0] < 1.001f * TOKENS * K_HEADS);
  free(args.scratch);
}

int main(void) {
  static float q[4][Q_SIZE];
  static float k[4][K_SIZE];
  static float cache[TOKENS * HEAD_DIM];
  rotary_cos_sin cos_sin;
  rotary_embedding *embedding;
  rotary_rows *created;
  rotary_tensor tensors[2];
  rotary_apply_args args;
  void *memory;
  int way;

  TellVersion();
  ScaledEmbedding();
  SeveralAxes();
  Share();
  ConvertBias();
  embedding = MakeEmbedding();
  MakeRows(embedding, &memory, &created);

  for (way = 0; way < 4; ++way) {
    Fill(q[way], Q_SIZE);
    Fill(k[way], K_SIZE);
    tensors[0] = Tensor(q[way], Q_HEADS);
    tensors[1] = Tensor(k[way], K_HEADS);
    rotary_apply_args_init(&args, sizeof args);
    args.tokens = TOKENS;
    args.tensors = tensors;
    args.num_tensors = 2;
    if (way == 0) {
      args.rows = (const rotary_rows *)memory;
      CHECK_OK(rotary_apply(&args, &error));
    } else if (way == 1) {
      args.rows = created;
      Prepared(&args);
    } else if (way == 2) {
      cos_sin = Cache(created, cache);
      args.cos_sin = &cos_sin;
      CHECK_OK(rotary_apply(&args, &error));
    } else {
      CHECK_OK(rotary_apply_qk(embedding, kPositions, ROTARY_I64, TOKENS,
                               ROTARY_F32, ROTARY_HALF, HEAD_DIM, q[way],
                               Q_HEADS, ROTARY_DENSE, ROTARY_DENSE, k[way],
                               K_HEADS, ROTARY_DENSE, ROTARY_DENSE, 1, &error));
    }
    CHECK(memcmp(q[0], q[way], sizeof q[0]) == 0);
    CHECK(memcmp(k[0], k[way], sizeof k[0]) == 0);
  }
  CHECK(q[0][0] == -8.0f); /* position 0 is not moved */
  CHECK(q[0][2 * Q_SIZE / 3] != (float)(2 * Q_SIZE / 3 % 17 - 8));

  Fuse(created);
  LeadBack(created);
  rotary_rows_destroy(created);
  free(memory);
  rotary_embedding_destroy(embedding);
  return 0;
}
