#include "lib/import/config_values.h"

#include "lib/import/refusal.h"

namespace rotary_import {
namespace {

// ChatGLM's.
double ByRatio(const ConfigPart& part, double base) {
  const Found<double> ratio = part.object.Number("rope_ratio");
  return ratio ? base * ratio->value : base;
}

}  // namespace

Found<double> BaseOf(const ConfigPart& part, const JsonObject& rope,
                     const std::string& kind) {
  Found<double> own = rope.Number("rope_theta");
  Found<double> found = part.FirstNumber(
      {"rotary_emb_base", "rope_theta", "rotary_embedding_base"});
  // Of two that stand there, transformers reads the first.
  part.object.Ignore("rope_theta");
  Found<double> local =
      part.FirstNumber({"rope_local_base_freq", "local_rope_theta"});
  Found<double> global = part.object.Number("global_rope_theta");
  const std::string source =
      part.type != nullptr ? part.TypeSource() : std::string("default");
  const double by_type = part.type != nullptr ? part.type->base : 10000.0;
  if (part.Has(kFixedBase)) return {{ByRatio(part, by_type), source}};
  const bool separate = part.Has(kLocalBase) || part.Has(kGlobalBase);
  if (separate && kind == kSliding) {
    if (local) return local;
    return {{10000.0, source}};
  }
  if (part.Has(kGlobalBase) && global) return global;
  if (const auto attention = part.object.Object("attn_config")) {
    if (!found) found = attention->Number("rope_theta");
  }
  if (own) return own;
  if (found) return found;
  return {{by_type, source}};
}

Found<double> TrainedLength(const ConfigPart& part, double longest) {
  const Found<bool> raised = part.object.Flag("use_dynamic_ntk");
  Found<double> own = part.object.Number("seq_length");
  // Qwen-1 raises the base of longer sequences by steps of its own.
  if (raised && raised->value && own) {
    if (longest > own->value) {
      throw Refusal(raised->source,
                    "is not understood of sequences longer than seq_length");
    }
    return own;
  }
  const Found<double> length =
      part.FirstNumber({"max_position_embeddings", "n_positions",
                        "max_sequence_length", "max_seq_len"});
  return length ? length : own;
}

void ReadQueryScaling(const ConfigPart& part, const JsonObject& rope,
                      Rotation* rotation) {
  const Found<double> beta = rope.Number("llama_4_scaling_beta");
  if (beta && beta->value != 0.0) {
    rotation->Note("llama_4_scaling_beta", TextOf(beta->value), beta->source);
  }
  const Found<bool> log_n = part.object.Flag("use_logn_attn");
  if (!log_n || !log_n->value) return;
  const Found<double> length = part.object.Number("seq_length");
  if (!length || !(length->value > 1.0)) {
    throw Refusal(part.object.PathOf("seq_length"),
                  "must be above 1 where " + log_n->source + " is true");
  }
  rotation->Set("log_n_length", &rotation->log_n_length, length);
}

}  // namespace rotary_import
