#include "tests/config/refused_config.h"

#include <doctest/doctest.h>

#include <cstddef>

namespace rotary_test {

Wrong WrongReal(const std::string& argument, double value) {
  Wrong wrong = {argument};
  wrong.real_value = value;
  return wrong;
}

void CheckCreateRefused(const rotary_embedding_config& config,
                        const Wrong& expected) {
  auto* const untouched = reinterpret_cast<rotary_embedding*>(8);
  rotary_embedding* embedding = untouched;
  CheckRefused(
      [&](rotary_error* error) {
        return rotary_embedding_create(&config, &embedding, error);
      },
      expected);
  CHECK(embedding == untouched);
}

void CheckConfigRefused(const rotary_embedding_config& config,
                        const Wrong& expected) {
  CheckCreateRefused(config, expected);
  size_t bytes = 12345;
  CheckRefused(
      [&](rotary_error* error) {
        return rotary_embedding_bytes_needed(&config, &bytes, error);
      },
      expected);
  CHECK(bytes == 12345);
}

}  // namespace rotary_test
