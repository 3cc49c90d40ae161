// Fingerprints of other rotations are others; and they stay what they are from
// version to version.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "tests/config/valid_call.h"
#include "tests/rows/row_check.h"
#include "tests/support/random.h"

namespace rotary_test {
namespace {

// A config with what it points to, to be changed.
struct Model {
  Model() : config(MakeConfig(10)) {
    rotary_axes_init(&axes, sizeof(axes));
    config.inv_freq = inv_freq.data();
  }
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;
  ~Model() = default;

  uint64_t Fingerprint() const {
    const Embedding embedding = Create(config);
    return rotary_embedding_fingerprint(embedding.get());
  }

  std::vector<double> inv_freq = {1, 0.5, -0.25, 0.125, 0, 0.75,
                                  3, 4,   5,     6,     7, 8};
  rotary_axes axes;
  rotary_embedding_config config;
};

using Change = std::function<void(Model*)>;

// Each change alone gives another fingerprint than none and than the others,
// and rotary_embedding_config_equal says so.
void CheckAllDiffer(const Change& base, const std::vector<Change>& changes) {
  Model plain;
  base(&plain);
  std::vector<uint64_t> seen = {plain.Fingerprint()};
  for (size_t i = 0; i < changes.size(); ++i) {
    CAPTURE(i);
    Model changed;
    base(&changed);
    changes[i](&changed);
    seen.push_back(changed.Fingerprint());
    int32_t equal = -1;
    CHECK(rotary_embedding_config_equal(&plain.config, &changed.config, &equal,
                                        nullptr) == ROTARY_OK);
    CHECK(equal == 0);
    CHECK(rotary_embedding_config_equal(&changed.config, &changed.config,
                                        &equal, nullptr) == ROTARY_OK);
    CHECK(equal == 1);
  }
  std::sort(seen.begin(), seen.end());
  CHECK(std::adjacent_find(seen.begin(), seen.end()) == seen.end());
}

std::vector<Change> EachInvFreq(size_t count) {
  std::vector<Change> changes;
  for (size_t i = 0; i < count; ++i) {
    changes.push_back([i](Model* m) {
      m->inv_freq[i] = std::nextafter(m->inv_freq[i], 100.0);
    });
    changes.push_back([i](Model* m) { m->inv_freq[i] += 0.1; });
  }
  return changes;
}

TEST_CASE("fingerprint: one number of an exact model") {
  std::vector<Change> changes = EachInvFreq(5);
  changes.push_back([](Model* m) { m->config.gain = 1 + 0x1p-52; });
  changes.push_back([](Model* m) { m->config.rotary_dim = 8; });
  changes.push_back([](Model* m) { m->config.rotary_dim = 12; });
  changes.push_back(
      [](Model* m) { std::swap(m->inv_freq[0], m->inv_freq[1]); });
  changes.push_back([](Model* m) { m->inv_freq[2] = -m->inv_freq[2]; });
  changes.push_back([](Model* m) { m->config.xpos = ROTARY_XPOS_QUERY; });
  changes.push_back([](Model* m) { m->config.xpos = ROTARY_XPOS_KEY; });
  changes.push_back(
      [](Model* m) { m->config.arithmetic = ROTARY_COMPATIBLE_HF; });
  changes.push_back([](Model* m) {
    m->config.rotary_dim = 2;
    m->config.heads = 5;
  });
  changes.push_back([](Model* m) {
    m->config.heads = 2;  // of 5 pairs each, with numbers of their own
  });
  CheckAllDiffer([](Model*) {}, changes);
}

TEST_CASE("fingerprint: one number of xPos") {
  std::vector<Change> changes = EachInvFreq(5);
  changes.push_back([](Model* m) { m->config.xpos = ROTARY_XPOS_KEY; });
  changes.push_back([](Model* m) { m->config.xpos = ROTARY_XPOS_NONE; });
  changes.push_back([](Model* m) { m->config.gain = 1.5; });
  changes.push_back([](Model* m) {
    m->config.xpos_scale_base = std::nextafter(512.0, 600.0);
  });
  changes.push_back([](Model* m) { m->config.xpos_center = 0x1p-30; });
  changes.push_back([](Model* m) { m->config.xpos_center = -1; });
  CheckAllDiffer([](Model* m) { m->config.xpos = ROTARY_XPOS_QUERY; }, changes);
}

TEST_CASE("fingerprint: one number of HF's arithmetic") {
  std::vector<Change> changes;
  for (size_t i = 0; i < 5; ++i) {
    changes.push_back([i](Model* m) {
      m->inv_freq[i] = static_cast<double>(
          std::nextafter(static_cast<float>(m->inv_freq[i]), 100.0f));
    });
  }
  changes.push_back([](Model* m) { m->config.row_dtype = ROTARY_F16; });
  changes.push_back([](Model* m) { m->config.row_dtype = ROTARY_BF16; });
  changes.push_back([](Model* m) { m->config.gain = 1 + 0x1p-23; });
  changes.push_back([](Model* m) { m->config.arithmetic = ROTARY_EXACT; });
  CheckAllDiffer([](Model* m) { m->config.arithmetic = ROTARY_COMPATIBLE_HF; },
                 changes);
}

TEST_CASE("fingerprint: axes") {
  const auto several = [](Model* m) {
    m->config.axes = &m->axes;
    m->axes.num_axes = 2;
    m->axes.layout = ROTARY_AXES_SECTIONS;
    m->axes.sections[0] = 2;
    m->axes.sections[1] = 3;
  };
  std::vector<Change> changes = EachInvFreq(5);
  changes.push_back([](Model* m) { m->config.axes = nullptr; });
  changes.push_back([](Model* m) {
    m->axes.sections[0] = 1;
    m->axes.sections[1] = 4;
  });
  changes.push_back([](Model* m) { m->axes.layout = ROTARY_AXES_INTERLEAVED; });
  changes.push_back([](Model* m) { m->axes.num_axes = 3; });
  changes.push_back([](Model* m) { m->axes.layout = ROTARY_AXES_GIVEN; });
  CheckAllDiffer(several, changes);
}

TEST_CASE("fingerprints are no other in another version") {
  // Of given numbers alone, which no library of mathematics makes.
  const auto pinned = [](const Change& change, uint64_t expected) {
    Model model;
    change(&model);
    CHECK(model.Fingerprint() == expected);
  };
  pinned([](Model*) {}, 0x3bddfa7fa0ffbc1eu);
  pinned([](Model* m) { m->config.gain = 1.5; }, 0x1ea1cc8317df5f3bu);
  pinned([](Model* m) { m->config.heads = 2; }, 0x73ef8519598ce1bcu);
  pinned(
      [](Model* m) {
        m->config.xpos = ROTARY_XPOS_KEY;
        m->config.xpos_center = 2.5;
      },
      0x1609955cc9fc4ae4u);
  pinned(
      [](Model* m) {
        m->config.arithmetic = ROTARY_COMPATIBLE_HF;
        m->config.row_dtype = ROTARY_BF16;
        m->config.gain = 1.1;
      },
      0x4b0e597fb3c61ce4u);
  pinned(
      [](Model* m) {
        m->config.axes = &m->axes;
        m->axes.num_axes = 2;
      },
      0x06d9ada61aa924c0u);
  pinned(
      [](Model* m) {
        m->config.axes = &m->axes;
        m->axes.num_axes = 3;
        m->axes.layout = ROTARY_AXES_SECTIONS_GGML;
        m->axes.sections[0] = m->axes.sections[2] = 1;
      },
      0x4d37f11f363f32d7u);
  // The step is 1/4, which pow makes exactly.
  pinned(
      [](Model* m) {
        m->config.rotary_dim = 8;
        m->config.inv_freq = nullptr;
        m->config.base = 256;
        m->config.arithmetic = ROTARY_COMPATIBLE_GGML;
      },
      0xa6b388ca3b7bac73u);
}

TEST_CASE("fingerprints of random models are all different") {
  Random random(2024);
  std::vector<uint64_t> seen;
  for (int i = 0; i < 10000; ++i) {
    // Without tables, which take long to make; with few bits, which a weak hash
    // would mix badly.
    const auto pairs = static_cast<size_t>(random.Integer(1, 4));
    std::vector<double> inv_freq(pairs);
    for (double& value : inv_freq) {
      value = static_cast<double>(random.Integer(1, 4096)) * 0x1p-12;
    }
    inv_freq[0] += i * 0x1p-30;  // no two models are the same
    rotary_embedding_config config =
        MakeConfig(2 * static_cast<int64_t>(pairs));
    config.inv_freq = inv_freq.data();
    config.xpos = ROTARY_XPOS_QUERY;
    const Embedding embedding = Create(config);
    seen.push_back(rotary_embedding_fingerprint(embedding.get()));
  }
  std::sort(seen.begin(), seen.end());
  CHECK(std::adjacent_find(seen.begin(), seen.end()) == seen.end());
  // Each bit is set in half of them; 6 standard deviations are 300.
  for (int bit = 0; bit < 64; ++bit) {
    const auto set = std::count_if(
        seen.begin(), seen.end(),
        [&](uint64_t value) { return ((value >> bit) & 1) != 0; });
    CHECK(std::abs(static_cast<double>(set) - 5000) <= 300);
  }
}

TEST_CASE("NULL has a fingerprint of 0") {
  CHECK(rotary_embedding_fingerprint(nullptr) == 0);
}

TEST_CASE("rotary_embedding_config_equal reports the errors of either config") {
  const Model model;
  rotary_embedding_config wrong = model.config;
  wrong.rotary_dim = 3;
  rotary_embedding_config infinite = model.config;
  const std::vector<double> inv_freq(5,
                                     std::numeric_limits<double>::infinity());
  infinite.inv_freq = inv_freq.data();
  rotary_embedding_config steep = MakeConfig(1000);
  steep.base = 1e-307;
  int32_t equal = 77;
  const auto refused = [&](const rotary_embedding_config* a,
                           const rotary_embedding_config* b,
                           const Wrong& expected) {
    Wrong named = expected;
    named.argument = "b" + expected.argument;
    CheckRefused(
        [&](rotary_error* error) {
          return rotary_embedding_config_equal(a, b, &equal, error);
        },
        named);
    named.argument = "a" + expected.argument;
    CheckRefused(
        [&](rotary_error* error) {
          return rotary_embedding_config_equal(b, a, &equal, error);
        },
        named);
    CHECK(equal == 77);
  };
  refused(&model.config, &wrong, {".rotary_dim", 3});
  refused(&model.config, &infinite, {".inv_freq[0]"});
  refused(&model.config, &steep, {".base"});
  refused(&model.config, nullptr, {""});
  rotary_embedding_config sized = model.config;
  sized.struct_size = 3;
  Wrong size = {".struct_size", 3};
  size.status = ROTARY_ERROR_STRUCT_SIZE;
  refused(&model.config, &sized, size);
  CheckRefused(
      [&](rotary_error* error) {
        return rotary_embedding_config_equal(&model.config, &model.config,
                                             nullptr, error);
      },
      {"equal"});
}

}  // namespace
}  // namespace rotary_test
