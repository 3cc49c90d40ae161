#include "tests/golden/golden_compatible.h"

#include <rotary/rotary.h>

#include <cmath>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace rotary_test {
namespace {

void Check(rotary_status status, const rotary_error& error) {
  if (status != ROTARY_OK) throw std::runtime_error(error.message);
}

// Values in their order as whole numbers: neighbors differ by 1.
int64_t Ordered(float value) {
  int32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits < 0 ? -static_cast<int64_t>(bits & INT32_MAX) : bits;
}

}  // namespace

void CompareRows(const GoldenCase& golden, const GoldenModel& model) {
  const nlohmann::json& files = golden.all().at("files");
  if (!files.contains("cos")) return;
  const int64_t tokens = model.tokens();
  const int64_t pairs = model.block_dim() / 2;
  const int64_t all_pairs = pairs * model.blocks();
  const auto direction =
      static_cast<float>(golden.params().value("direction", 1));
  const std::vector<int64_t> shape = {tokens, all_pairs};
  const std::vector<float> expected[] = {golden.ReadF32("cos", shape),
                                         golden.ReadF32("sin", shape)};
  std::vector<float> cos(static_cast<size_t>(tokens * all_pairs));
  std::vector<float> sin(cos.size());
  rotary_error error;
  rotary_rows* made = nullptr;
  Check(rotary_rows_create(model.embedding(), tokens, &made, &error), error);
  const std::unique_ptr<rotary_rows, decltype(&rotary_rows_destroy)> rows(
      made, rotary_rows_destroy);
  for (int64_t block = 0; block < model.blocks(); ++block) {
    const rotary_positions positions = model.Positions(block);
    rotary_rows_args args;
    rotary_rows_args_init(&args, sizeof(args));
    args.embedding = model.embedding();
    args.positions = &positions;
    args.tokens = tokens;
    args.log_n_length = model.log_n_length();
    Check(rotary_rows_set(rows.get(), &args, &error), error);
    Check(rotary_rows_read(rows.get(), 0, tokens, cos.data() + block * pairs,
                           sin.data() + block * pairs, all_pairs, &error),
          error);
  }
  const int64_t most = rotary_embedding_gain(model.embedding()) == 1 ? 1 : 2;
  for (size_t i = 0; i < cos.size(); ++i) {
    const int64_t differences[] = {
        Ordered(cos[i]) - Ordered(expected[0][i]),
        Ordered(sin[i] * direction) - Ordered(expected[1][i])};
    for (const int64_t difference : differences) {
      if (std::abs(difference) <= most) continue;
      throw std::runtime_error("in HF's arithmetic, element " +
                               std::to_string(i) + " of the rows differs by " +
                               std::to_string(difference) + " units");
    }
  }
}

}  // namespace rotary_test
