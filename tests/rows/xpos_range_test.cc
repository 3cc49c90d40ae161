// The positions that xPos may have: those whose gains, and the inverses of
// them, are normal numbers of f32.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "tests/config/valid_call.h"
#include "tests/rows/row_check.h"

namespace rotary_test {
namespace {

// Its rows are cos = the gain, sin = 0.
Embedding Unturned(rotary_xpos role, double scale_base, double center,
                   double gain) {
  const std::vector<double> inv_freq(8, 0.0);
  rotary_embedding_config config = MakeConfig(16);
  config.inv_freq = inv_freq.data();
  config.gain = gain;
  config.xpos = role;
  config.xpos_scale_base = scale_base;
  config.xpos_center = center;
  return Create(config);
}

// How far from the center the first pair's (0.4 / 1.4)^((p - center) /
// scale_base), times the gain or divided by it, is within 2^-126 to 2^126.
double Reach(double scale_base, double gain) {
  return (126 - std::fabs(std::log2(gain))) / std::log2(3.5) * scale_base;
}

template <typename T>
void CheckLast(const Embedding& embedding, T last, T beyond) {
  const std::vector<T> legal = {0, last};
  const std::vector<T> illegal = {last, last, beyond};
  const bool real = static_cast<T>(0.5) != 0;
  for (const rotary_mode mode : {ROTARY_FORWARD, ROTARY_INVERSE}) {
    const RowValues rows =
        RowsOf(embedding.get(), PositionsOf(legal), 2, {mode, 0});
    for (size_t i = 0; i < rows.cos.size(); ++i) {
      CHECK(std::isnormal(rows.cos[i]));
      CHECK(rows.sin[i] == 0);
    }
    rotary_rows* made = nullptr;
    REQUIRE(rotary_rows_create(embedding.get(), 3, &made, nullptr) ==
            ROTARY_OK);
    const Rows owner(made);
    const rotary_positions ids = PositionsOf(illegal);
    const rotary_rows_args args = MakeRowsArgs(embedding.get(), &ids, 3, mode);
    Wrong wrong = {"positions.data"};
    wrong.status = ROTARY_ERROR_POSITION;
    wrong.token = 2;
    if (real) {
      wrong.real_value = static_cast<double>(beyond);
    } else {
      wrong.value = static_cast<int64_t>(beyond);
    }
    CheckRefused(
        [&](rotary_error* error) {
          return rotary_rows_set(made, &args, error);
        },
        wrong);
    for (const float cos : ReadRows(made).cos) CHECK(cos == 1.0f);
  }
}

TEST_CASE("xPos: the last positions give normal numbers, the next are errors") {
  for (const rotary_xpos role : {ROTARY_XPOS_QUERY, ROTARY_XPOS_KEY}) {
    for (const double scale_base : {512.0, 3.7}) {
      for (const double center : {0.0, 100.25, -33.5}) {
        for (const double gain : {1.0, 0x1p100, 0x1.8p-90}) {
          CAPTURE(role);
          CAPTURE(scale_base);
          CAPTURE(center);
          CAPTURE(gain);
          const double reach = Reach(scale_base, gain);
          // 0 must be one of them.
          if (reach < std::fabs(center)) continue;
          const Embedding embedding = Unturned(role, scale_base, center, gain);
          const auto high = static_cast<int64_t>(std::floor(center + reach));
          const auto low = static_cast<int64_t>(std::ceil(center - reach));
          CheckLast<int64_t>(embedding, high, high + 1);
          CheckLast<int64_t>(embedding, low, low - 1);
          // The reach may be rounded otherwise here.
          const double least = reach * 0x1p-48;
          CheckLast<double>(embedding, center + reach - least,
                            center + reach + least);
          CheckLast<double>(embedding, center - reach + least,
                            center - reach - least);
        }
      }
    }
  }
}

TEST_CASE("xPos: with a large scale_base every position is one of them") {
  const Embedding embedding = Unturned(ROTARY_XPOS_QUERY, 1e9, 0, 1);
  CheckLast<int64_t>(embedding, (int64_t{1} << 31) - 1, int64_t{1} << 31);
  CheckLast<int64_t>(embedding, 1 - (int64_t{1} << 31), -(int64_t{1} << 31));
}

TEST_CASE("xPos: a gain at the limit leaves the center alone") {
  for (const double gain : {0x1p126, 0x1p-126}) {
    const Embedding embedding = Unturned(ROTARY_XPOS_KEY, 512, 0, gain);
    CheckLast<int64_t>(embedding, 0, 1);
    CheckLast<int64_t>(embedding, 0, -1);
  }
}

}  // namespace
}  // namespace rotary_test
