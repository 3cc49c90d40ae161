// Version, build and target queries, and the names of statuses.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdlib>
#include <cstring>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace rotary_test {
namespace {

TEST_CASE("the library's version is the header's") {
  CHECK(rotary_version() == ROTARY_VERSION_MAJOR * 1000000 +
                                ROTARY_VERSION_MINOR * 1000 +
                                ROTARY_VERSION_PATCH);
  CHECK(std::string(rotary_version_string()) ==
        std::to_string(ROTARY_VERSION_MAJOR) + "." +
            std::to_string(ROTARY_VERSION_MINOR) + "." +
            std::to_string(ROTARY_VERSION_PATCH));
  CHECK(rotary_abi_version() == ROTARY_ABI_VERSION);
}

TEST_CASE("the library tells whether it was built with OpenMP") {
  CHECK(rotary_has_openmp() == ROTARY_TEST_OPENMP);
}

TEST_CASE("statuses have pinned values and names") {
  const std::vector<std::pair<int32_t, std::string>> statuses = {
      {0, "ROTARY_OK"},
      {10, "ROTARY_ERROR_ARGUMENT"},
      {11, "ROTARY_ERROR_STRUCT_SIZE"},
      {20, "ROTARY_ERROR_OVERLAP"},
      {30, "ROTARY_ERROR_POSITION"},
      {40, "ROTARY_ERROR_TARGET"},
      {50, "ROTARY_ERROR_UNSUPPORTED"},
      {60, "ROTARY_ERROR_MEMORY"}};
  for (const auto& [value, name] : statuses) {
    CHECK(std::string(rotary_status_string(value)) == name);
  }
  for (const int32_t value : {-1, 1, 9, 12, 61, 1000, INT32_MIN, INT32_MAX}) {
    CHECK(std::string(rotary_status_string(value)) == "unknown rotary_status");
  }
  CHECK(ROTARY_OK == 0);
  CHECK(ROTARY_ERROR_ARGUMENT == 10);
  CHECK(ROTARY_ERROR_STRUCT_SIZE == 11);
  CHECK(ROTARY_ERROR_OVERLAP == 20);
  CHECK(ROTARY_ERROR_POSITION == 30);
  CHECK(ROTARY_ERROR_TARGET == 40);
  CHECK(ROTARY_ERROR_UNSUPPORTED == 50);
  CHECK(ROTARY_ERROR_MEMORY == 60);
}

TEST_CASE("targets are named, best first") {
  // From best to last; a processor has the first ones or the second ones.
  const std::vector<std::string> order = {"avx3_bf16", "avx3", "avx2",  "sse4",
                                          "ssse3",     "neon", "scalar"};
  const int32_t count = rotary_target_count();
  REQUIRE(count >= 1);
  size_t place = 0;
  for (int32_t i = 0; i < count; ++i) {
    REQUIRE(rotary_target_name(i) != nullptr);
    const std::string name = rotary_target_name(i);
    CAPTURE(name);
    while (place < order.size() && order[place] != name) ++place;
    CHECK(place < order.size());  // known, not repeated, in order
    CHECK(rotary_target_name(i) == rotary_target_name(i));  // static
  }
  CHECK(std::string(rotary_target_name(count - 1)) == "scalar");
  for (const int32_t index : {-1, count, INT32_MIN, INT32_MAX}) {
    CHECK(rotary_target_name(index) == nullptr);
  }
}

TEST_CASE("the default target is the best, or what ROTARY_TARGET says") {
  const char* name = nullptr;
  rotary_error error;
  REQUIRE(rotary_target_default(&name, &error) == ROTARY_OK);
  if (std::getenv("ROTARY_TARGET") == nullptr) {
    CHECK(std::string(name) == rotary_target_name(0));
  }
  CHECK(rotary_target_default(&name, nullptr) == ROTARY_OK);

  CHECK(rotary_target_default(nullptr, &error) == ROTARY_ERROR_ARGUMENT);
  CHECK(error.status == ROTARY_ERROR_ARGUMENT);
  CHECK(std::string(error.argument) == "name");
  CHECK(rotary_target_default(nullptr, nullptr) == ROTARY_ERROR_ARGUMENT);
}

}  // namespace
}  // namespace rotary_test
