#include "lib/inspect/model_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/inspect/failure.h"

namespace rotary_inspect {
namespace {

// The largest config.json of a model, with thousands of labels, has less than
// one.
constexpr size_t kMostMegabytes = 16;

struct CloseFile {
  void operator()(FILE* file) const { fclose(file); }
};
using File = std::unique_ptr<FILE, CloseFile>;

// Appends up to `most` bytes.
void Read(FILE* file, size_t most, std::string* text) {
  const size_t before = text->size();
  text->resize(before + most);
  text->resize(before + fread(text->data() + before, 1, most, file));
  if (ferror(file) != 0) throw Failure(strerror(errno));
}

}  // namespace

void Check(rotary_status status, const rotary_error& error) {
  if (status != ROTARY_OK) throw Failure(error.message);
}

ModelFile ReadModelFile(const std::string& path,
                        const rotary_import_options& options) {
  File file(fopen(path.c_str(), "rb"));
  if (file == nullptr) throw Failure(strerror(errno));
  std::string text;
  Read(file.get(), 4, &text);

  ModelFile read;
  rotary_model* model = nullptr;
  rotary_error error;
  if (text == "GGUF") {
    file.reset();
    read.is_gguf = true;
    Check(rotary_model_from_gguf_file(path.c_str(), &options, &model, &error),
          error);
  } else {
    constexpr size_t kMost = kMostMegabytes << 20;
    // In pieces, as most are small.
    for (size_t before = 0; text.size() > before && text.size() <= kMost;) {
      before = text.size();
      Read(file.get(), before < 65536 ? 65536 : before, &text);
    }
    if (text.size() > kMost) {
      throw Failure(
          "is no GGUF file, and for a config.json too large: more "
          "than " +
          std::to_string(kMostMegabytes) + " MB");
    }
    Check(rotary_model_from_config(text.data(), text.size(), &options, &model,
                                   &error),
          error);
  }
  read.model.reset(model);
  return read;
}

}  // namespace rotary_inspect
