// The table of workloads, and what follows from a row of it.

#include "bench/workloads.h"

namespace rotary_bench {
namespace {

constexpr int64_t kPictureColumns = 64;

double Deep(int64_t, int64_t) { return 1234; }
double Scattered(int64_t token, int64_t) {
  return static_cast<double>((token * 2657 + 11) % 4096);
}
double Consecutive(int64_t token, int64_t) {
  return static_cast<double>(token);
}
double FarConsecutive(int64_t token, int64_t) {
  return static_cast<double>(500000 + token);
}
double RandomBelowMillion(int64_t token, int64_t) {
  uint64_t bits = (static_cast<uint64_t>(token) + 1) * 0x9E3779B97F4A7C15u;
  bits = (bits ^ (bits >> 32)) * 0xD6E8FEB86659FD93u;
  return static_cast<double>((bits >> 32) % 1000000);
}
double RowAndColumn(int64_t token, int64_t axis) {
  return static_cast<double>(axis == 0 ? token / kPictureColumns
                                       : token % kPictureColumns);
}
// Of a picture that was scaled down.
double RealRowAndColumn(int64_t token, int64_t axis) {
  return 0.37 * RowAndColumn(token, axis) + 0.21;
}

constexpr Positions kDeep = {1, ROTARY_I32, &Deep};
constexpr Positions kScattered = {1, ROTARY_I32, &Scattered};
constexpr Positions kInOrder = {1, ROTARY_I32, &Consecutive};
constexpr Positions kFar = {1, ROTARY_I32, &FarConsecutive};
constexpr Positions kRandom = {1, ROTARY_I32, &RandomBelowMillion};
constexpr Positions kPicture = {2, ROTARY_I32, &RowAndColumn};
constexpr Positions kRealPicture = {2, ROTARY_F64, &RealRowAndColumn};

constexpr Layout kBSHD = Layout::kTokensHeads;
constexpr Layout kBHSD = Layout::kHeadsTokens;
constexpr RowSource kExact = RowSource::kEmbedding;
constexpr RowSource kHf = RowSource::kHfEmbedding;
constexpr RowSource kView = RowSource::kCosSinView;

}  // namespace

// Name, tokens, heads of queries and keys, head_dim, rotary_dim, rotary_offset.
const Workload kWorkloads[kNumWorkloads] = {
    {"D1", 1, 32, 8, 128, 128, 0, 5e5, kBSHD, kDeep, kExact, true},
    {"D64", 64, 32, 8, 128, 128, 0, 5e5, kBSHD, kScattered, kExact, true},
    {"P512", 512, 32, 8, 128, 128, 0, 5e5, kBSHD, kInOrder, kExact, true},
    {"P8192", 8192, 32, 8, 128, 128, 0, 5e5, kBSHD, kInOrder, kExact, true},
    {"L1M", 64, 32, 8, 128, 128, 0, 5e5, kBSHD, kRandom, kExact},
    {"S64", 64, 32, 8, 128, 128, 0, 5e5, kBSHD, kFar, kExact},
    {"L1M8192", 8192, 32, 8, 128, 128, 0, 5e5, kBSHD, kRandom, kExact},
    {"M", 512, 128, 0, 192, 64, 128, 1e4, kBSHD, kInOrder, kExact},
    {"G8", 512, 8, 0, 128, 128, 0, 5e5, kBSHD, kInOrder, kExact},
    {"G8L", 8192, 8, 0, 128, 128, 0, 5e5, kBSHD, kInOrder, kExact},
    {"MQA", 8192, 1, 0, 128, 128, 0, 5e5, kBSHD, kInOrder, kExact},
    {"KPE", 8192, 1, 0, 64, 64, 0, 1e4, kBSHD, kInOrder, kExact},
    {"H80", 512, 32, 8, 80, 80, 0, 1e4, kBSHD, kInOrder, kExact},
    {"H96", 512, 32, 8, 96, 96, 0, 1e4, kBSHD, kInOrder, kExact},
    {"H256", 512, 16, 4, 256, 256, 0, 1e4, kBSHD, kInOrder, kExact},
    {"H256L", 8192, 16, 4, 256, 256, 0, 1e4, kBSHD, kInOrder, kExact},
    {"BHSD", 512, 32, 8, 128, 128, 0, 5e5, kBHSD, kInOrder, kExact},
    {"V2D", 4096, 16, 0, 80, 80, 0, 1e4, kBSHD, kPicture, kExact},
    {"V2DF", 4096, 16, 0, 80, 80, 0, 1e4, kBSHD, kRealPicture, kExact},
    {"VIEW", 512, 32, 8, 128, 128, 0, 5e5, kBSHD, kInOrder, kView},
    {"P512C", 512, 32, 8, 128, 128, 0, 5e5, kBSHD, kInOrder, kHf}};

std::vector<TensorPlace> Tensors(const Workload& workload) {
  std::vector<TensorPlace> tensors;
  int64_t first_element = 0;
  for (const int64_t heads : {workload.query_heads, workload.key_heads}) {
    if (heads == 0) continue;
    const bool by_token = workload.layout == Layout::kTokensHeads;
    tensors.push_back(
        {first_element, heads,
         by_token ? heads * workload.head_dim : workload.head_dim,
         by_token ? workload.head_dim : workload.tokens * workload.head_dim});
    first_element += workload.tokens * heads * workload.head_dim;
  }
  return tensors;
}

int64_t TokenElements(const Workload& workload) {
  return (workload.query_heads + workload.key_heads) * workload.head_dim;
}

int64_t Elements(const Workload& workload) {
  return workload.tokens * TokenElements(workload);
}

size_t RowBytes(const Workload& workload) {
  const size_t pairs = static_cast<size_t>(workload.rotary_dim) / 2;
  if (workload.rows == RowSource::kCosSinView) {
    return 2 * pairs * sizeof(uint16_t);
  }
  return 2 * ((pairs * sizeof(float) + 63) / 64 * 64);
}

}  // namespace rotary_bench
