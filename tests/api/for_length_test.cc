// Embeddings for other lengths, and how large embeddings with scalings are.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "tests/config/valid_call.h"
#include "tests/frequencies/scaled_config.h"
#include "tests/support/objects.h"

namespace rotary_test {
namespace {

rotary_embedding* ForLength(rotary_embedding* embedding, double length) {
  rotary_embedding* other = nullptr;
  rotary_error error;
  RequireOk(rotary_embedding_for_length(embedding, length, &other, &error),
            error);
  REQUIRE(other != nullptr);
  return other;
}

// That `embedding` is what the config makes for `length`.
void CheckIsFor(const rotary_embedding* embedding, ScaledConfig* scaled,
                double length) {
  CAPTURE(length);
  scaled->scaling.length = length;
  const Embedding expected = scaled->Make();
  CHECK(InvFreq(embedding) == InvFreq(expected.get()));
  CHECK(rotary_embedding_gain(embedding) ==
        rotary_embedding_gain(expected.get()));
  CHECK(rotary_embedding_softmax_multiplier(embedding) ==
        rotary_embedding_softmax_multiplier(expected.get()));
  CHECK(rotary_embedding_bytes(embedding) ==
        rotary_embedding_bytes(expected.get()));
  CHECK(rotary_embedding_rotary_dim(embedding) == scaled->config.rotary_dim);
  const std::vector<int64_t> positions = {0, 7, -123456};
  const RowValues rows = ReadRows(MakeRows(embedding, positions).get());
  const RowValues same = ReadRows(MakeRows(expected.get(), positions).get());
  CHECK(rows.cos == same.cos);
  CHECK(rows.sin == same.sin);
}

void CheckLengths(rotary_scaling_kind kind, const std::vector<double>& same,
                  const std::vector<double>& longer) {
  CAPTURE(kind);
  ScaledConfig scaled(kind, 16);
  scaled.config.gain = 1.25;
  scaled.config.freq_dim = 20;
  scaled.factors = {1, 2, 0.5, 3, 1, 1.5, 7, 1};
  scaled.scaling.factors = scaled.factors.data();
  const Embedding trained = scaled.Make();
  for (const double length : same) {
    CHECK(ForLength(trained.get(), length) == trained.get());
  }
  for (const double length : longer) {
    const Embedding other(ForLength(trained.get(), length));
    REQUIRE(other.get() != trained.get());
    CheckIsFor(other.get(), &scaled, length);
    CHECK(ForLength(other.get(), length) == other.get());
    for (const double back : same) {
      const Embedding again(ForLength(other.get(), back));
      REQUIRE(again.get() != other.get());
      CheckIsFor(again.get(), &scaled, back);
      CHECK(InvFreq(again.get()) == InvFreq(trained.get()));
    }
  }
}

TEST_CASE("for_length: a new embedding where the length counts") {
  const std::vector<double> same = {0, 1, 4095.5, 4096};
  CheckLengths(ROTARY_SCALING_DYNAMIC_NTK, same, {4097, 8192, 1e6});
  CheckLengths(ROTARY_SCALING_LONGROPE, same, {4096.5, 4097, 8192, 1e6});
  CheckLengths(ROTARY_SCALING_RIFLEX, {0}, {1, 66, 1e6});
  // From one longer length to another.
  ScaledConfig dynamic(ROTARY_SCALING_DYNAMIC_NTK);
  dynamic.scaling.length = 8192;
  const Embedding embedding = dynamic.Make();
  const Embedding longer(ForLength(embedding.get(), 9000));
  CHECK(longer.get() != embedding.get());
  CheckIsFor(longer.get(), &dynamic, 9000);
  ScaledConfig lists(ROTARY_SCALING_LONGROPE);
  lists.scaling.length = 8192;
  const Embedding listed = lists.Make();
  CHECK(ForLength(listed.get(), 9000) == listed.get());
}

TEST_CASE("for_length: the same embedding where the length does not count") {
  for (rotary_scaling_kind kind = 0; kind <= kLastScaling; ++kind) {
    CAPTURE(kind);
    if (kind == ROTARY_SCALING_LONGROPE) continue;
    if (kind == ROTARY_SCALING_RIFLEX) continue;
    // NTK-aware scaling keeps the first of all pairs, here the only one.
    const int64_t rotary_dim = kind == ROTARY_SCALING_DYNAMIC_NTK ? 2 : 8;
    const Embedding embedding = ScaledConfig(kind, rotary_dim).Make();
    for (const double length : {0.0, 1.0, 4096.0, 5000.0, 1e300}) {
      CHECK(ForLength(embedding.get(), length) == embedding.get());
    }
  }
  const Embedding unscaled = MakeEmbedding(8);
  CHECK(ForLength(unscaled.get(), 5000) == unscaled.get());
  const Embedding given = MakeEmbedding(std::vector<double>{1, 0.5, -3});
  CHECK(ForLength(given.get(), 5000) == given.get());
}

template <typename T>
void CheckListsAreCopied(rotary_dtype dtype) {
  std::vector<T> factors = {1, 2, 4, 1};
  std::vector<T> short_factors = {1, 1, T(1.5), 2};
  std::vector<T> long_factors = {1, 3, 5, 7};
  ScaledConfig scaled(ROTARY_SCALING_LONGROPE, 8);
  scaled.scaling.factors_dtype = dtype;
  scaled.scaling.factors = factors.data();
  scaled.scaling.short_factors = short_factors.data();
  scaled.scaling.long_factors = long_factors.data();
  Embedding embedding = scaled.Make();
  for (std::vector<T>* list : {&factors, &short_factors, &long_factors}) {
    std::fill(list->begin(), list->end(), T(9));
    std::vector<T>().swap(*list);
  }
  scaled.scaling = rotary_scaling();
  Embedding is_long(ForLength(embedding.get(), 5000));
  embedding.reset();
  const Embedding is_short(ForLength(is_long.get(), 100));
  const std::vector<double> plain = InvFreq(MakeEmbedding(8).get());
  CHECK(InvFreq(is_long.get()) ==
        std::vector<double>{plain[0], plain[1] / 3 / 2, plain[2] / 5 / 4,
                            plain[3] / 7});
  is_long.reset();
  CHECK(InvFreq(is_short.get()) == std::vector<double>{plain[0], plain[1] / 2,
                                                       plain[2] / 1.5 / 4,
                                                       plain[3] / 2});
}

TEST_CASE("for_length needs neither the config nor the other embedding") {
  CheckListsAreCopied<double>(ROTARY_F64);
  CheckListsAreCopied<float>(ROTARY_F32);
}

TEST_CASE("for_length refuses what is no length, and null pointers") {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (rotary_scaling_kind kind = 0; kind <= kLastScaling; ++kind) {
    const Embedding embedding = ScaledConfig(kind, 8).Make();
    auto* const untouched = reinterpret_cast<rotary_embedding*>(8);
    rotary_embedding* other = untouched;
    for (const double length :
         {-1.0, -1e-300, kInfinity, -kInfinity, std::nan("")}) {
      Wrong wrong = {"length"};
      wrong.real_value = length;
      CheckRefused(
          [&](rotary_error* error) {
            return rotary_embedding_for_length(embedding.get(), length, &other,
                                               error);
          },
          wrong);
    }
    CheckRefused(
        [&](rotary_error* error) {
          return rotary_embedding_for_length(nullptr, 1, &other, error);
        },
        {"embedding"});
    for (const double length : {1.0, 5000.0}) {
      CheckRefused(
          [&](rotary_error* error) {
            return rotary_embedding_for_length(embedding.get(), length, nullptr,
                                               error);
          },
          {"other"});
    }
    CHECK(other == untouched);
  }
  // A length whose NTK-aware factor is beyond f64.
  ScaledConfig scaled(ROTARY_SCALING_DYNAMIC_NTK, 8);
  scaled.scaling.original_length = 1;
  const Embedding embedding = scaled.Make();
  auto* const untouched = reinterpret_cast<rotary_embedding*>(8);
  rotary_embedding* other = untouched;
  CheckRefused(
      [&](rotary_error* error) {
        return rotary_embedding_for_length(embedding.get(), 1e308, &other,
                                           error);
      },
      {"scaling"});
  CHECK(other == untouched);
}

size_t BytesNeeded(const ScaledConfig& scaled) {
  size_t bytes = 0;
  rotary_error error;
  RequireOk(rotary_embedding_bytes_needed(&scaled.config, &bytes, &error),
            error);
  return bytes;
}

TEST_CASE("an embedding with a scaling is as large as bytes_needed tells") {
  for (rotary_scaling_kind kind = 0; kind <= kLastScaling; ++kind) {
    for (const int64_t rotary_dim : {2, 6, 16, 130}) {
      CAPTURE(kind);
      CAPTURE(rotary_dim);
      ScaledConfig scaled(kind, rotary_dim);
      const size_t bytes = BytesNeeded(scaled);
      CHECK(rotary_embedding_bytes(scaled.Make().get()) == bytes);
      // No divisor is read: this address cannot be.
      const auto* const unreadable = reinterpret_cast<const void*>(8);
      rotary_scaling& scaling = scaled.scaling;
      scaling.factors = scaling.short_factors = scaling.long_factors =
          unreadable;
      const size_t with_factors = BytesNeeded(scaled);
      CHECK(with_factors >= bytes);
      scaled.factors.assign(static_cast<size_t>(rotary_dim) / 2, 2.0);
      scaling.factors = scaled.factors.data();
      if (kind == ROTARY_SCALING_LONGROPE) {
        scaling.short_factors = scaled.short_factors.data();
        scaling.long_factors = scaled.long_factors.data();
      }
      CHECK(rotary_embedding_bytes(scaled.Make().get()) == with_factors);
    }
  }
}

}  // namespace
}  // namespace rotary_test
