#include "tests/import/expected_rotation.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "tests/support/objects.h"

namespace rotary_test {
namespace {

const double kPi = std::acos(-1.0);

// Where a pair's angle comes from: an axis, and a frequency by its number among
// those of `dim` elements.
struct PairSource {
  int64_t axis;
  int64_t number;
  int64_t dim;
};

int64_t SectionOf(const std::vector<int64_t>& sections, int64_t pair) {
  int64_t axis = 0;
  for (int64_t end = sections[0]; pair >= end;) {
    end += sections[static_cast<size_t>(++axis)];
  }
  return axis;
}

PairSource SourceOfPair(const ExpectedRotation& e, int64_t pair) {
  const int64_t d = e.rotary_dim;
  const auto section = [&e](int64_t axis) {
    return e.sections[static_cast<size_t>(axis)];
  };
  int64_t all = 0;
  for (const int64_t pairs : e.sections) all += pairs;
  if (e.layout == "sections" || e.layout == "sections_ggml") {
    return {SectionOf(e.sections, pair % all), pair, d};
  }
  if (e.layout == "interleaved") {
    const int64_t third = pair % 3;
    return {third > 0 && pair < 3 * section(third) ? third : 0, pair, d};
  }
  if (e.layout == "interleaved_ggml") {
    const int64_t sector = pair % all;
    const int64_t third = sector % 3;
    return {sector < 3 * section(third) ? third : 3, pair, d};
  }
  if (e.layout == "blocks") {
    const int64_t axis = SectionOf(e.sections, pair);
    return {axis, pair - axis * section(0), 2 * section(axis)};
  }
  if (e.layout == "strided") {
    const int64_t axis = pair / (d / 4);
    return {axis, 2 * (pair % (d / 4)) + axis, d};
  }
  return {0, pair, d};
}

double Power(double base, int64_t number, int64_t dim) {
  return std::pow(
      base, -2.0 * static_cast<double>(number) / static_cast<double>(dim));
}

// The base raised so that the last pair is interpolated by s.
double NtkBase(const ExpectedRotation& e, double s) {
  const auto d = static_cast<double>(e.rotary_dim);
  return e.base * std::pow(s, d / (d - 2.0));
}

// The pair that makes so many turns in the original length.
double PairOfTurns(const ExpectedRotation& e, double turns) {
  return static_cast<double>(e.rotary_dim) *
         std::log(e.original / (2.0 * kPi * turns)) / (2.0 * std::log(e.base));
}

double YarnFrequency(const ExpectedRotation& e, int64_t number, double kept) {
  double low = PairOfTurns(e, e.fast);
  double high = PairOfTurns(e, e.slow);
  if (e.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, static_cast<double>(e.rotary_dim - 1));
  if (low == high) high += 0.001;
  const double ramp =
      std::clamp((static_cast<double>(number) - low) / (high - low), 0.0, 1.0);
  return kept * (1.0 - ramp) + kept / e.factor * ramp;
}

double Llama3Frequency(const ExpectedRotation& e, double kept) {
  const double wavelength = 2.0 * kPi / kept;
  if (wavelength < e.original / e.high) return kept;
  if (wavelength > e.original / e.low) return kept / e.factor;
  const double m = (e.original / wavelength - e.low) / (e.high - e.low);
  return (1.0 - m) * kept / e.factor + m * kept;
}

double Frequency(const ExpectedRotation& e, int64_t number, int64_t dim) {
  const double kept = Power(e.base, number, dim);
  if (e.kind == "linear") return kept / e.factor;
  if (e.kind == "ntk") return Power(NtkBase(e, e.factor), number, dim);
  if (e.kind == "dynamic") {
    const double s = e.factor * std::max(e.length, e.original) / e.original -
                     (e.factor - 1.0);
    return Power(NtkBase(e, s), number, dim);
  }
  if (e.kind == "yarn") return YarnFrequency(e, number, kept);
  if (e.kind == "llama3") return Llama3Frequency(e, kept);
  if (e.kind == "proportional") {
    const double rotated = std::floor(e.share * static_cast<double>(dim) / 2.0);
    return static_cast<double>(number) < rotated ? kept / e.factor : 0.0;
  }
  return kept;
}

bool Near(double truth, double value) {
  return std::fabs(value - truth) <= 1e-12 * std::fabs(truth);
}

}  // namespace

double YarnScale(double factor, double mscale) {
  return factor <= 1.0 ? 1.0 : 0.1 * mscale * std::log(factor) + 1.0;
}

std::vector<double> ExpectedFrequencies(const ExpectedRotation& expected) {
  const int64_t pairs = expected.rotary_dim / 2;
  const size_t axes = std::max<size_t>(expected.sections.size(), 1);
  std::vector<double> all(axes * static_cast<size_t>(pairs), 0.0);
  for (int64_t pair = 0; pair < pairs; ++pair) {
    const PairSource source = SourceOfPair(expected, pair);
    double frequency = Frequency(expected, source.number, source.dim);
    if (!expected.divisors.empty()) {
      frequency /= expected.divisors.at(static_cast<size_t>(pair));
    }
    all[static_cast<size_t>(source.axis * pairs + pair)] = frequency;
  }
  return all;
}

double ExpectedGain(const ExpectedRotation& e) {
  double attention = 1.0;
  if (e.kind == "yarn") {
    attention = e.mscale != 0.0 && e.mscale_all_dim != 0.0
                    ? YarnScale(e.factor, e.mscale) /
                          YarnScale(e.factor, e.mscale_all_dim)
                    : YarnScale(e.factor, 1.0);
  } else if (e.kind == "longrope" && e.factor > 1.0) {
    attention = std::sqrt(1.0 + std::log(e.factor) / std::log(e.original));
  }
  if (e.attention != 0.0) attention = e.attention;
  return attention * e.gain;
}

void CheckRotation(const rotary_rotation& rotation,
                   const ExpectedRotation& expected) {
  CHECK(rotation.name == expected.name);
  CHECK(rotation.pairing ==
        (expected.pairing == "half" ? ROTARY_HALF : ROTARY_INTERLEAVED));
  CHECK(rotation.head_dim == expected.head_dim);
  CHECK(rotation.rotary_offset == expected.offset);
  CHECK(Near(expected.softmax, rotation.softmax_multiplier));
  CHECK(rotation.reserved == 0);
  REQUIRE(rotation.config.rotary_dim == expected.rotary_dim);
  CHECK(rotation.config.base == expected.base);

  const Embedding embedding = EmbeddingOf(rotation.config);
  const std::vector<double> truth = ExpectedFrequencies(expected);
  std::vector<double> inv_freq(truth.size());
  rotary_error error = {};
  RequireOk(
      rotary_embedding_inv_freq(embedding.get(), inv_freq.data(),
                                static_cast<int64_t>(truth.size()), &error),
      error);
  const auto wrong = std::mismatch(truth.begin(), truth.end(), inv_freq.begin(),
                                   inv_freq.end(), Near);
  const auto at = wrong.first - truth.begin();
  CAPTURE(at);
  CHECK(wrong.first == truth.end());
  const double gain = rotary_embedding_gain(embedding.get());
  CAPTURE(gain);
  CHECK(Near(ExpectedGain(expected), gain));
}

}  // namespace rotary_test
