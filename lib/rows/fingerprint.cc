#include "lib/rows/fingerprint.h"

#include <string.h>

#include "lib/rows/ggml.h"

namespace rotary {
namespace {

// Equal numbers have equal words: there is but one 0.
uint64_t WordOf(double value) {
  if (value == 0.0) return 0;
  uint64_t word;
  memcpy(&word, &value, sizeof(word));
  return word;
}

uint64_t WordOf(int64_t value) { return static_cast<uint64_t>(value); }

uint64_t BitsOf(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof(bits));
  return bits;
}

// A number as it is used, in f64 or f32.
double Used(const rotary_embedding& embedding, double value) {
  return embedding.config.arithmetic == Arithmetic::kExact
             ? value
             : static_cast<double>(static_cast<float>(value));
}

// What comes before the list of numbers for each pair.
constexpr int64_t kHeadWords = 13;

void MakeHeadWords(const rotary_embedding& embedding, uint64_t* head) {
  const EmbeddingConfig& config = embedding.config;
  const bool xpos = config.xpos != Xpos::kNone;
  const bool recurrent = config.arithmetic == Arithmetic::kGgml;
  const GgmlAngle ggml = recurrent ? GgmlAngleOf(config.model) : GgmlAngle{};
  const uint64_t words[kHeadWords] = {
      WordOf(embedding.pairs),
      WordOf(embedding.heads),
      WordOf(embedding.axes),
      WordOf(static_cast<int64_t>(config.arithmetic)),
      WordOf(static_cast<int64_t>(config.row_dtype)),
      WordOf(Used(embedding, embedding.gain)),
      WordOf(static_cast<int64_t>(config.xpos)),
      WordOf(xpos ? config.xpos_scale_base : 0.0),
      WordOf(xpos ? config.xpos_center : 0.0),
      WordOf(static_cast<double>(ggml.freq_scale)),
      WordOf(static_cast<double>(ggml.ext_factor)),
      WordOf(ggml.ramp.low),
      WordOf(ggml.ramp.high)};
  memcpy(head, words, sizeof(words));
}

// Of pair i of row `row` of [heads][axes].
uint64_t PairWord(const rotary_embedding& embedding, int64_t row, int64_t i) {
  const double inv_freq = embedding.inv_freq[row * embedding.padded_pairs + i];
  if (embedding.config.arithmetic != Arithmetic::kGgml || inv_freq == 0.0) {
    return WordOf(Used(embedding, inv_freq));
  }
  // The recurrence gives the frequency: by a step from the pair before, unless
  // it begins here; and the pair has a divisor.
  const bool begins = SourceOf(embedding.config.model, i).index == 0;
  const uint64_t step = begins ? ~uint64_t{0} : BitsOf(embedding.ggml.steps[i]);
  return step << 32 | BitsOf(embedding.ggml.divisors[i]);
}

// All words of an embedding.
class Words {
 public:
  explicit Words(const rotary_embedding& embedding) : embedding_(embedding) {
    MakeHeadWords(embedding, head_);
  }

  int64_t count() const {
    return kHeadWords + embedding_.heads * embedding_.axes * embedding_.pairs;
  }

  uint64_t operator[](int64_t i) const {
    if (i < kHeadWords) return head_[i];
    i -= kHeadWords;
    return PairWord(embedding_, i / embedding_.pairs, i % embedding_.pairs);
  }

 private:
  const rotary_embedding& embedding_;
  uint64_t head_[kHeadWords];
};

}  // namespace

uint64_t Fingerprint(const rotary_embedding& embedding) {
  // FNV-1a by words, each of which is stirred by the finalizer of SplitMix64.
  uint64_t hash = 0xcbf29ce484222325;
  const Words words(embedding);
  for (int64_t i = 0; i < words.count(); ++i) {
    uint64_t word = words[i] + 0x9e3779b97f4a7c15;
    word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9;
    word = (word ^ (word >> 27)) * 0x94d049bb133111eb;
    hash = (hash ^ word ^ (word >> 31)) * 0x100000001b3;
    hash ^= hash >> 32;
  }
  return hash;
}

bool HaveSameRotation(const rotary_embedding& a, const rotary_embedding& b) {
  const Words x(a);
  const Words y(b);
  if (x.count() != y.count()) return false;
  for (int64_t i = 0; i < x.count(); ++i) {
    if (x[i] != y[i]) return false;
  }
  return true;
}

}  // namespace rotary
