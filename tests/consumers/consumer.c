/* What each consumer of this folder builds and runs: one rotation by a known
 * angle, and a large one by a team of threads, which must give the same bits as
 * one thread. EXPECT_STATIC and EXPECT_OPENMP say how the library was built. */
#include <rotary/rotary.h>
#include <stdio.h>
#include <string.h>

#if EXPECT_STATIC && !defined(ROTARY_STATIC)
#error "the static library does not ask its users for ROTARY_STATIC"
#elif !EXPECT_STATIC && defined(ROTARY_STATIC)
#error "the shared library asks its users for ROTARY_STATIC"
#endif

enum { TOKENS = 2048, HEADS = 4, HEAD_DIM = 64, LAST = TOKENS - 1 };

static float x[2][TOKENS][HEADS][HEAD_DIM];
static int64_t positions[TOKENS];

static rotary_status Rotate(const rotary_embedding *embedding, int way,
                            int32_t num_threads, rotary_error *error) {
  return rotary_apply_qk(embedding, positions, ROTARY_I64, TOKENS, ROTARY_F32,
                         ROTARY_HALF, HEAD_DIM, x[way], HEADS, ROTARY_DENSE,
                         ROTARY_DENSE, NULL, 0, ROTARY_DENSE, ROTARY_DENSE,
                         num_threads, error);
}

int main(void) {
  rotary_embedding *embedding;
  rotary_error error;
  const float *first = x[0][LAST][0];
  int t;
  for (t = 0; t < TOKENS; ++t) {
    positions[t] = 1000000 - LAST + t;
    x[0][t][0][0] = x[1][t][0][0] = 1.0f;
    x[0][t][1][5] = x[1][t][1][5] = (float)t;
  }
  if (rotary_embedding_from_base(HEAD_DIM, 10000.0, &embedding, &error) ||
      Rotate(embedding, 0, 1, &error) || Rotate(embedding, 1, 0, &error)) {
    fprintf(stderr, "%s\n", error.message);
    return 1;
  }
  rotary_embedding_destroy(embedding);

  /* cos and sin of 1000000 */
  if (first[0] != 0.93675212753f || first[HEAD_DIM / 2] != -0.34999350217f) {
    fprintf(stderr, "(1, 0) became (%.9g, %.9g)\n", first[0],
            first[HEAD_DIM / 2]);
    return 1;
  }
  if (memcmp(x[0], x[1], sizeof x[0]) != 0) {
    fprintf(stderr, "threads change the result\n");
    return 1;
  }
  if (rotary_has_openmp() != EXPECT_OPENMP ||
      rotary_abi_version() != ROTARY_ABI_VERSION) {
    fprintf(stderr, "not the library that was built\n");
    return 1;
  }
  printf("rotated\n");
  return 0;
}
