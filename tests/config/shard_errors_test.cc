// What is wrong with the arguments of rotary_shard.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "tests/config/valid_call.h"

namespace rotary_test {
namespace {

// A valid call to be spoiled.
struct ShardCall {
  ShardCall() : memory(16, 5) {}
  ShardCall(const ShardCall&) = delete;
  ShardCall& operator=(const ShardCall&) = delete;
  ~ShardCall() = default;

  rotary_status Run(rotary_error* error) const {
    return rotary_shard(kind, rank, ranks, tokens, starts, cu_seqlens, error);
  }

  std::vector<int64_t> memory;
  rotary_shard_kind kind = ROTARY_SHARD_ZIGZAG;
  int64_t rank = 1;
  int64_t ranks = 3;
  int64_t tokens = 100;
  int64_t* starts = memory.data() + 4;
  int64_t* cu_seqlens = memory.data() + 10;
};

void CheckSpoiled(const std::function<void(ShardCall*)>& spoil,
                  const Wrong& expected) {
  for (const rotary_shard_kind kind :
       {ROTARY_SHARD_ZIGZAG, ROTARY_SHARD_CONTIGUOUS}) {
    ShardCall call;
    call.kind = kind;
    spoil(&call);
    const std::vector<int64_t> before = call.memory;
    CheckRefused([&](rotary_error* error) { return call.Run(error); },
                 expected);
    CHECK(call.memory == before);
  }
}

// Writes its results, and nothing else.
void CheckShardAccepted(const ShardCall& call) {
  const std::vector<int64_t> before = call.memory;
  rotary_error error;
  RequireOk(call.Run(&error), error);
  const int64_t starts = call.starts - call.memory.data();
  const int64_t cu_seqlens = call.cu_seqlens - call.memory.data();
  for (int64_t i = 0; i < static_cast<int64_t>(before.size()); ++i) {
    const bool written = (i >= starts && i < starts + 2) ||
                         (i >= cu_seqlens && i < cu_seqlens + 3);
    const auto at = static_cast<size_t>(i);
    CHECK((call.memory[at] != before[at]) == written);
  }
}

TEST_CASE("shards: the call that the others spoil is valid") {
  CheckShardAccepted(ShardCall());
  for (const int64_t apart : {-3, 2}) {
    ShardCall close;
    close.cu_seqlens = close.starts + apart;
    CheckShardAccepted(close);
  }
}

TEST_CASE("shards: kinds, ranks and lengths that there are not") {
  for (const int32_t kind : {0, -1, 3, INT32_MAX, INT32_MIN}) {
    CheckSpoiled([=](ShardCall* call) { call->kind = kind; }, {"kind", kind});
  }
  for (const int64_t ranks :
       {int64_t{0}, int64_t{-1}, kMin64, kMax64 / 2 + 1, kMax64}) {
    CheckSpoiled([=](ShardCall* call) { call->ranks = ranks; },
                 {"ranks", ranks});
  }
  for (const int64_t rank :
       {int64_t{-1}, int64_t{3}, int64_t{4}, kMin64, kMax64}) {
    CheckSpoiled([=](ShardCall* call) { call->rank = rank; }, {"rank", rank});
  }
  for (const int64_t tokens : {int64_t{-1}, kMin64}) {
    CheckSpoiled([=](ShardCall* call) { call->tokens = tokens; },
                 {"tokens", tokens});
  }
}

TEST_CASE("shards: the results need memory of their own") {
  CheckSpoiled([](ShardCall* call) { call->starts = nullptr; }, {"starts"});
  CheckSpoiled([](ShardCall* call) { call->cu_seqlens = nullptr; },
               {"cu_seqlens"});
  for (const int64_t apart : {-2, -1, 0, 1}) {
    ShardCall call;
    call.cu_seqlens = call.starts + apart;
    const std::vector<int64_t> before = call.memory;
    Wrong overlap = {"cu_seqlens", reinterpret_cast<intptr_t>(call.cu_seqlens)};
    overlap.status = ROTARY_ERROR_OVERLAP;
    CheckRefused([&](rotary_error* error) { return call.Run(error); }, overlap);
    CHECK(call.memory == before);
  }
}

}  // namespace
}  // namespace rotary_test
