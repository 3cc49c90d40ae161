#include "tests/import/gguf_check.h"

#include <doctest/doctest.h>

#include <cstddef>

namespace rotary_test {

Model ImportThreeWays(const GgufWriter& gguf,
                      const rotary_import_options* options) {
  Model model = Require(ImportGguf(gguf.File(), options));
  const std::string text = Describe(model.get());
  CHECK(Describe(Require(ImportGgufFile(gguf.File(), options)).get()) == text);
  CHECK(Describe(Require(ImportGgufSource(gguf.Source(), options)).get()) ==
        text);
  return model;
}

std::string Repeat(const std::string& layers, int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += layers;
  return all;
}

void CheckGguf(const GgufWriter& gguf, const std::string& layers,
               const std::vector<ExpectedRotation>& expected, double length,
               double trained) {
  rotary_import_options options = ImportOptions();
  options.length = length;
  const Model model = ImportThreeWays(gguf, &options);
  CHECK(LayersOf(model.get()) == layers);
  REQUIRE(rotary_model_rotations(model.get()) ==
          static_cast<int64_t>(expected.size()));
  for (size_t i = 0; i < expected.size(); ++i) {
    CAPTURE(i);
    const rotary_rotation rotation =
        RotationOf(model.get(), static_cast<int64_t>(i));
    CheckRotation(rotation, expected[i]);
    if (trained > 0) CHECK(rotation.trained_length == trained);
  }
}

ExpectedRotation Rotation(const std::string& pairing, int64_t head_dim,
                          int64_t rotary_dim, double base) {
  ExpectedRotation e;
  e.pairing = pairing;
  e.head_dim = head_dim;
  e.rotary_dim = rotary_dim;
  e.base = base;
  return e;
}

void SetYarn(double factor, double original, ExpectedRotation* e) {
  e->kind = "yarn";
  e->factor = factor;
  e->original = original;
}

}  // namespace rotary_test
