// What weights are converted for: the scores of queries and keys that converted
// weights make, rotated with the other pairing, are those of the original ones.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "tests/apply/weights_model.h"
#include "tests/support/objects.h"
#include "tests/support/random.h"
#include "tests/support/targets.h"

namespace rotary_test {
namespace {

constexpr int64_t kTokens = 7;
constexpr int64_t kColumns = 24;

// Of a projection.  Each part is converted on its own.
struct Projection {
  std::vector<double> weights;  // [heads * head_dim][kColumns]
  std::vector<double> bias;     // [heads * head_dim]
  std::vector<double> scale;    // [head_dim], of a norm: all heads share it
};

std::vector<double> RandomNumbers(int64_t count, Random* random) {
  std::vector<double> numbers;
  for (int64_t i = 0; i < count; ++i) {
    numbers.push_back(static_cast<double>(random->Float()));
  }
  return numbers;
}

Projection RandomProjection(const WeightsShape& shape, Random* random) {
  return {RandomNumbers(shape.rows() * kColumns, random),
          RandomNumbers(shape.rows(), random),
          RandomNumbers(shape.head_dim, random)};
}

Projection Converted(const WeightsShape& shape, Projection projection) {
  rotary_error error;
  const auto convert = [&](const WeightsShape& part, void* data) {
    RequireOk(
        PermuteWeights(part, data, ROTARY_DENSE, nullptr, ROTARY_DENSE, &error),
        error);
  };
  convert(shape, projection.weights.data());
  WeightsShape bias = shape;
  bias.columns = 1;
  convert(bias, projection.bias.data());
  WeightsShape scale = bias;
  scale.heads = 1;
  convert(scale, projection.scale.data());
  return projection;
}

// Queries or keys, [kTokens][heads][head_dim], of f32.  Which element a row
// makes does not change what it makes.
std::vector<float> Project(const WeightsShape& shape, const Projection& by,
                           const std::vector<double>& x) {
  std::vector<float> heads;
  for (int64_t t = 0; t < kTokens; ++t) {
    for (int64_t row = 0; row < shape.rows(); ++row) {
      double sum = by.bias[static_cast<size_t>(row)];
      for (int64_t c = 0; c < kColumns; ++c) {
        sum += by.weights[static_cast<size_t>(row * kColumns + c)] *
               x[static_cast<size_t>(t * kColumns + c)];
      }
      sum *= by.scale[static_cast<size_t>(row % shape.head_dim)];
      heads.push_back(static_cast<float>(sum));
    }
  }
  return heads;
}

void Rotate(const WeightsShape& shape, rotary_pairing pairing,
            const rotary_embedding* embedding, const char* target,
            std::vector<float>* data) {
  rotary_tensor tensor;
  rotary_tensor_init(&tensor, sizeof(tensor));
  tensor.heads = shape.heads;
  tensor.head_dim = shape.head_dim;
  tensor.rotary_offset = shape.rotary_offset;
  tensor.input = data->data();
  tensor.input_pairing = pairing;
  const std::vector<rotary_tensor> tensors = {tensor};
  const std::vector<int64_t> ids = {0, 1, 5, 4096, 100000, -3, 77};
  const rotary_positions positions = MakePositions(ids);
  rotary_apply_args args = MakeApplyArgs(1, kTokens, tensors);
  args.embedding = embedding;
  args.positions = &positions;
  args.target = target;
  ApplyOk(args);
}

// Of a query and a key, and the sum of the magnitudes of its terms.
struct Score {
  double value;
  double magnitude;
};

// Of every query with every key of its head.
std::vector<Score> Scores(const WeightsShape& shape,
                          const std::vector<float>& q,
                          const std::vector<float>& k) {
  std::vector<Score> scores;
  for (int64_t i = 0; i < kTokens; ++i) {
    for (int64_t j = 0; j < kTokens; ++j) {
      for (int64_t h = 0; h < shape.heads; ++h) {
        Score score = {0, 0};
        for (int64_t e = 0; e < shape.head_dim; ++e) {
          const int64_t at = h * shape.head_dim + e;
          const double product =
              static_cast<double>(
                  q[static_cast<size_t>(i * shape.rows() + at)]) *
              static_cast<double>(
                  k[static_cast<size_t>(j * shape.rows() + at)]);
          score.value += product;
          score.magnitude += std::abs(product);
        }
        scores.push_back(score);
      }
    }
  }
  return scores;
}

// A product of two f32 is exact in f64, and its terms are the same either way:
// only the order of the sum differs.  Each of two sums of n terms is within
// (n - 1) u / (1 - (n - 1) u) of the true one, times the magnitude, u = 2^-53;
// the magnitude itself, as computed, is too small by no more than that.
double Tolerance(int64_t head_dim, const Score& score) {
  return 2.001 * static_cast<double>(head_dim - 1) * 0x1p-53 * score.magnitude;
}

TEST_CASE("weights: the scores stay") {
  Random random(11);
  for (const int64_t rotary_dim : {16, 32, 48}) {
    CAPTURE(rotary_dim);
    const Embedding embedding = MakeEmbedding(rotary_dim, 10000, 1.25);
    for (const bool to_half : {true, false}) {
      CAPTURE(to_half);
      const WeightsShape shape = {
          8,
          3,
          rotary_dim + 10,
          4,
          rotary_dim,
          kColumns,
          to_half ? rotary_pairing{ROTARY_INTERLEAVED} : ROTARY_HALF,
          to_half ? rotary_pairing{ROTARY_HALF} : ROTARY_INTERLEAVED};
      const std::vector<double> x = RandomNumbers(kTokens * kColumns, &random);
      const Projection wq = RandomProjection(shape, &random);
      const Projection wk = RandomProjection(shape, &random);
      const Projection wq_converted = Converted(shape, wq);
      const Projection wk_converted = Converted(shape, wk);
      ForEachTarget([&](const char* target) {
        const auto scores = [&](const Projection& by_q, const Projection& by_k,
                                rotary_pairing pairing) {
          std::vector<float> q = Project(shape, by_q, x);
          std::vector<float> k = Project(shape, by_k, x);
          Rotate(shape, pairing, embedding.get(), target, &q);
          Rotate(shape, pairing, embedding.get(), target, &k);
          return Scores(shape, q, k);
        };
        const std::vector<Score> original = scores(wq, wk, shape.from);
        const std::vector<Score> converted =
            scores(wq_converted, wk_converted, shape.to);
        const std::vector<Score> unconverted = scores(wq, wk, shape.to);
        int differ = 0;
        for (size_t i = 0; i < original.size(); ++i) {
          const double tolerance = Tolerance(shape.head_dim, original[i]);
          CHECK(std::abs(converted[i].value - original[i].value) <= tolerance);
          differ +=
              std::abs(unconverted[i].value - original[i].value) > tolerance
                  ? 1
                  : 0;
        }
        // All but those of the same token.
        CHECK(differ >= kTokens * (kTokens - 1) * shape.heads);
      });
    }
  }
}

}  // namespace
}  // namespace rotary_test
