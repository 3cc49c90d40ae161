#include "lib/import/config_model.h"

#include <math.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <memory>
#include <utility>

#include "lib/import/config_head.h"
#include "lib/import/config_part.h"
#include "lib/import/config_values.h"
#include "lib/import/json_object.h"
#include "lib/import/refusal.h"
#include "lib/import/rope_parameters.h"

namespace rotary_import {
namespace {

using nlohmann::json;

// Whether it has an object for each type of layer.
bool IsNested(const json& rope) {
  return std::any_of(rope.begin(), rope.end(),
                     [](const json& of) { return of.is_object(); });
}

class Reader {
 public:
  Reader(const JsonObject& root, const rotary_import_options& options)
      : options_(options), part_(FindPart(root, options.part)) {}

  Model Read() {
    model_.type = part_.type_name;
    kinds_ = LayerKinds(part_);
    if (!Rotates()) {
      model_.layers.assign(kinds_.size(), -1);
      return std::move(model_);
    }
    FindRope();
    if (rope_ != nullptr && IsNested(*rope_)) {
      ReadNested();
    } else {
      ReadFlat();
    }
    CheckAllRead();
    model_.SortByLayers();
    return std::move(model_);
  }

 private:
  bool Rotates() const {
    if (part_.type == nullptr) return true;
    if (part_.type->pairing == 0 && options_.pairing == 0) return false;
    if (part_.Has(kAlibiSwitch)) {
      const Found<bool> alibi = part_.object.Flag("alibi");
      if (alibi && alibi->value) return false;
    }
    if (!part_.Has(kRotaryPositions)) return true;
    const Found<std::string> positions =
        part_.object.Text("position_embedding_type");
    return positions && positions->value == "rotary";
  }

  // rope_scaling counts before rope_parameters, unless it is empty.
  void FindRope() {
    for (const char* key : {"rope_scaling", "rope_parameters"}) {
      const json* found = part_.object.Find(key);
      if (found == nullptr || rope_ != nullptr) continue;
      if (!found->is_object()) {
        throw Refusal(
            part_.object.PathOf(key),
            std::string("must be an object, not ") + found->type_name());
      }
      if (found->empty()) continue;
      rope_ = found;
      rope_path_ = part_.object.PathOf(key);
    }
    if (rope_ == nullptr && part_.Has(kNeedsScaling)) {
      throw Refusal(part_.object.PathOf("rope_parameters"),
                    "is missing, and model_type " + part_.type_name +
                        " has a scaling of its own then");
    }
  }

  // An object for each kind of layer; or for all that the file names.
  void ReadNested() {
    std::map<std::string, int64_t> of_kind;
    const JsonObject all(*rope_, rope_path_);
    const auto read = [&](const std::string& kind) {
      const std::optional<JsonObject> own = all.Object(kind);
      of_kind[kind] =
          own ? Add(kind, *own, BaseOf(part_, *own, kind), /*scaled=*/true)
              : -1;
    };
    std::vector<std::string> named;
    for (const std::string& kind : all.Keys()) {
      // Beside the types, where transformers does not read it.
      if (kind != "original_max_position_embeddings") named.push_back(kind);
    }
    if (kinds_.empty()) {
      for (const std::string& kind : named) read(kind);
      return;
    }
    for (const std::string& kind : kinds_) {
      const std::string name = NestedName(kind);
      if (!name.empty() && of_kind.count(name) == 0) {
        if (rope_->find(name) == rope_->end()) {
          throw Refusal(all.PathOf(name), "is missing");
        }
        read(name);
      }
      AddLayer(name.empty() ? -1 : of_kind[name]);
    }
  }

  std::string NestedName(const std::string& kind) const {
    if (!part_.Has(kMainCompress) || kind.empty()) return kind;
    return kind == kSliding ? "main" : "compress";
  }

  // One rope for all layers, or a full one and a sliding one.
  void ReadFlat() {
    static const json kNone = json::object();
    const JsonObject rope(rope_ != nullptr ? *rope_ : kNone, rope_path_);
    const bool two = part_.Has(kLocalBase) || part_.Has(kGlobalBase) ||
                     part_.Has(kScaledFull);
    if (part_.Has(kMainCompress)) return ReadMainAndCompress(rope);
    if (part_.Has(kGlobalHeadDim)) {
      throw Refusal(part_.object.PathOf("rope_parameters"),
                    "must have an object for each type of layer");
    }
    const int64_t full =
        Add(two ? kFull : "", rope, BaseOf(part_, rope, kFull), true);
    int64_t sliding = full;
    if (two) {
      const bool scaled = part_.Has(kGlobalBase);
      const JsonObject own(scaled ? rope : JsonObject(kNone, rope_path_));
      sliding = Add(kSliding, own, BaseOf(part_, rope, kSliding), scaled);
    }
    for (const std::string& kind : kinds_) {
      AddLayer(kind.empty() ? -1 : kind == kSliding ? sliding : full);
    }
  }

  // DeepSeek-V4: only what is compressed is scaled, without a gain.
  void ReadMainAndCompress(const JsonObject& rope) {
    static const json kNone = json::object();
    const int64_t main = Add("main", JsonObject(kNone, rope_path_),
                             BaseOf(part_, rope, kSliding), /*scaled=*/false);
    Found<double> base = part_.object.Number("compress_rope_theta");
    if (!base) base = {{160000.0, part_.TypeSource()}};
    const int64_t compress = Add("compress", rope, base, /*scaled=*/true);
    for (const std::string& kind : kinds_) {
      AddLayer(kind == kSliding ? main : compress);
    }
  }

  int64_t Add(const std::string& kind, const JsonObject& rope,
              const Found<double>& base, bool scaled) {
    auto rotation = std::make_unique<Rotation>();
    rotation->name = kind;
    ReadHead(part_, rope, kind, options_, rotation.get());
    rotation->Set("base", &rotation->config.base, base);
    const Found<double> length = TrainedLength(part_, options_.length);
    rotation->Set("trained_length", &rotation->trained_length, length);
    ReadQueryScaling(part_, rope, rotation.get());
    // Said here already.
    for (const char* key :
         {"rope_theta", "mrope_section", "mrope_interleaved",
          "partial_rotary_factor", "interleaved", "max_position_embeddings"}) {
      rope.Ignore(key);
    }
    RopeContext context;
    context.max_length = length;
    context.original_length =
        part_.object.Number("original_max_position_embeddings");
    context.length = options_.length;
    // Phi's configurations have an older name.
    context.yarn_is_longrope =
        part_.type_name == "phi3" || part_.type_name == "phi4_multimodal";
    if (scaled) ReadScaling(rope, context, rotation.get());
    if (part_.Has(kMainCompress) &&
        rotation->scaling.kind == ROTARY_SCALING_YARN &&
        rotation->scaling.attention_factor == 0.0) {
      rotation->Set("scaling.attention_factor",
                    &rotation->scaling.attention_factor,
                    {{1.0, part_.TypeSource()}});
    }
    if (part_.Has(kTwoPi)) {
      rotation->SetScaling(ROTARY_SCALING_LINEAR, part_.TypeSource());
      rotation->Set("scaling.factor", &rotation->scaling.factor,
                    {{0.5 / acos(-1.0), part_.TypeSource()}});
    }
    if (part_.Has(kLatent) ||
        (part_.type == nullptr && part_.object.Has("qk_rope_head_dim"))) {
      rotation->SetYarnSoftmax();
    }
    return model_.Add(std::move(rotation));
  }

  void AddLayer(int64_t rotation) {
    model_.layers.push_back(rotation);
    if (rotation >= 0) {
      ++model_.rotations[static_cast<size_t>(rotation)]->layers;
    }
  }

  // A key about the rotation that nobody has asked for is not understood.
  void CheckAllRead() const {
    // Of another attention, or of values that change nothing here.
    part_.object.Ignore("indexer_rope_interleave");
    for (const char* key :
         {"original_rope", "use_rotary_pos_emb", "use_rope"}) {
      const Found<bool> told = part_.object.Flag(key);
      if (told && !told->value) throw Refusal(told->source, "must be true");
    }
    for (const std::string& key : part_.object.Keys()) {
      std::string lower = key;
      std::transform(lower.begin(), lower.end(), lower.begin(),
                     [](unsigned char c) { return std::tolower(c); });
      const bool counts = lower.find("rope") != std::string::npos ||
                          lower.find("rotary") != std::string::npos;
      if (counts && part_.object.Has(key) && !part_.object.WasRead(key)) {
        throw Refusal(part_.object.PathOf(key), "is not understood");
      }
    }
  }

  const rotary_import_options& options_;
  ConfigPart part_;
  std::vector<std::string> kinds_;
  const json* rope_ = nullptr;
  std::string rope_path_ = "rope_parameters";
  Model model_;
};

}  // namespace

Model ModelOfConfig(const char* text, size_t size,
                    const rotary_import_options& options) {
  const json parsed = ParseJson(text, size);
  return Reader(JsonObject(parsed, ""), options).Read();
}

}  // namespace rotary_import
