// What GGUF is refused for: the status, and an argument that names the key; and
// files that end or lie anywhere.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "tests/import/gguf_check.h"

namespace rotary_test {
namespace {

GgufWriter Llama() {
  GgufWriter gguf("llama");
  gguf.Set<uint32_t>(".block_count", 2)
      .Set<uint32_t>(".embedding_length", 64)
      .Set<uint32_t>(".attention.head_count", 4);
  return gguf;
}

GgufWriter WithDivisors() {
  return Llama().SetTensor("rope_freqs.weight", kGgmlF32,
                           std::vector<double>(8, 2.0));
}

void CheckFileRefused(const std::string& file, const std::string& argument,
                      rotary_status status = ROTARY_ERROR_ARGUMENT) {
  CAPTURE(argument);
  const Imported imported = ImportGguf(file);
  CHECK(imported.status == status);
  CHECK(std::string(imported.error.argument) == argument);
  const Imported by_path = ImportGgufFile(file);
  CHECK(by_path.status == status);
  CHECK(std::string(by_path.error.argument) == argument);
}

void CheckRefused(const GgufWriter& gguf, const std::string& argument) {
  CheckFileRefused(gguf.File(), argument);
  const Imported imported = ImportGgufSource(gguf.Source());
  CHECK(imported.status == ROTARY_ERROR_ARGUMENT);
  CHECK(std::string(imported.error.argument) == argument);
}

template <class T>
std::string Patched(std::string file, size_t at, T value) {
  std::memcpy(&file[at], &value, sizeof(value));
  return file;
}

TEST_CASE("keys of GGUF that are refused") {
  Require(ImportGguf(Llama().File()));
  CheckRefused(GgufWriter("mystery"), "general.architecture");
  CheckRefused(GgufWriter(""), "general.architecture");
  GgufWriter nameless("llama");
  nameless.Remove("general.architecture");
  CheckRefused(nameless, "general.architecture");
  CheckRefused(nameless.Set<uint32_t>("general.architecture", 3),
               "general.architecture");
  CheckRefused(Llama().Set(".rope.mystery", 1.0f), "llama.rope.mystery");
  CheckRefused(Llama().Set(".rope.scaling.mystery", 1.0f),
               "llama.rope.scaling.mystery");
  // Of another architecture it is nobody's.
  Require(ImportGguf(Llama().Set("qwen.rope.mystery", 1.0f).File()));

  for (const char* key :
       {".block_count", ".embedding_length", ".attention.head_count",
        ".attention.key_length", ".context_length", ".rope.dimension_count",
        ".rope.freq_base", ".rope.scaling.factor",
        ".rope.scaling.attn_factor"}) {
    const std::string full = std::string("llama") + key;
    CheckRefused(Llama().SetText(key, "4"), full);
    CheckRefused(Llama().Set(key, std::nanf("")), full);
    CheckRefused(Llama().Set(key, -HUGE_VALF), full);
  }
  for (const char* key : {".block_count", ".embedding_length",
                          ".attention.key_length", ".rope.dimension_count"}) {
    CheckRefused(Llama().Set(key, 4.5f), std::string("llama") + key);
  }
  CheckRefused(Llama().Set(".block_count", true), "llama.block_count");
  CheckRefused(Llama().Set<int32_t>(".block_count", -1), "llama.block_count");
  CheckRefused(Llama().Set<uint32_t>(".block_count", 513), "llama.block_count");
  CheckRefused(Llama().Set<uint32_t>(".attention.head_count", 0),
               "llama.attention.head_count");
  CheckRefused(Llama().Set<uint32_t>(".rope.dimension_count", 15),
               "llama.rope.dimension_count");
  CheckRefused(Llama().Set<uint32_t>(".rope.dimension_count", 0),
               "llama.rope.dimension_count");
  CheckRefused(Llama().Set<int32_t>(".rope.dimension_count", -16),
               "llama.rope.dimension_count");
  CheckRefused(Llama().Set<uint32_t>(".attention.key_length", 0),
               "llama.attention.key_length");
  CheckRefused(Llama()
                   .Set<uint32_t>(".attention.key_length", 16)
                   .Set<uint32_t>(".rope.dimension_count", 18),
               "llama.attention.key_length");
  CheckRefused(Llama().Set(".rope.freq_base", 0.0f), "llama.rope.freq_base");
  CheckRefused(Llama().Set(".rope.freq_base", -1.0f), "llama.rope.freq_base");
  CheckRefused(Llama().Set(".rope.scaling.factor", -1.0f),
               "llama.rope.scaling.factor");
  CheckRefused(Llama().Set(".rope.scaling.attn_factor", 0.0f),
               "llama.rope.scaling.attn_factor");
  CheckRefused(Llama().SetText(".rope.scaling.type", "ntk"),
               "llama.rope.scaling.type");
  CheckRefused(Llama().Set<uint32_t>(".rope.scaling.type", 1),
               "llama.rope.scaling.type");
}

TEST_CASE("keys of GGUF that are missing, and lists of wrong lengths") {
  GgufWriter headless = Llama();
  headless.Remove(".embedding_length");
  CheckRefused(headless, "llama.attention.key_length");
  CheckRefused(Llama()
                   .SetText(".rope.scaling.type", "yarn")
                   .Set(".rope.scaling.factor", 4.0f),
               "llama.context_length");
  CheckRefused(Llama().SetText(".rope.scaling.type", "longrope"),
               "rope_factors_long.weight");
  CheckRefused(Llama()
                   .SetText(".rope.scaling.type", "longrope")
                   .SetTensor("rope_factors_long.weight", kGgmlF32,
                              std::vector<double>(8, 2.0)),
               "rope_factors_short.weight");
  CheckRefused(GgufWriter("granite")
                   .Set<uint32_t>(".block_count", 2)
                   .Set<uint32_t>(".rope.scaling.finetuned", 1),
               "granite.rope.scaling.finetuned");
  GgufWriter qwen = GgufWriter("qwen2vl");
  qwen.Set<uint32_t>(".attention.key_length", 128);
  CheckRefused(qwen, "qwen2vl.rope.dimension_sections");
  const std::vector<std::vector<int32_t>> wrong = {
      {}, {16, 24, 24}, {16, 24, 24, 0, 0}, {-16, 24, 24, 0}};
  for (const auto& sections : wrong) {
    CheckRefused(qwen.SetArray<int32_t>(".rope.dimension_sections", sections),
                 "qwen2vl.rope.dimension_sections");
  }
  CheckRefused(qwen.SetText(".rope.dimension_sections", "16"),
               "qwen2vl.rope.dimension_sections");
  CheckRefused(qwen.SetArray<float>(".rope.dimension_sections",
                                    {16.5f, 24.5f, 24.0f, 0.0f}),
               "qwen2vl.rope.dimension_sections");
  GgufWriter lfm = GgufWriter("lfm2");
  lfm.Set<uint32_t>(".block_count", 4)
      .Set<uint32_t>(".attention.key_length", 64)
      .SetArray<uint32_t>(".attention.head_count_kv", {1, 0, 1});
  CheckRefused(lfm, "lfm2.attention.head_count_kv");
  CheckRefused(GgufWriter("qwen3next")
                   .Set<uint32_t>(".block_count", 4)
                   .Set<uint32_t>(".attention.key_length", 64)
                   .Set<uint32_t>(".full_attention_interval", 0),
               "qwen3next.full_attention_interval");
}

TEST_CASE("tensors of divisors that are refused") {
  Require(ImportGguf(WithDivisors().File()));
  for (const size_t count : {0u, 1u, 7u, 9u, 16u}) {
    CheckRefused(Llama().SetTensor("rope_freqs.weight", kGgmlF32,
                                   std::vector<double>(count, 2.0)),
                 "rope_freqs.weight");
  }
  for (const uint32_t type : {2u, 24u, 28u, 31u, 0xffffffffu}) {
    CheckRefused(Llama().SetTensor("rope_freqs.weight", type,
                                   std::vector<double>(8, 2.0)),
                 "rope_freqs.weight");
  }
  for (const double divisor : {0.0, -1.0, std::nan(""), HUGE_VAL}) {
    std::vector<double> divisors(8, 2.0);
    divisors[3] = divisor;
    CheckRefused(Llama().SetTensor("rope_freqs.weight", kGgmlF32, divisors),
                 "rope_freqs.weight[3]");
  }
  const auto with_dims = [](const std::vector<uint64_t>& dims) {
    return Llama()
        .SetTensor("rope_freqs.weight", kGgmlF32, std::vector<double>(8, 2.0),
                   dims)
        .File();
  };
  const uint64_t huge = uint64_t{1} << 60;
  CheckFileRefused(with_dims({huge}), "rope_freqs.weight");
  CheckFileRefused(with_dims({huge, huge, 8}), "rope_freqs.weight");
  CheckFileRefused(with_dims(std::vector<uint64_t>(9, 1)),
                   "dimensions of rope_freqs.weight");
  // An offset that lies behind the end, or overflows.
  const std::string file = WithDivisors().File();
  const size_t offset = file.rfind("rope_freqs.weight") + 17 + 4 + 8 + 4;
  for (const uint64_t at : {huge, UINT64_MAX, uint64_t{64}}) {
    CheckFileRefused(Patched(file, offset, at), "rope_freqs.weight");
  }
  std::string twice = Llama()
                          .SetTensor("rope_freqs.weight", kGgmlF32, {1.0})
                          .SetTensor("rope_freqs.weighu", kGgmlF32, {1.0})
                          .File();
  twice[twice.rfind("weighu") + 5] = 't';
  CheckFileRefused(twice, "rope_freqs.weight");
}

TEST_CASE("headers and counts that lie") {
  const std::string file = WithDivisors().File();
  CheckFileRefused("", "data");
  CheckFileRefused("GGUF", "data");
  CheckFileRefused(Patched<char>(file, 3, 'f'), "data");
  for (const uint32_t version : {0u, 1u, 4u, 0x02000000u, 0x03000000u}) {
    CheckFileRefused(Patched(file, 4, version), "data",
                     ROTARY_ERROR_UNSUPPORTED);
  }
  const uint64_t huge = uint64_t{1} << 60;
  for (const uint64_t count : {huge, UINT64_MAX}) {
    CheckFileRefused(Patched(file, 8, count), "tensor count");
    CheckFileRefused(Patched(file, 16, count), "metadata count");
    CheckFileRefused(Patched(file, 24, count), "length of a name");
    const auto with = [&](uint32_t type, uint32_t element_type) {
      return Llama().Add("x", type, element_type, count, "").File();
    };
    CheckFileRefused(with(8, 0), "x");
    for (const uint32_t element : {0u, 5u, 7u, 12u}) {
      CheckFileRefused(with(9, element), "x");
    }
    CHECK(ImportGguf(with(9, 8)).status == ROTARY_ERROR_ARGUMENT);
  }
  // Arrays of arrays, and types that GGUF does not have.
  CheckFileRefused(Llama().Add("x", 9, 9, 1, std::string(32, '\0')).File(),
                   "x");
  CheckFileRefused(Llama().Add("x", 9, 13, 1, std::string(32, '\0')).File(),
                   "x");
  CheckFileRefused(Llama().Add("x", 13, 0, 1, std::string(32, '\0')).File(),
                   "x");
  std::string twice = Llama().Set("llama.a", 1.0f).Set("llama.b", 1.0f).File();
  twice[twice.rfind("llama.b") + 6] = 'a';
  CheckFileRefused(twice, "llama.a");
  CheckFileRefused(Llama().Set<uint32_t>("general.alignment", 0).File(),
                   "general.alignment");
  CheckFileRefused(Llama().SetText("general.alignment", "32").File(),
                   "general.alignment");
}

TEST_CASE("GGUF that ends anywhere is refused, or gives the same model") {
  GgufWriter gguf = WithDivisors()
                        .SetTexts("tokens", {"a", "", "bc"})
                        .SetArray<bool>("flags", {true, false})
                        .SetTensor("z.weight", kGgmlF32, {1.0, 2.0});
  const std::string file = gguf.File();
  const std::string all = Describe(Require(ImportGguf(file)).get());
  // Nothing behind the divisors is read.
  const size_t needed = file.size() - 32;
  for (size_t size = 0; size <= file.size(); ++size) {
    CAPTURE(size);
    const auto part = std::make_unique<char[]>(size);
    file.copy(part.get(), size);
    rotary_model* made = nullptr;
    rotary_error error = {};
    const rotary_status status =
        rotary_model_from_gguf_memory(part.get(), size, nullptr, &made, &error);
    const Model model(made);
    CHECK((status == ROTARY_OK) == (size >= needed));
    if (model != nullptr) {
      CHECK(Describe(model.get()) == all);
    } else {
      CHECK(error.status == ROTARY_ERROR_ARGUMENT);
      CHECK(error.argument[0] != '\0');
    }
  }
}

TEST_CASE("GGUF with any byte changed gives an error or a model") {
  const std::string file = WithDivisors().File();
  for (size_t at = 0; at < file.size(); ++at) {
    for (const unsigned value : {0u, 1u, 0x7fu, 0xffu}) {
      const Imported imported =
          ImportGguf(Patched(file, at, static_cast<char>(value)));
      if (imported.model != nullptr) Describe(imported.model.get());
    }
  }
}

TEST_CASE("arguments of GGUF that are not legal") {
  rotary_error error = {};
  rotary_model* model = nullptr;
  const auto refused = [&](rotary_status got, const std::string& argument,
                           rotary_status status = ROTARY_ERROR_ARGUMENT) {
    CHECK(got == status);
    CHECK(std::string(error.argument) == argument);
    CHECK(model == nullptr);
  };
  const std::string file = Llama().File();
  refused(rotary_model_from_gguf_memory(nullptr, 8, nullptr, &model, &error),
          "data");
  refused(rotary_model_from_gguf_memory(file.data(), file.size(), nullptr,
                                        nullptr, &error),
          "model");
  refused(rotary_model_from_gguf_file(nullptr, nullptr, &model, &error),
          "path");
  for (const char* path : {"", "/no/such/file.gguf", "/", "/dev/zero"}) {
    refused(rotary_model_from_gguf_file(path, nullptr, &model, &error), "path");
  }
  rotary_import_options options = ImportOptions();
  options.part = ROTARY_PART_VISION;
  refused(rotary_model_from_gguf_memory(file.data(), file.size(), &options,
                                        &model, &error),
          "options.part", ROTARY_ERROR_UNSUPPORTED);
  options = ImportOptions();
  options.length = -1;
  refused(rotary_model_from_gguf_memory(file.data(), file.size(), &options,
                                        &model, &error),
          "options.length");
  options = ImportOptions();
  options.pairing = ROTARY_HALF;
  GgufWriter mystery("mystery");
  mystery.Set<uint32_t>(".attention.key_length", 64);
  CHECK(RotationOf(Require(ImportGguf(mystery.File(), &options)).get(), 0)
            .pairing == ROTARY_HALF);
}

TEST_CASE("callbacks that are not legal, or lie") {
  const GgufWriter gguf = Llama().Set(".rope.mystery", 1.0f);
  rotary_gguf_source source = gguf.Source();
  const auto argument = [&] {
    return std::string(ImportGgufSource(source).error.argument);
  };
  CHECK(argument() == "llama.rope.mystery");
  // Without them no key is looked for.
  source.key = nullptr;
  CHECK(ImportGgufSource(source).status == ROTARY_OK);
  source.tensor = nullptr;
  CHECK(ImportGgufSource(source).status == ROTARY_OK);
  source.key = [](void*, uint64_t) { return "llama.x"; };
  CHECK(argument() == "metadata count");
  source = gguf.Source();
  source.value = nullptr;
  CHECK(argument() == "source.value");
  source = gguf.Source();
  source.struct_size = 8;
  CHECK(ImportGgufSource(source).status == ROTARY_ERROR_STRUCT_SIZE);
  CHECK(argument() == "source.struct_size");
  source = gguf.Source();
  source.value = [](void*, const char*, rotary_gguf_value* value) {
    value->type = 8;
    value->count = 3;
    return 1;
  };
  CHECK(argument() == "general.architecture");
  rotary_error error = {};
  rotary_model* model = nullptr;
  CHECK(rotary_model_from_gguf_source(nullptr, nullptr, &model, &error) ==
        ROTARY_ERROR_ARGUMENT);
  CHECK(std::string(error.argument) == "source");
}

}  // namespace
}  // namespace rotary_test
