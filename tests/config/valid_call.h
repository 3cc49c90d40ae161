// A valid apply call to be spoiled, and the check that a spoiled call is
// refused in the right words and writes nothing.  Used by the tests of config.
#ifndef TESTS_CONFIG_VALID_CALL_H_
#define TESTS_CONFIG_VALID_CALL_H_

#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/objects.h"

namespace rotary_test {

constexpr int64_t kMin64 = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax64 = std::numeric_limits<int64_t>::max();

// Two tensors of [2][3] tokens: the first out of place, its heads rotated from
// element 2 on; the second in place.
struct ValidCall {
  static constexpr int64_t kBatch = 2;
  static constexpr int64_t kTokens = 3;
  static constexpr int64_t kRotaryDim = 8;
  static constexpr int64_t kCosSinRows = 64;

  ValidCall();
  ValidCall(const ValidCall&) = delete;
  ValidCall& operator=(const ValidCall&) = delete;
  ~ValidCall() = default;

  // By rows instead of by the embedding and positions.
  void UseRows();

  // By cos_sin, with the positions or without.  Its rows hold one value each:
  // they are valid in every width.
  void UseCosSin(bool by_position, rotary_width width = ROTARY_WIDTH_PAIRS);

  // To set its rows by its embedding and positions.
  rotary_rows_args RowsArgs() const;

  // All memory that a call could write to or read from.
  std::vector<unsigned char> Memory() const;

  Embedding embedding;
  Rows rows;
  std::vector<int64_t> ids;
  std::vector<float> first_input;
  std::vector<float> first_output;
  std::vector<float> second;
  std::vector<float> cos;  // [kCosSinRows][kRotaryDim] and a few rows more
  std::vector<float> sin;
  rotary_cos_sin cos_sin;
  rotary_positions positions;
  rotary_tensor tensors[2];
  rotary_apply_args args;
};

// What a rotary_error must say.  The value is not compared if it is not given.
struct Wrong {
  std::string argument;
  std::optional<int64_t> value = std::nullopt;
  rotary_status status = ROTARY_ERROR_ARGUMENT;
  int32_t tensor = -1;
  int64_t token = -1;
  std::optional<double> real_value = std::nullopt;
};

using FallibleCall = std::function<rotary_status(rotary_error*)>;

// The call must fail as expected, with and without a rotary_error.
void CheckRefused(const FallibleCall& call, const Wrong& expected);

// The same for rotary_apply and rotary_prepare, and neither may write.
void CheckApplyRefused(const ValidCall& call, const Wrong& expected);
void CheckApplyAccepted(const ValidCall& call);

// The same for rotary_rows_set of the call's rows.
void CheckSetRefused(const ValidCall& call, const rotary_rows_args& args,
                     const Wrong& expected);

// A way to spoil a valid call and what is to be said about it.
struct Spoiled {
  std::function<void(ValidCall*)> spoil;
  Wrong expected;
};
void CheckAllRefused(const std::vector<Spoiled>& cases, bool by_rows = false);

}  // namespace rotary_test

#endif  // TESTS_CONFIG_VALID_CALL_H_
