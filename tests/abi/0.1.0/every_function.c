/* A plain C host as it was written for version 0.1: it uses every function of
 * that header once, embedding, rows, apply, prepared slices, and returns 0 if
 * all came out as expected. Only the version may be a later one by now. */
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
  CHECK(rotary_version() >= ROTARY_VERSION_MAJOR * 1000000 +
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

int main(void) {
  static float q[3][Q_SIZE];
  static float k[3][K_SIZE];
  rotary_embedding *embedding;
  rotary_rows *created;
  rotary_tensor tensors[2];
  rotary_apply_args args;
  void *memory;
  int way;

  TellVersion();
  embedding = MakeEmbedding();
  MakeRows(embedding, &memory, &created);

  for (way = 0; way < 3; ++way) {
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

  rotary_rows_destroy(created);
  free(memory);
  rotary_embedding_destroy(embedding);
  return 0;
}
