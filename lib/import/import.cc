// The C functions of rotary/import.h: no logic, and no exception that leaves.

#include <rotary/import.h>
#include <stdio.h>
#include <string.h>

#include <exception>
#include <memory>
#include <new>
#include <string>
#include <utility>

#include "lib/import/config_model.h"
#include "lib/import/gguf_model.h"
#include "lib/import/refusal.h"
#include "lib/import/rotation.h"

struct rotary_model {
  rotary_import::Model model;
};

namespace rotary_import {
namespace {

// Runs what may throw.
template <class Function>
rotary_status Run(rotary_error* error, const Function& function) {
  try {
    function();
    return ROTARY_OK;
  } catch (const Refusal& refusal) {
    return refusal.Tell(error);
  } catch (const std::bad_alloc&) {
    if (error != nullptr) {
      memset(error, 0, sizeof(*error));
      error->status = ROTARY_ERROR_MEMORY;
      error->tensor = -1;
      error->token = -1;
      snprintf(error->message, sizeof(error->message),
               "memory could not be allocated");
    }
    return ROTARY_ERROR_MEMORY;
  } catch (const std::exception& failure) {
    return Refusal("file", failure.what()).Tell(error);
  }
}

// Structs that only this version has.
template <class Struct>
void CheckSize(const Struct& given, const char* name) {
  if (given.struct_size == sizeof(Struct)) return;
  throw Refusal(std::string(name) + ".struct_size",
                "is " + std::to_string(given.struct_size) + ", not " +
                    std::to_string(sizeof(Struct)),
                ROTARY_ERROR_STRUCT_SIZE);
}

template <class T>
void CheckPointer(const T* pointer, const char* name) {
  if (pointer == nullptr) throw Refusal(name, "must not be NULL");
}

rotary_import_options OptionsOf(const rotary_import_options* given) {
  rotary_import_options options;
  rotary_import_options_init(&options, sizeof(options));
  if (given == nullptr) return options;
  CheckSize(*given, "options");
  options = *given;
  if (options.part != ROTARY_PART_TEXT && options.part != ROTARY_PART_VISION) {
    throw Refusal("options.part", "must be ROTARY_PART_TEXT or VISION");
  }
  if (options.pairing < 0 || options.pairing > ROTARY_INTERLEAVED) {
    throw Refusal("options.pairing", "must be ROTARY_HALF or INTERLEAVED or 0");
  }
  if (options.axes_layout < -1 ||
      options.axes_layout > ROTARY_AXES_ALTERNATING) {
    throw Refusal("options.axes_layout", "must be a rotary_axes_layout or -1");
  }
  if (options.reserved != 0) throw Refusal("options.reserved", "must be 0");
  if (options.head_dim < 0) {
    throw Refusal("options.head_dim", "must be 0 or more");
  }
  if (!(options.length >= 0.0 && options.length <= 0x1p53)) {
    throw Refusal("options.length", "must be 0 or more, and finite");
  }
  return options;
}

template <class Function>
rotary_status Import(rotary_model** model, rotary_error* error,
                     const Function& read) {
  return Run(error, [&] {
    CheckPointer(model, "model");
    auto made = std::make_unique<rotary_model>();
    made->model = read();
    *model = made.release();
  });
}

const Rotation* Find(const rotary_model* model, int64_t index) {
  if (model == nullptr || index < 0 ||
      index >= static_cast<int64_t>(model->model.rotations.size())) {
    return nullptr;
  }
  return model->model.rotations[static_cast<size_t>(index)].get();
}

const Rotation& Get(const rotary_model* model, int64_t index) {
  CheckPointer(model, "model");
  const Rotation* rotation = Find(model, index);
  if (rotation == nullptr) {
    throw Refusal("rotation",
                  std::to_string(index) + " is not one of the model's " +
                      std::to_string(model->model.rotations.size()));
  }
  return *rotation;
}

template <class Struct>
bool Clear(Struct* to, size_t struct_size) {
  if (to == nullptr || struct_size != sizeof(Struct)) return false;
  memset(static_cast<void*>(to), 0, sizeof(Struct));
  to->struct_size = struct_size;
  return true;
}

}  // namespace
}  // namespace rotary_import

using rotary_import::CheckPointer;
using rotary_import::CheckSize;
using rotary_import::Clear;
using rotary_import::Rotation;

void rotary_import_options_init(rotary_import_options* options,
                                size_t struct_size) {
  if (Clear(options, struct_size)) options->axes_layout = -1;
}

void rotary_gguf_source_init(rotary_gguf_source* source, size_t struct_size) {
  Clear(source, struct_size);
}

void rotary_rotation_init(rotary_rotation* rotation, size_t struct_size) {
  if (!Clear(rotation, struct_size)) return;
  rotary_embedding_config_init(&rotation->config, sizeof(rotation->config));
}

void rotary_model_value_init(rotary_model_value* value, size_t struct_size) {
  Clear(value, struct_size);
}

rotary_status rotary_model_from_config(const char* text, size_t size,
                                       const rotary_import_options* options,
                                       rotary_model** model,
                                       rotary_error* error) {
  return rotary_import::Import(model, error, [&] {
    CheckPointer(text, "text");
    return rotary_import::ModelOfConfig(text, size,
                                        rotary_import::OptionsOf(options));
  });
}

rotary_status rotary_model_from_gguf_file(const char* path,
                                          const rotary_import_options* options,
                                          rotary_model** model,
                                          rotary_error* error) {
  return rotary_import::Import(model, error, [&] {
    CheckPointer(path, "path");
    const auto given = rotary_import::OptionsOf(options);
    const auto reader =
        rotary_import::ReadGguf(rotary_import::BytesOfFile(path));
    return rotary_import::ModelOfGguf(reader.get(), given);
  });
}

rotary_status rotary_model_from_gguf_memory(
    const void* data, size_t size, const rotary_import_options* options,
    rotary_model** model, rotary_error* error) {
  return rotary_import::Import(model, error, [&] {
    CheckPointer(data, "data");
    const auto given = rotary_import::OptionsOf(options);
    const auto reader =
        rotary_import::ReadGguf(rotary_import::BytesOfMemory(data, size));
    return rotary_import::ModelOfGguf(reader.get(), given);
  });
}

rotary_status rotary_model_from_gguf_source(
    const rotary_gguf_source* source, const rotary_import_options* options,
    rotary_model** model, rotary_error* error) {
  return rotary_import::Import(model, error, [&] {
    CheckPointer(source, "source");
    CheckSize(*source, "source");
    if (source->value == nullptr) {
      throw rotary_import::Refusal("source.value", "must not be NULL");
    }
    const auto given = rotary_import::OptionsOf(options);
    const auto reader = rotary_import::ReadGgufSource(*source);
    return rotary_import::ModelOfGguf(reader.get(), given);
  });
}

void rotary_model_destroy(rotary_model* model) { delete model; }

const char* rotary_model_type(const rotary_model* model) {
  return model == nullptr ? "" : model->model.type.c_str();
}

int64_t rotary_model_rotations(const rotary_model* model) {
  return model == nullptr ? 0
                          : static_cast<int64_t>(model->model.rotations.size());
}

rotary_status rotary_model_rotation(const rotary_model* model, int64_t index,
                                    rotary_rotation* rotation,
                                    rotary_error* error) {
  return rotary_import::Run(error, [&] {
    const Rotation& from = rotary_import::Get(model, index);
    CheckPointer(rotation, "rotation");
    CheckSize(*rotation, "rotation");
    rotation->name = from.name.c_str();
    rotation->config = from.config;
    rotation->pairing = from.pairing;
    rotation->head_dim = from.head_dim;
    rotation->rotary_offset = from.rotary_offset;
    rotation->softmax_multiplier = from.softmax_multiplier;
    rotation->trained_length = from.trained_length;
    rotation->log_n_length = from.log_n_length;
    rotation->layers = from.layers;
  });
}

int64_t rotary_model_layers(const rotary_model* model) {
  return model == nullptr ? 0
                          : static_cast<int64_t>(model->model.layers.size());
}

int64_t rotary_model_layer(const rotary_model* model, int64_t layer) {
  if (layer < 0 || layer >= rotary_model_layers(model)) return -1;
  return model->model.layers[static_cast<size_t>(layer)];
}

int64_t rotary_model_values(const rotary_model* model, int64_t rotation) {
  const Rotation* found = rotary_import::Find(model, rotation);
  return found == nullptr ? 0 : static_cast<int64_t>(found->values.size());
}

rotary_status rotary_model_value_at(const rotary_model* model, int64_t rotation,
                                    int64_t i, rotary_model_value* value,
                                    rotary_error* error) {
  return rotary_import::Run(error, [&] {
    const Rotation& from = rotary_import::Get(model, rotation);
    CheckPointer(value, "value");
    CheckSize(*value, "value");
    if (i < 0 || i >= static_cast<int64_t>(from.values.size())) {
      throw rotary_import::Refusal(
          "i", std::to_string(i) + " is not one of the rotation's " +
                   std::to_string(from.values.size()) + " values");
    }
    const Rotation::Value& found = from.values[static_cast<size_t>(i)];
    value->name = found.name.c_str();
    value->value = found.text.c_str();
    value->source = found.source.c_str();
  });
}

const char* rotary_model_source(const rotary_model* model, int64_t rotation,
                                const char* name) {
  const Rotation* found = rotary_import::Find(model, rotation);
  if (found == nullptr || name == nullptr) return nullptr;
  for (const Rotation::Value& value : found->values) {
    if (value.name == name) return value.source.c_str();
  }
  return nullptr;
}
