// Which cases are made of the workloads, and which run by default.

#include "bench/cases.h"

namespace rotary_bench {
namespace {

constexpr int kThreads[] = {1, 2, 0};

// What may be combined with each dtype and workload.
void AddCases(Case c, std::vector<Case>* cases) {
  const bool has_rows = c.workload->rows != RowSource::kCosSinView;
  for (const rotary_pairing pairing : {ROTARY_HALF, ROTARY_INTERLEAVED}) {
    for (const bool out_of_place : {false, true}) {
      if (c.input != c.output && !out_of_place) continue;
      for (const int threads : kThreads) {
        for (const bool kept_rows : {false, true}) {
          if (kept_rows && !has_rows) continue;
          for (const bool prepared : {false, true}) {
            if (prepared && !c.workload->full_set) continue;
            if (prepared && threads != 1) continue;  // it has slices
            c.pairing = pairing;
            c.out_of_place = out_of_place;
            c.kept_rows = kept_rows;
            c.prepared = prepared;
            c.threads = threads;
            cases->push_back(c);
          }
        }
      }
    }
  }
}

size_t Bytes(const Case& c, const Dtype& dtype) {
  return static_cast<size_t>(Elements(*c.workload) * dtype.bytes);
}

}  // namespace

std::string Name(const Case& c) {
  const std::string to =
      c.input == c.output ? "" : std::string("-") + c.output->name;
  return std::string("rotate/") + c.workload->name + "/" + c.input->name + to +
         (c.pairing == ROTARY_HALF ? "/half" : "/interleaved") +
         (c.out_of_place ? "/out" : "/in") + "/t" + std::to_string(c.threads) +
         (c.kept_rows ? "/rows" : "") + (c.prepared ? "/prepared" : "");
}

size_t InputBytes(const Case& c) { return Bytes(c, *c.input); }
size_t OutputBytes(const Case& c) { return Bytes(c, *c.output); }

bool MovesTails(const Case& c) {
  return !c.out_of_place && c.workload->rotary_dim < c.workload->head_dim;
}

size_t MovedBytes(const Case& c) {
  const size_t all = InputBytes(c) + OutputBytes(c);
  if (!MovesTails(c)) return all;
  return all / static_cast<size_t>(c.workload->head_dim) *
         static_cast<size_t>(c.workload->rotary_dim);
}

bool ReadsRows(const Case& c) {
  return c.kept_rows || c.workload->rows == RowSource::kCosSinView;
}

std::vector<Case> AllCases() {
  std::vector<Case> cases;
  for (const Workload& workload : kWorkloads) {
    for (const Dtype& input : kDtypes) {
      for (const Dtype& output : kDtypes) {
        if (&input != &output && !workload.full_set) continue;
        Case c = {};
        c.workload = &workload;
        c.input = &input;
        c.output = &output;
        AddCases(c, &cases);
      }
    }
  }
  return cases;
}

bool InDefaultSet(const Case& c) {
  if (c.input != c.output) return false;
  const bool plain = c.pairing == ROTARY_HALF && !c.out_of_place &&
                     c.threads == 1 && !c.kept_rows && !c.prepared;
  const int64_t tokens = c.workload->tokens;
  if (c.input->value != ROTARY_F32) {
    return plain && c.workload->full_set && tokens < 8192;
  }
  if (!c.workload->full_set) return plain;
  const bool half = c.pairing == ROTARY_HALF;
  if (c.prepared) return tokens == 1 && half && !c.out_of_place;
  if (c.threads != 1) {
    return tokens >= 512 && half && !c.out_of_place && !c.kept_rows;
  }
  if (c.out_of_place) return tokens >= 8192 && half && !c.kept_rows;
  return half || !c.kept_rows;
}

}  // namespace rotary_bench
