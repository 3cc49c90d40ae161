// How much stack calls take in their own thread: at most 16 KB, and where a
// pairing is changed in place a tile of 16 KB more.  Left out with sanitizers,
// which make frames larger.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/apply/formats.h"
#include "tests/apply/stack_calls.h"
#include "tests/support/effort.h"
#include "tests/support/objects.h"
#include "tests/support/painted_stack.h"
#include "tests/support/targets.h"

namespace rotary_test {
namespace {

constexpr int64_t kCallBytes = 16384;
constexpr int64_t kTileBytes = 16384;

void CheckStack(int64_t limit, const StackCall& call,
                rotary_status expected = ROTARY_OK) {
  REQUIRE(call() == expected);
  rotary_status status = ROTARY_OK;
  const int64_t bytes = StackBytesOf(call, &status);
  CHECK(status == expected);
  CHECK(bytes <= limit);
}

void CheckApply(int64_t limit, const rotary_apply_args& args) {
  CheckStack(limit, [&] { return rotary_apply(&args, nullptr); });
}

void CheckPrepared(int64_t limit, const rotary_apply_args& args) {
  size_t bytes = 0;
  REQUIRE(rotary_prepared_bytes_needed(args.num_tensors, &bytes, nullptr) ==
          ROTARY_OK);
  std::vector<uint64_t> memory(bytes / sizeof(uint64_t) + 1);
  rotary_prepared* prepared = nullptr;
  CheckStack(kCallBytes, [&] {
    return rotary_prepare(&args, memory.data(), bytes, &prepared, nullptr);
  });
  // The second slice of two begins within a token.
  for (const int64_t slices : {1, 2}) {
    CheckStack(limit, [&] {
      return rotary_prepared_run(prepared, slices - 1, slices, nullptr);
    });
  }
}

// Of one tensor, for each target and source.
void CheckFormats(const StackSources& sources, int64_t head_dim,
                  const std::vector<Formats>& all, bool in_place) {
  CAPTURE(head_dim);
  CAPTURE(in_place);
  StackMemory memory(head_dim, 1);
  for (const Formats& formats : all) {
    const std::string name = Describe(formats);
    CAPTURE(name);
    const bool tiled = in_place && !formats.same_pairing();
    const std::vector<rotary_tensor> tensors = {
        memory.Tensor(formats, in_place)};
    ForEachTarget([&](const char* target) {
      for (const StackSource& source : sources.list()) {
        CAPTURE(source.name);
        CheckApply(kCallBytes + (tiled ? kTileBytes : 0),
                   MakeArgs(source, target, tensors));
      }
    });
  }
}

const std::vector<Formats> kChanges = {
    {ROTARY_F32, ROTARY_F32, ROTARY_HALF, ROTARY_INTERLEAVED},
    {ROTARY_F16, ROTARY_BF16, ROTARY_INTERLEAVED, ROTARY_HALF},
    {ROTARY_BF16, ROTARY_F16, ROTARY_HALF, ROTARY_HALF}};
const Formats kNarrowing = {ROTARY_F32, ROTARY_BF16, ROTARY_HALF, ROTARY_HALF};

TEST_CASE("stack: every dtype and pairing") {
  // A whole number of vectors, and not.
  for (const int64_t rotary_dim : {64, 90}) {
    StackSources sources(rotary_dim);
    sources.AddOwn();
    CheckFormats(sources, rotary_dim + 6, AllFormats(), false);
    CheckFormats(sources, rotary_dim + 6, InPlaceFormats(), true);
  }
}

TEST_CASE("stack: every source of cos and sin, narrow and wide heads") {
  // Of the widest, an embedding would take half a gigabyte.  Up to 4096 the
  // pairing may be changed in place.
  const std::vector<int64_t> all = {64, 2048, 4096, 8192, 65536};
  for (const int64_t rotary_dim :
       Effort<std::vector<int64_t>>({64, 4096, 65536}, all)) {
    StackSources sources(rotary_dim);
    if (rotary_dim <= 8192) sources.AddOwn();
    if (rotary_dim <= 4096) sources.AddOther();
    if (rotary_dim != 8192) sources.AddCosSin();
    CheckFormats(sources, rotary_dim, {kChanges[1]}, false);
    if (rotary_dim > 4096) continue;
    CheckFormats(sources, rotary_dim, {kNarrowing}, false);
    CheckFormats(sources, rotary_dim, kChanges, true);
  }
}

TEST_CASE("stack: many tensors, and prepared ones") {
  for (const int64_t rotary_dim : {64, 4096}) {
    StackSources sources(rotary_dim);
    sources.AddOwn();
    for (const int64_t count : {1, 8, 9, 40}) {
      CAPTURE(count);
      StackMemory memory(rotary_dim, count);
      std::vector<rotary_tensor> tensors;
      for (int64_t i = 0; i < count; ++i) {
        const size_t change = static_cast<size_t>(i) % kChanges.size();
        tensors.push_back(memory.Tensor(kChanges[change], true, i));
      }
      ForEachTarget([&](const char* target) {
        for (const StackSource& source : sources.list()) {
          CAPTURE(source.name);
          const rotary_apply_args args = MakeArgs(source, target, tensors);
          CheckApply(kCallBytes + kTileBytes, args);
          CheckPrepared(kCallBytes + kTileBytes, args);
        }
      });
    }
  }
}

// So large that it is fetched ahead by software, where that pays.
TEST_CASE("stack: a call on more than the caches hold") {
  constexpr int64_t kLargeTokens = 4096;
  std::vector<float> q(kLargeTokens * 32 * 72);
  StackSources sources(64);
  sources.AddOwn();
  const rotary_rows* const rows = sources.list()[2].rows;
  rotary_tensor tensor;
  rotary_tensor_init(&tensor, sizeof(tensor));
  tensor.heads = 32;
  tensor.head_dim = 72;
  tensor.input = q.data();
  tensor.input_pairing = ROTARY_HALF;
  const std::vector<rotary_tensor> tensors = {tensor};
  rotary_apply_args args = MakeApplyArgs(1, kLargeTokens, tensors);
  args.rows = rows;
  args.row_token_stride = 0;
  args.num_threads = 1;
  ForEachTarget([&](const char* target) {
    args.target = target;
    CheckStack(kCallBytes, [&] { return rotary_apply(&args, nullptr); });
  });
}

TEST_CASE("stack: the flat call") {
  const Embedding embedding = MakeEmbedding(64);
  const std::vector<int32_t> ids = {5, 6, 7};
  std::vector<float> q(3 * 4 * 64), k(3 * 2 * 64);
  for (const rotary_pairing pairing : {ROTARY_HALF, ROTARY_INTERLEAVED}) {
    CheckStack(kCallBytes, [&] {
      return rotary_apply_qk(embedding.get(), ids.data(), ROTARY_I32, 3,
                             ROTARY_F32, pairing, 64, q.data(), 4, ROTARY_DENSE,
                             ROTARY_DENSE, k.data(), 2, ROTARY_DENSE,
                             ROTARY_DENSE, 1, nullptr);
    });
  }
}

TEST_CASE("stack: rows are set by every kind of embedding") {
  for (const int64_t rotary_dim : {64, 90, 4096, 8192}) {
    CAPTURE(rotary_dim);
    StackSources sources(rotary_dim);
    sources.AddOwn();
    if (rotary_dim <= 4096) sources.AddOther();
    for (const StackSource& source : sources.list()) {
      if (source.embedding == nullptr) continue;
      CAPTURE(source.name);
      rotary_rows* rows = nullptr;
      rotary_error error;
      RequireOk(rotary_rows_create(
                    source.embedding,
                    kStackTokens * rotary_embedding_heads(source.embedding),
                    &rows, &error),
                error);
      const Rows owner(rows);
      rotary_rows_args args =
          MakeRowsArgs(source.embedding, source.positions, kStackTokens);
      args.num_threads = 1;
      ForEachTarget([&](const char* target) {
        args.target = target;
        CheckStack(kCallBytes,
                   [&] { return rotary_rows_set(rows, &args, nullptr); });
      });
    }
  }
}

TEST_CASE("stack: rows are read and exported") {
  for (const int64_t rotary_dim : {64, 90, 8192}) {
    const Embedding embedding = MakeEmbedding(rotary_dim);
    const Rows rows = MakeRows(embedding.get(), {7, 1 << 20, -3, 70000, 0, 5});
    const size_t elements = 6 * static_cast<size_t>(rotary_dim);
    std::vector<float> cos(elements), sin(elements);
    CheckStack(kCallBytes, [&] {
      return rotary_rows_read(rows.get(), 0, 6, cos.data(), sin.data(),
                              ROTARY_DENSE, nullptr);
    });
    for (const rotary_dtype dtype : Dtypes()) {
      for (const rotary_width width :
           {ROTARY_WIDTH_PAIRS, ROTARY_WIDTH_HALVES, ROTARY_WIDTH_NEIGHBORS}) {
        CheckStack(kCallBytes, [&] {
          return rotary_rows_export(rows.get(), 0, 6, dtype, width, cos.data(),
                                    sin.data(), ROTARY_DENSE, ROTARY_DENSE,
                                    nullptr);
        });
      }
    }
  }
}

TEST_CASE("stack: weights are converted") {
  constexpr int64_t kDim = 64, kColumns = 5000;
  std::vector<float> weights(kDim * kColumns), output(weights.size());
  for (float* const to : {output.data(), static_cast<float*>(nullptr)}) {
    CheckStack(kCallBytes, [&] {
      return rotary_permute_weights(
          weights.data(), to, sizeof(float), 1, kDim, 0, kDim, kColumns,
          ROTARY_DENSE, ROTARY_DENSE, ROTARY_HALF, ROTARY_INTERLEAVED, nullptr);
    });
  }
}

// The message is put together by the C library.
TEST_CASE("stack: calls that fail") {
  rotary_error error;
  StackSources sources(64);
  sources.AddOwn();
  sources.AddCosSin();
  StackMemory memory(64, 40);
  std::vector<rotary_tensor> tensors;
  for (int64_t i = 0; i < 40; ++i) {
    tensors.push_back(memory.Tensor(kChanges[0], true, i));
  }
  const auto fails = [&](const rotary_apply_args& args, rotary_status status) {
    CheckStack(
        kCallBytes, [&] { return rotary_apply(&args, &error); }, status);
    CHECK(error.message[0] != '\0');
  };
  rotary_apply_args args =
      MakeArgs(sources.list().front(), "no such target", tensors);
  fails(args, ROTARY_ERROR_TARGET);
  args.target = nullptr;
  tensors[39].output = tensors[38].output;
  tensors[39].input = tensors[38].input;
  fails(args, ROTARY_ERROR_OVERLAP);
  tensors[39].head_dim = 62;
  fails(args, ROTARY_ERROR_ARGUMENT);
  tensors.pop_back();
  args = MakeArgs(sources.list().front(), nullptr, tensors);
  const std::vector<int64_t> far = {0, 1, 2, 3, 4, int64_t{1} << 40};
  const rotary_positions positions = MakePositions(far);
  args.positions = &positions;
  fails(args, ROTARY_ERROR_POSITION);
  args = MakeArgs(sources.list().back(), nullptr, tensors);
  std::vector<float> values(64);
  values[63] = 1;
  rotary_cos_sin unequal;
  rotary_cos_sin_init(&unequal, sizeof(unequal));
  unequal.cos = unequal.sin = values.data();
  unequal.rotary_dim = 64;
  unequal.rows = kStackTokens;
  unequal.row_stride = 0;
  unequal.width = ROTARY_WIDTH_HALVES;
  args.cos_sin = &unequal;
  fails(args, ROTARY_ERROR_ARGUMENT);

  rotary_embedding_config config;
  rotary_embedding_config_init(&config, sizeof(config));
  config.rotary_dim = 64;
  config.base = -1e300;
  rotary_embedding* embedding = nullptr;
  CheckStack(
      kCallBytes,
      [&] { return rotary_embedding_create(&config, &embedding, &error); },
      ROTARY_ERROR_ARGUMENT);
}

}  // namespace
}  // namespace rotary_test
