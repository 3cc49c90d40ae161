#include "lib/import/config_head.h"

#include <algorithm>
#include <vector>

#include "lib/import/refusal.h"

namespace rotary_import {
namespace {

class Reader {
 public:
  Reader(const ConfigPart& part, const JsonObject& rope,
         const std::string& kind, const rotary_import_options& options,
         Rotation* rotation)
      : part_(part),
        rope_(rope),
        kind_(kind),
        options_(options),
        rotation_(*rotation) {}

  void Read() {
    ReadPairing();
    ReadHeadDim();
    ReadRotaryDim();
    ReadAxes();
  }

 private:
  void ReadPairing() {
    const Found<bool> interleave = part_.object.Flag("rope_interleave");
    if (options_.pairing != 0) {
      return rotation_.SetPairing(options_.pairing, kStated);
    }
    if (part_.type == nullptr) {
      throw Refusal(
          "model_type",
          part_.type_name.empty()
              ? "is missing: state the pairing"
              : "\"" + part_.type_name + "\" is not known: state the pairing");
    }
    if (part_.Has(kRopeInterleave) && interleave && !interleave->value) {
      return rotation_.SetPairing(ROTARY_HALF, interleave->source);
    }
    rotation_.SetPairing(part_.type->pairing, part_.TypeSource());
    CheckPairing("rope_interleaved", ROTARY_INTERLEAVED, ROTARY_HALF);
    CheckPairing("rotary_emb_interleaved", ROTARY_INTERLEAVED, ROTARY_HALF);
    CheckPairing("rope_is_neox_style", ROTARY_HALF, ROTARY_INTERLEAVED);
  }

  // Some files tell it, too: not another one.
  void CheckPairing(const char* key, rotary_pairing if_true,
                    rotary_pairing if_false) const {
    const Found<bool> told = part_.object.Flag(key);
    if (!told || rotation_.pairing == (told->value ? if_true : if_false)) {
      return;
    }
    throw Refusal(told->source, "contradicts what is known of " +
                                    part_.TypeSource() + ": state the pairing");
  }

  bool IsLatent() const {
    return part_.Has(kLatent) ||
           (part_.type == nullptr && part_.object.Has("qk_rope_head_dim"));
  }

  void SetHeadDim(const Found<int64_t>& found) {
    rotation_.Set("head_dim", &rotation_.head_dim, found);
  }

  void ReadHeadDim() {
    const Found<int64_t> nope = part_.object.Whole("qk_nope_head_dim");
    const Found<int64_t> rope = part_.object.Whole("qk_rope_head_dim");
    const Found<int64_t> given =
        part_.FirstWhole({"head_dim", "kv_channels", "attention_head_dim"});
    const Found<int64_t> global = part_.object.Whole("global_head_dim");
    if (options_.head_dim > 0) {
      SetHeadDim({{options_.head_dim, kStated}});
    } else if (IsLatent() && rope) {
      const int64_t before = nope ? nope->value : 0;
      SetHeadDim({{before + rope->value,
                   nope ? nope->source + " + " + rope->source : rope->source}});
    } else if (part_.Has(kGlobalHeadDim) && kind_ == kFull && global) {
      SetHeadDim(global);
    } else if (given && !part_.Has(kStrided)) {
      SetHeadDim(given);
    } else if (part_.type != nullptr && part_.type->head_dim > 0) {
      SetHeadDim({{part_.type->head_dim, part_.TypeSource()}});
    } else {
      DivideHiddenSize(given);
    }
  }

  // `given` counts where these are missing.
  void DivideHiddenSize(const Found<int64_t>& given) {
    const Found<int64_t> hidden =
        part_.Has(kEmbedDim) ? part_.object.Whole("embed_dim")
                             : part_.FirstWhole({"hidden_size", "n_embd",
                                                 "d_model", "embed_dim"});
    const Found<int64_t> heads =
        part_.FirstWhole({"num_attention_heads", "num_heads", "n_head",
                          "n_heads", "decoder_num_attention_heads"});
    if (!hidden || !heads) {
      if (given) return SetHeadDim(given);
      throw Refusal(part_.object.PathOf("head_dim"),
                    "is missing, and hidden size or number of heads too");
    }
    if (heads->value < 1) throw Refusal(heads->source, "must be 1 or more");
    SetHeadDim({{hidden->value / heads->value,
                 hidden->source + " / " + heads->source}});
  }

  void SetRotaryDim(const Found<int64_t>& found) {
    rotation_.Set("rotary_dim", &rotation_.config.rotary_dim, found);
  }

  // A number of elements, or a share of the head.
  void ReadRotaryDim() {
    const int64_t head_dim = rotation_.head_dim;
    const Found<int64_t> latent = part_.object.Whole("qk_rope_head_dim");
    const Found<int64_t> count = part_.object.Whole("rotary_dim");
    Found<double> share =
        part_.FirstNumber({"partial_rotary_factor", "rotary_pct",
                           "rotary_emb_fraction", "rope_pct"});
    // Which of the two counts, transformers decides by the scaling.
    const Found<std::string> scaling =
        rope_.Has("rope_type") ? rope_.Text("rope_type") : rope_.Text("type");
    const bool own_first = !scaling || scaling->value == "default" ||
                           scaling->value == "proportional";
    const Found<double> own = rope_.Number("partial_rotary_factor");
    if (own && (own_first || !share)) share = own;
    // It has a frequency for each pair of the head.
    const bool whole = scaling && scaling->value == "proportional";
    const Found<int64_t>& stated = IsLatent() && latent ? latent : count;
    if (stated && !whole) {
      SetRotaryDim(stated);
    } else if (share && !whole) {
      SetShare(*share);
    } else if (part_.type != nullptr && part_.type->share != 1.0 && !whole) {
      SetShare({part_.type->share, part_.TypeSource()});
    } else {
      SetRotaryDim({{head_dim, rotation_.SourceOf("head_dim")}});
    }
    if (IsLatent() || part_.Has(kLastOfHead)) {
      rotation_.Set(
          "rotary_offset", &rotation_.rotary_offset,
          {{head_dim - rotation_.config.rotary_dim, part_.TypeSource()}});
    }
  }

  void SetShare(const Sourced<double>& share) {
    if (!(share.value > 0.0 && share.value <= 1.0)) {
      throw Refusal(share.source, "must be above 0 and at most 1");
    }
    const double product =
        static_cast<double>(rotation_.head_dim) * share.value;
    SetRotaryDim({{static_cast<int64_t>(product), share.source}});
  }

  void ReadAxes() {
    Found<std::vector<double>> sections = rope_.Numbers("mrope_section");
    if (!sections) sections = part_.object.Numbers("mrope_section");
    const Found<bool> use = part_.object.Flag("use_mrope");
    // What it says follows from the model's type, here as in transformers.
    rope_.Ignore("mrope_interleaved");
    rope_.Ignore("interleaved");
    if (part_.Has(kBlocks)) {
      SetVisionAxes(ROTARY_AXES_BLOCKS);
    } else if (part_.Has(kStrided)) {
      SetVisionAxes(ROTARY_AXES_STRIDED);
    } else if (sections) {
      SetSections(*sections);
    } else if (part_.Has(kMropeInterleaved)) {
      // The classes' defaults, of 64 pairs and of 32.
      const bool half = rotation_.config.rotary_dim <= 64;
      SetSections({half ? std::vector<double>{11, 11, 10}
                        : std::vector<double>{24, 20, 20},
                   part_.TypeSource()});
    } else if ((use && use->value) || part_.Has(kMropeSections) ||
               part_.Has(kMropeInterleaved) || part_.Has(kMropeHwt)) {
      throw Refusal(rope_.PathOf("mrope_section"), "is missing");
    }
  }

  void SetVisionAxes(rotary_axes_layout layout) {
    rotation_.axes.num_axes = 2;
    rotation_.SetLayout(layout, part_.TypeSource());
    if (layout != ROTARY_AXES_BLOCKS) return;
    const int64_t each = rotation_.config.rotary_dim / 4;
    rotation_.axes.sections[0] = rotation_.axes.sections[1] = each;
    rotation_.Note("axes.sections",
                   TextOf(std::vector<double>(2, static_cast<double>(each))),
                   part_.TypeSource());
  }

  void SetSections(Sourced<std::vector<double>> sections) {
    if (options_.axes_layout >= 0) {
      rotation_.SetLayout(options_.axes_layout, kStated);
    } else if (part_.Has(kMropeSections)) {
      rotation_.SetLayout(ROTARY_AXES_SECTIONS, part_.TypeSource());
    } else if (part_.Has(kMropeInterleaved)) {
      rotation_.SetLayout(ROTARY_AXES_INTERLEAVED, part_.TypeSource());
    } else if (part_.Has(kMropeHwt)) {
      rotation_.SetLayout(ROTARY_AXES_ALTERNATING_LAST, part_.TypeSource());
    } else {
      throw Refusal(sections.source,
                    "has sections whose layout follows from no known "
                    "model_type: state the layout");
    }
    std::vector<double>& numbers = sections.value;
    // Ernie's are those of h, w, t.
    if (rotation_.axes.layout == ROTARY_AXES_ALTERNATING_LAST &&
        !numbers.empty()) {
      std::rotate(numbers.begin(), numbers.end() - 1, numbers.end());
    }
    rotation_.SetSections(sections);
  }

  const ConfigPart& part_;
  const JsonObject& rope_;
  const std::string& kind_;
  const rotary_import_options& options_;
  Rotation& rotation_;
};

}  // namespace

void ReadHead(const ConfigPart& part, const JsonObject& rope,
              const std::string& kind, const rotary_import_options& options,
              Rotation* rotation) {
  Reader(part, rope, kind, options, rotation).Read();
}

}  // namespace rotary_import
