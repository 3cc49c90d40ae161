// Models' own files as rotary embeddings: the C ABI of librotary_import, and
// its manual.
//
// SPDX-License-Identifier: Apache-2.0
//
// 1. What it does
// ---------------
// It reads the config.json of a Hugging Face model, or the metadata of a GGUF
// file, and says how the model rotates: the config of an embedding
// (rotary_embedding_config) for each kind of layer, which layer has which, and
// what else counts, with the key of the file that each value comes from.
//
//     rotary_model *model;
//     rotary_error error;
//     if (rotary_model_from_config(text, size, NULL, &model, &error)) ...
//     rotary_rotation rotation;
//     rotary_rotation_init(&rotation, sizeof(rotation));
//     if (rotary_model_rotation(model, 0, &rotation, &error)) ...
//     if (rotary_embedding_create(&rotation.config, &embedding, &error)) ...
//     // ... rotate heads of rotation.head_dim by rotation.pairing
//     rotary_model_destroy(model);
//
// What it does not understand it refuses: a key about the rotation that it does
// not know, a value of a wrong type, a model whose conventions it does not
// know.  rotary_error.argument is the key ("rope_scaling.rope_type"), shortened
// from the left if it is long.
//
// 2. What is in no file
// ---------------------
// Which two elements form a pair, how the sections of M-RoPE are laid out, and
// more, follow from the model's type (model_type of a config.json,
// general.architecture of a GGUF) by a table that the library holds.  A model
// that is not there is an error, unless the options state its pairing; then the
// rest goes by the keys that most models have.  The pairing is that of the
// file's own weights: conversion to GGUF permutes those of some models, which
// so are interleaved there where they are half in their config.json.
//
// Functions are thread-safe as rotary.h has it; a model is immutable.  Every
// function and type here is there since version 0.4.

#ifndef ROTARY_IMPORT_H_
#define ROTARY_IMPORT_H_

#include <rotary/rotary.h>

#ifdef __cplusplus
extern "C" {
#endif

// What a file says of a model's rotation.
typedef struct rotary_model rotary_model;

// Which part of a model: its decoder of text, or its encoder of images.
typedef int32_t rotary_model_part;
enum { ROTARY_PART_TEXT = 0, ROTARY_PART_VISION = 1 };

// What the caller states.  It counts before what the file or the table say.
typedef struct rotary_import_options {
  size_t struct_size;
  rotary_model_part part;          // default ROTARY_PART_TEXT
  rotary_pairing pairing;          // default 0: not stated
  rotary_axes_layout axes_layout;  // of M-RoPE's sections; default -1: not
                                   // stated
  int32_t reserved;                // 0
  int64_t head_dim;                // default 0: not stated
  // Of the sequences that are to be rotated, for scalings that depend on it;
  // default 0: not longer than the model was trained on.
  double length;
} rotary_import_options;

ROTARY_API void rotary_import_options_init(rotary_import_options *options,
                                           size_t struct_size);

// From the text of a config.json: that of transformers 4 (rope_theta,
// rope_scaling) or 5 (rope_parameters, also one for each type of layer), of a
// language model or, in text_config and vision_config, of a multimodal one.
// options: NULL for the defaults.
ROTARY_API rotary_status rotary_model_from_config(
    const char *text, size_t size, const rotary_import_options *options,
    rotary_model **model, rotary_error *error);

// From a GGUF file (version 2 or 3), or as much of its beginning as has the
// metadata and, if it has them, the tensors rope_freqs.weight,
// rope_factors_long.weight and rope_factors_short.weight.  Nothing else of it
// is read.
ROTARY_API rotary_status rotary_model_from_gguf_file(
    const char *path, const rotary_import_options *options,
    rotary_model **model, rotary_error *error);
ROTARY_API rotary_status rotary_model_from_gguf_memory(
    const void *data, size_t size, const rotary_import_options *options,
    rotary_model **model, rotary_error *error);

// A value of GGUF metadata.  Types are GGUF's: 0 u8, 1 i8, 2 u16, 3 i16, 4 u32,
// 5 i32, 6 f32, 7 bool (a byte), 8 string, 9 array, 10 u64, 11 i64, 12 f64.
typedef struct rotary_gguf_value {
  uint32_t type;
  uint32_t element_type;  // of an array, of numbers or bool
  uint64_t count;         // elements of an array; bytes of a string; else 1
  const void *data;       // count of them, little-endian; until the next call
} rotary_gguf_value;

// A tensor's elements.  Types are ggml's: 0 f32, 1 f16, 30 bf16.
typedef struct rotary_gguf_tensor {
  uint32_t type;
  uint32_t reserved;  // 0
  uint64_t count;
  const void *data;  // until the next call
} rotary_gguf_tensor;

// GGUF metadata that an engine holds.  Functions are called only by the call
// that is given them, in its thread; they get `user`.
typedef struct rotary_gguf_source {
  size_t struct_size;
  void *user;
  // 1, and *value, or 0 if there is no such key.
  int32_t (*value)(void *user, const char *key, rotary_gguf_value *value);
  // The same of a tensor; NULL: there are none.
  int32_t (*tensor)(void *user, const char *name, rotary_gguf_tensor *tensor);
  // The index-th key, NULL behind the last: so that a key that is not
  // understood is found.  NULL: none is looked for.
  const char *(*key)(void *user, uint64_t index);
} rotary_gguf_source;

ROTARY_API void rotary_gguf_source_init(rotary_gguf_source *source,
                                        size_t struct_size);

ROTARY_API rotary_status rotary_model_from_gguf_source(
    const rotary_gguf_source *source, const rotary_import_options *options,
    rotary_model **model, rotary_error *error);

// NULL is legal.
ROTARY_API void rotary_model_destroy(rotary_model *model);

// How some layers rotate.
typedef struct rotary_rotation {
  size_t struct_size;
  // Of the layers: "full_attention", as the file has it; "" if all rotate alike
  // or it names none.  This and what config points to belong to the model.
  const char *name;
  rotary_embedding_config config;
  rotary_pairing pairing;
  int32_t reserved;  // 0
  int64_t head_dim;
  int64_t rotary_offset;      // where in a head the rotated elements begin
  double softmax_multiplier;  // see rotary_embedding_softmax_multiplier
  double trained_length;      // the longest sequence that the file states; or 0
  double log_n_length;        // of queries, see rotary_rows_args; 0: they have
                              // no log-n scaling
  int64_t layers;  // how many have it; 0 if the file does not tell the layers
} rotary_rotation;

ROTARY_API void rotary_rotation_init(rotary_rotation *rotation,
                                     size_t struct_size);

// The model's type, as the file names it, or "".  NULL gives "".
ROTARY_API const char *rotary_model_type(const rotary_model *model);

// The distinct rotations, in the order in which layers first have them.  NULL
// gives 0.
ROTARY_API int64_t rotary_model_rotations(const rotary_model *model);
ROTARY_API rotary_status rotary_model_rotation(const rotary_model *model,
                                               int64_t index,
                                               rotary_rotation *rotation,
                                               rotary_error *error);

// How many layers the file states, and which rotation each has: an index, or -1
// for a layer that does not rotate (NoPE).  NULL gives 0 layers; a layer that
// is not there gives -1.
ROTARY_API int64_t rotary_model_layers(const rotary_model *model);
ROTARY_API int64_t rotary_model_layer(const rotary_model *model, int64_t layer);

// Where the values of a rotation come from.  Names are those of the fields
// ("base", "scaling.factor", "axes.sections", "pairing", "head_dim");
// `value` is the value as text; `source` is the key ("rope_parameters.factor"),
// or "stated by the caller", or says which table or default it is.  A field
// that is not there has the default of rotary.h.  One is no field: of queries
// that are multiplied by 1 + beta ln(1 + floor(position / original_length)),
// after the rotation or before it, "llama_4_scaling_beta" is told.
typedef struct rotary_model_value {
  size_t struct_size;
  const char *name;
  const char *value;
  const char *source;
} rotary_model_value;

ROTARY_API void rotary_model_value_init(rotary_model_value *value,
                                        size_t struct_size);

// How many, and the i-th, of a rotation.
ROTARY_API int64_t rotary_model_values(const rotary_model *model,
                                       int64_t rotation);
ROTARY_API rotary_status rotary_model_value_at(const rotary_model *model,
                                               int64_t rotation, int64_t i,
                                               rotary_model_value *value,
                                               rotary_error *error);

// The source of a field, or NULL.
ROTARY_API const char *rotary_model_source(const rotary_model *model,
                                           int64_t rotation, const char *name);

#ifdef __cplusplus
}  // extern "C"
#endif

#endif  // ROTARY_IMPORT_H_
