// What an embedding holds, and how large it is.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "tests/support/objects.h"

namespace rotary_test {
namespace {

void CheckDefaultInvFreq(int64_t rotary_dim, double base) {
  CAPTURE(rotary_dim);
  CAPTURE(base);
  const std::vector<double> inv_freq =
      InvFreq(MakeEmbedding(rotary_dim, base).get());
  REQUIRE(static_cast<int64_t>(inv_freq.size()) == rotary_dim / 2);
  CHECK(inv_freq[0] == 1.0);
  for (size_t i = 0; i < inv_freq.size(); ++i) {
    const long double exponent = -2.0L * static_cast<long double>(i) /
                                 static_cast<long double>(rotary_dim);
    const long double expected =
        std::pow(static_cast<long double>(base), exponent);
    const long double relative =
        std::fabs(static_cast<long double>(inv_freq[i]) / expected - 1);
    CAPTURE(i);
    CHECK(static_cast<double>(relative) <= 1e-15);
  }
}

TEST_CASE("inv_freq is base^(-2i/rotary_dim)") {
  for (const int64_t rotary_dim : {2, 4, 6, 62, 64, 80, 128, 256, 576}) {
    for (const double base : {10000.0, 500000.0, 1e6, 8e6, 2.0, 1.0, 0.5}) {
      CheckDefaultInvFreq(rotary_dim, base);
    }
  }
}

TEST_CASE("the two ways to make an embedding agree") {
  rotary_embedding* made = nullptr;
  rotary_error error;
  RequireOk(rotary_embedding_from_base(64, 500000, &made, &error), error);
  const Embedding flat(made);
  const Embedding configured = MakeEmbedding(64, 500000);
  CHECK(rotary_embedding_rotary_dim(flat.get()) == 64);
  CHECK(rotary_embedding_gain(flat.get()) == 1.0);
  CHECK(InvFreq(flat.get()) == InvFreq(configured.get()));
  const RowValues a = ReadRows(MakeRows(flat.get(), {-7, 123456789}).get());
  const RowValues b =
      ReadRows(MakeRows(configured.get(), {-7, 123456789}).get());
  CHECK(a.cos == b.cos);
  CHECK(a.sin == b.sin);
}

TEST_CASE("getters tell what the config said") {
  const Embedding embedding = MakeEmbedding(96, 10000, 1.25);
  CHECK(rotary_embedding_rotary_dim(embedding.get()) == 96);
  CHECK(rotary_embedding_gain(embedding.get()) == 1.25);
  CHECK(rotary_embedding_bytes(embedding.get()) > 0);

  CHECK(rotary_embedding_rotary_dim(nullptr) == 0);
  CHECK(rotary_embedding_gain(nullptr) == 0.0);
  CHECK(rotary_embedding_bytes(nullptr) == 0);
}

TEST_CASE("given inv_freq is copied") {
  std::vector<double> f64 = {1.0, 0.0, -0.25, 1e-300, 3.5e5};
  const std::vector<double> f64_before = f64;
  std::vector<float> f32 = {0.1f, -0.0f, 1e-40f, 7.0f};
  const std::vector<double> f32_before(f32.begin(), f32.end());
  rotary_embedding_config config;
  rotary_embedding_config_init(&config, sizeof(config));
  config.base = -1;  // unused
  rotary_error error;
  rotary_embedding* made = nullptr;

  config.rotary_dim = 2 * static_cast<int64_t>(f64.size());
  config.inv_freq = f64.data();
  RequireOk(rotary_embedding_create(&config, &made, &error), error);
  const Embedding from_f64(made);
  config.rotary_dim = 2 * static_cast<int64_t>(f32.size());
  config.inv_freq = f32.data();
  config.inv_freq_dtype = ROTARY_F32;
  RequireOk(rotary_embedding_create(&config, &made, &error), error);
  const Embedding from_f32(made);

  f64.assign(f64.size(), 9);
  f32.assign(f32.size(), 9);
  CHECK(InvFreq(from_f64.get()) == f64_before);
  CHECK(InvFreq(from_f32.get()) == f32_before);
  // A pair of frequency 0 never turns.
  const RowValues rows = ReadRows(MakeRows(from_f64.get(), {2147483647}).get());
  CHECK(rows.cos[1] == 1.0f);
  CHECK(rows.sin[1] == 0.0f);
}

TEST_CASE("an embedding is as large as bytes_needed tells") {
  rotary_embedding_config config;
  rotary_embedding_config_init(&config, sizeof(config));
  size_t smaller = 0;
  for (const int64_t rotary_dim : {2, 4, 64, 128, 130, 576}) {
    CAPTURE(rotary_dim);
    config.rotary_dim = rotary_dim;
    size_t bytes = 0;
    rotary_error error;
    RequireOk(rotary_embedding_bytes_needed(&config, &bytes, &error), error);
    const Embedding embedding = MakeEmbedding(rotary_dim);
    CHECK(rotary_embedding_bytes(embedding.get()) == bytes);
    CHECK(bytes >= smaller);
    CHECK(bytes >= static_cast<size_t>(rotary_dim) / 2 * sizeof(double));
    if (rotary_dim == 128) CHECK(bytes <= 2000000);
    smaller = bytes;
  }
  // inv_freq is not read: this address cannot be.
  size_t bytes = 0;
  config.inv_freq = reinterpret_cast<const void*>(8);
  CHECK(rotary_embedding_bytes_needed(&config, &bytes, nullptr) == ROTARY_OK);
  CHECK(bytes == smaller);
}

TEST_CASE("destroying nothing is legal") {
  rotary_embedding_destroy(nullptr);
  rotary_rows_destroy(nullptr);
}

}  // namespace
}  // namespace rotary_test
