#include "lib/import/rope_parameters.h"

#include <string>

#include "lib/import/refusal.h"

namespace rotary_import {
namespace {

constexpr char kOriginal[] = "original_max_position_embeddings";

// As transformers has it, where a 0 counts as missing.
Found<double> NotZero(const Found<double>& found) {
  return found && found->value != 0.0 ? found : std::nullopt;
}

Found<double> Needed(const JsonObject& rope, const std::string& key) {
  Found<double> found = rope.Number(key);
  if (!found) throw Refusal(rope.PathOf(key), "is missing");
  return found;
}

class Reader {
 public:
  Reader(const JsonObject& rope, const RopeContext& context, Rotation* rotation)
      : rope_(rope), context_(context), rotation_(*rotation) {}

  void Read() {
    const Found<std::string> kind =
        rope_.Has("rope_type") ? rope_.Text("rope_type") : rope_.Text("type");
    rope_.Ignore("rope_type");
    rope_.Ignore("type");
    const std::string name = kind ? kind->value : "default";
    const std::string source = kind ? kind->source : "default";
    if (name == "default" || name == "mrope") {
      rotation_.SetScaling(ROTARY_SCALING_DEFAULT, source);
      // A factor of 1 is written beside, and changes nothing.
      const Found<double> factor = rope_.Number("factor");
      if (factor && factor->value != 1.0) {
        throw Refusal(factor->source, "must be 1 without a scaling");
      }
    } else if (name == "linear") {
      rotation_.SetScaling(ROTARY_SCALING_LINEAR, source);
      SetFactor(Needed(rope_, "factor"));
    } else if (name == "dynamic") {
      ReadDynamic(source);
    } else if (name == "yarn" && !context_.yarn_is_longrope) {
      ReadYarn(source);
    } else if (name == "longrope" || name == "su" || name == "yarn") {
      ReadLongRope(source);
    } else if (name == "llama3") {
      ReadLlama3(source);
    } else if (name == "proportional") {
      rotation_.SetScaling(ROTARY_SCALING_PROPORTIONAL, source);
      Set("partial_rotary_factor", &rotary_scaling::partial_rotary_factor,
          rope_.Number("partial_rotary_factor"));
      SetFactor(rope_.Number("factor"));
    } else {
      throw Refusal(source, "\"" + name + "\" is no scaling that is known");
    }
  }

 private:
  void Set(const std::string& name, double rotary_scaling::*field,
           const Found<double>& found) {
    rotation_.Set("scaling." + name, &(rotation_.scaling.*field), found);
  }
  void SetFactor(const Found<double>& found) {
    Set("factor", &rotary_scaling::factor, found);
  }

  // 0, which would be no factor here, is one there.
  void SetAttentionFactor() {
    const Found<double> found = rope_.Number("attention_factor");
    if (found && !(found->value > 0.0)) {
      throw Refusal(found->source, "must be positive");
    }
    Set("attention_factor", &rotary_scaling::attention_factor, found);
  }

  // That beside the rope's parameters counts first, that of the model last.
  void SetOriginalLength() {
    Found<double> found = NotZero(rope_.Number(kOriginal));
    if (!found) found = context_.max_length;
    if (context_.original_length) found = context_.original_length;
    if (!found) throw Refusal(rope_.PathOf(kOriginal), "is missing");
    Set("original_length", &rotary_scaling::original_length, found);
  }

  // Where there is none: by how much the model's length is more.
  void SetFactorOrRatio() {
    if (const Found<double> factor = rope_.Number("factor")) {
      return SetFactor(factor);
    }
    if (!context_.max_length) {
      throw Refusal(rope_.PathOf("factor"), "is missing");
    }
    const double ratio =
        context_.max_length->value / rotation_.scaling.original_length;
    SetFactor({{ratio, context_.max_length->source + " / " +
                           rotation_.SourceOf("scaling.original_length")}});
  }

  void SetLength() {
    if (context_.length > 0.0) {
      Set("length", &rotary_scaling::length, {{context_.length, kStated}});
    }
  }

  void ReadDynamic(const std::string& source) {
    // Hunyuan's: a static base.
    if (const Found<double> alpha = NotZero(rope_.Number("alpha"))) {
      rotation_.SetScaling(ROTARY_SCALING_NTK, source);
      SetFactor(alpha);
      for (const char* unused :
           {"factor", "beta_fast", "beta_slow", "mscale", "mscale_all_dim"}) {
        rope_.Ignore(unused);
      }
      return;
    }
    rotation_.SetScaling(ROTARY_SCALING_DYNAMIC_NTK, source);
    SetFactor(Needed(rope_, "factor"));
    // Whatever the rope's own is.
    rope_.Ignore(kOriginal);
    if (!context_.max_length) {
      throw Refusal("max_position_embeddings", "is missing");
    }
    Set("original_length", &rotary_scaling::original_length,
        context_.max_length);
    SetLength();
  }

  void ReadYarn(const std::string& source) {
    rotation_.SetScaling(ROTARY_SCALING_YARN, source);
    SetOriginalLength();
    SetFactorOrRatio();
    SetAttentionFactor();
    Set("beta_fast", &rotary_scaling::beta_fast,
        NotZero(rope_.Number("beta_fast")));
    Set("beta_slow", &rotary_scaling::beta_slow,
        NotZero(rope_.Number("beta_slow")));
    Set("mscale", &rotary_scaling::mscale, NotZero(rope_.Number("mscale")));
    Set("mscale_all_dim", &rotary_scaling::mscale_all_dim,
        NotZero(rope_.Number("mscale_all_dim")));
    Set("extrapolation_factor", &rotary_scaling::extrapolation_factor,
        rope_.Number("extrapolation_factor"));
    if (const Found<bool> truncate = rope_.Flag("truncate")) {
      rotation_.scaling.truncate = truncate->value ? 1 : 0;
      rotation_.Note("scaling.truncate", truncate->value ? "1" : "0",
                     truncate->source);
    }
    // Says whether the model was trained with it.
    rope_.Ignore("finetuned");
  }

  void ReadLongRope(const std::string& source) {
    rotation_.SetScaling(ROTARY_SCALING_LONGROPE, source);
    rotation_.SetList("scaling.short_factors", &rotation_.short_factors,
                      NeededList("short_factor"));
    rotation_.SetList("scaling.long_factors", &rotation_.long_factors,
                      NeededList("long_factor"));
    SetOriginalLength();
    SetLength();
    if (rope_.Has("factor") || context_.max_length) SetFactorOrRatio();
    SetAttentionFactor();
    // Phi-MoE has one for each list.
    const bool is_long =
        rotation_.scaling.length > rotation_.scaling.original_length;
    const Found<double> short_scale = rope_.Number("short_mscale");
    const Found<double> long_scale = rope_.Number("long_mscale");
    Set("attention_factor", &rotary_scaling::attention_factor,
        is_long ? long_scale : short_scale);
  }

  Found<std::vector<double>> NeededList(const std::string& key) {
    Found<std::vector<double>> found = rope_.Numbers(key);
    if (!found) throw Refusal(rope_.PathOf(key), "is missing");
    return found;
  }

  void ReadLlama3(const std::string& source) {
    rotation_.SetScaling(ROTARY_SCALING_LLAMA3, source);
    SetFactor(Needed(rope_, "factor"));
    Set("low_freq_factor", &rotary_scaling::low_freq_factor,
        Needed(rope_, "low_freq_factor"));
    Set("high_freq_factor", &rotary_scaling::high_freq_factor,
        Needed(rope_, "high_freq_factor"));
    SetOriginalLength();
  }

  const JsonObject& rope_;
  const RopeContext& context_;
  Rotation& rotation_;
};

}  // namespace

void ReadScaling(const JsonObject& rope, const RopeContext& context,
                 Rotation* rotation) {
  Reader(rope, context, rotation).Read();
  for (const std::string& key : rope.Keys()) {
    if (rope.WasRead(key) || !rope.Has(key)) continue;
    throw Refusal(rope.PathOf(key), "is not understood");
  }
}

}  // namespace rotary_import
