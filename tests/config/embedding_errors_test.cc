// What is wrong with the arguments of the functions about embeddings.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "tests/config/refused_config.h"
#include "tests/config/valid_call.h"

namespace rotary_test {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
const double kNan = std::nan("");

rotary_embedding_config ValidConfig() {
  rotary_embedding_config config;
  rotary_embedding_config_init(&config, sizeof(config));
  config.rotary_dim = 8;
  return config;
}

TEST_CASE("rotary_dim must be even, from 2 to 65536") {
  for (const int64_t value :
       {int64_t{0}, int64_t{1}, int64_t{3}, int64_t{127}, int64_t{65538},
        int64_t{-1}, int64_t{-2}, int64_t{-128}, kMin64, kMax64, kMax64 - 1}) {
    rotary_embedding_config config = ValidConfig();
    config.rotary_dim = value;
    CheckConfigRefused(config, {"rotary_dim", value});
    auto* const untouched = reinterpret_cast<rotary_embedding*>(8);
    rotary_embedding* embedding = untouched;
    CheckRefused(
        [&](rotary_error* error) {
          return rotary_embedding_from_base(value, 10000, &embedding, error);
        },
        {"rotary_dim", value});
    CHECK(embedding == untouched);
  }
}

TEST_CASE("base and gain must be positive and finite") {
  for (const double value :
       {0.0, -0.0, -1.0, -10000.0, kInfinity, -kInfinity, kNan}) {
    rotary_embedding_config config = ValidConfig();
    config.base = value;
    CheckConfigRefused(config, WrongReal("base", value));
    config = ValidConfig();
    config.gain = value;
    CheckConfigRefused(config, WrongReal("gain", value));
    auto* const untouched = reinterpret_cast<rotary_embedding*>(8);
    rotary_embedding* embedding = untouched;
    CheckRefused(
        [&](rotary_error* error) {
          return rotary_embedding_from_base(8, value, &embedding, error);
        },
        WrongReal("base", value));
    CHECK(embedding == untouched);
  }
}

TEST_CASE("rotary_dim and gain have limits") {
  rotary_embedding_config config = ValidConfig();
  size_t bytes = 0;
  config.rotary_dim = 65536;  // to make it would take long
  CHECK(rotary_embedding_bytes_needed(&config, &bytes, nullptr) == ROTARY_OK);
  for (const double gain : {0x1p-126, 0x1p126}) {
    config = ValidConfig();
    config.gain = gain;
    rotary_embedding* made = nullptr;
    rotary_error error;
    RequireOk(rotary_embedding_create(&config, &made, &error), error);
    const Embedding embedding(made);
    CHECK(rotary_embedding_gain(made) == gain);
    config.gain = std::nextafter(gain, gain < 1 ? 0 : kInfinity);
    CheckConfigRefused(config, WrongReal("gain", config.gain));
  }
}

template <typename T>
void CheckInvFreqRefused(rotary_dtype dtype) {
  for (const double value : {kInfinity, -kInfinity, kNan}) {
    for (const size_t place : {size_t{0}, size_t{2}, size_t{3}}) {
      std::vector<T> inv_freq = {1, 0, -0.25, 0.5};
      inv_freq[place] = static_cast<T>(value);
      rotary_embedding_config config = ValidConfig();
      config.inv_freq = inv_freq.data();
      config.inv_freq_dtype = dtype;
      CheckCreateRefused(
          config, WrongReal("inv_freq[" + std::to_string(place) + "]", value));
    }
  }
}

TEST_CASE("inv_freq must be finite") {
  CheckInvFreqRefused<double>(ROTARY_F64);
  CheckInvFreqRefused<float>(ROTARY_F32);
}

TEST_CASE("inv_freq has one of two types, and is aligned") {
  for (const int32_t value : {0, -1, 3, 15, +ROTARY_I32, +ROTARY_I64, 1 << 30,
                              INT32_MAX, INT32_MIN}) {
    rotary_embedding_config config = ValidConfig();
    config.inv_freq_dtype = value;
    CheckConfigRefused(config, {"inv_freq_dtype", value});
  }
  alignas(8) unsigned char memory[64] = {};
  rotary_embedding_config config = ValidConfig();
  config.inv_freq = memory + 4;
  CheckCreateRefused(config, {"inv_freq"});
  config.inv_freq_dtype = ROTARY_F32;
  config.inv_freq = memory + 2;
  CheckCreateRefused(config, {"inv_freq"});
}

TEST_CASE("reserved fields of a config must be 0") {
  for (const int32_t value : {1, -1, INT32_MIN}) {
    rotary_embedding_config config = ValidConfig();
    config.reserved = value;
    CheckConfigRefused(config, {"reserved", value});
  }
}

TEST_CASE("functions about embeddings refuse null pointers") {
  const rotary_embedding_config config = ValidConfig();
  rotary_embedding* made = nullptr;
  size_t bytes = 12345;
  CheckRefused(
      [&](rotary_error* error) {
        return rotary_embedding_create(nullptr, &made, error);
      },
      {"config"});
  CheckRefused(
      [&](rotary_error* error) {
        return rotary_embedding_create(&config, nullptr, error);
      },
      {"embedding"});
  CheckRefused(
      [&](rotary_error* error) {
        return rotary_embedding_from_base(8, 10000, nullptr, error);
      },
      {"embedding"});
  CheckRefused(
      [&](rotary_error* error) {
        return rotary_embedding_bytes_needed(nullptr, &bytes, error);
      },
      {"config"});
  CheckRefused(
      [&](rotary_error* error) {
        return rotary_embedding_bytes_needed(&config, nullptr, error);
      },
      {"bytes"});
  CHECK(made == nullptr);
  CHECK(bytes == 12345);
}

TEST_CASE("inv_freq is copied into memory of its size only") {
  const Embedding embedding = MakeEmbedding(8);
  std::vector<double> inv_freq(16, 7.0);
  const std::vector<double> before = inv_freq;
  for (const int64_t count : {int64_t{-1}, int64_t{0}, int64_t{3}, int64_t{5},
                              int64_t{8}, kMin64, kMax64}) {
    CheckRefused(
        [&](rotary_error* error) {
          return rotary_embedding_inv_freq(embedding.get(), inv_freq.data(),
                                           count, error);
        },
        {"count", count});
  }
  CheckRefused(
      [&](rotary_error* error) {
        return rotary_embedding_inv_freq(nullptr, inv_freq.data(), 4, error);
      },
      {"embedding"});
  CheckRefused(
      [&](rotary_error* error) {
        return rotary_embedding_inv_freq(embedding.get(), nullptr, 4, error);
      },
      {"inv_freq"});
  CHECK(inv_freq == before);
}

}  // namespace
}  // namespace rotary_test
