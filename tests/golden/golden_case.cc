// Reading golden cases: JSON without repeated keys, and arrays of the size that
// case.json tells.
#include "tests/golden/golden_case.h"

#include <fstream>
#include <set>
#include <stdexcept>

#include "tests/golden/golden_fields.h"

namespace rotary_test {

nlohmann::json ReadJson(const std::filesystem::path& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  std::vector<std::set<std::string>> open_objects;
  const auto check = [&](int, nlohmann::json::parse_event_t event,
                         nlohmann::json& parsed) {
    using Event = nlohmann::json::parse_event_t;
    if (event == Event::object_start) open_objects.emplace_back();
    if (event == Event::object_end) open_objects.pop_back();
    if (event == Event::key) {
      const auto key = parsed.get<std::string>();
      if (!open_objects.back().insert(key).second) {
        throw std::runtime_error("repeated field " + key);
      }
    }
    return true;
  };
  try {
    return nlohmann::json::parse(file, check);
  } catch (const nlohmann::json::exception& failure) {
    throw std::runtime_error(path.string() + ": " + failure.what());
  }
}

GoldenCase::GoldenCase(const std::filesystem::path& folder)
    : folder_(folder), json_(ReadJson(folder / "case.json")) {
  CheckGoldenFields(json_);
}

template <typename T>
std::vector<T> GoldenCase::Read(const std::string& name,
                                const std::string& dtype,
                                const std::vector<int64_t>& shape) const {
  const nlohmann::json& file = json_.at("files").at(name);
  if (file.at("dtype") != dtype || file.at("shape") != nlohmann::json(shape)) {
    throw std::runtime_error("files." + name + " has another type or shape");
  }
  int64_t count = 1;
  for (const int64_t size : shape) count *= size;
  std::vector<T> values(static_cast<size_t>(count));
  const auto bytes = static_cast<std::streamsize>(values.size() * sizeof(T));
  const auto path = folder_ / file.at("path").get<std::string>();
  std::ifstream stream(path, std::ios::binary);
  stream.read(reinterpret_cast<char*>(values.data()), bytes);
  if (stream.gcount() != bytes ||
      stream.peek() != std::ifstream::traits_type::eof()) {
    throw std::runtime_error(path.string() + " has another size");
  }
  return values;
}

std::vector<float> GoldenCase::ReadF32(
    const std::string& name, const std::vector<int64_t>& shape) const {
  return Read<float>(name, "float32", shape);
}

std::vector<double> GoldenCase::ReadF64(
    const std::string& name, const std::vector<int64_t>& shape) const {
  return Read<double>(name, "float64", shape);
}

std::vector<uint16_t> GoldenCase::ReadBits(
    const std::string& name, const std::string& dtype,
    const std::vector<int64_t>& shape) const {
  return Read<uint16_t>(name, dtype, shape);
}

}  // namespace rotary_test
