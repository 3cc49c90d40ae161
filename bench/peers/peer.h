// A peer: another library that rotates, ready to be run on a case.  ggml.cc,
// onnxruntime.cc and pytorch.cc each have one; used by contest.cc.

#ifndef ROTARY_BENCH_PEERS_PEER_H_
#define ROTARY_BENCH_PEERS_PEER_H_

#include <stdint.h>

#include <memory>
#include <string>
#include <vector>

#include "bench/cases.h"
#include "bench/memory.h"

namespace rotary_bench {

class Peer {
 public:
  Peer() = default;
  virtual ~Peer() = default;
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  // Rotates all tensors so many times, from memory.x to memory.y, in place, or
  // to where the peer puts its outputs.
  virtual void Run(int64_t calls) = 0;

  // Brings outputs that are elsewhere to memory.y.
  virtual void FetchOutput() {}
};

struct PeerLibrary {
  const char* name;
  // Whether each call makes cos and sin from positions.  Else it is given them.
  bool makes_rows;
  // Whether it uses as many threads as it likes of those that it may.
  bool chooses_threads;
  std::string (*version)();
  bool (*serves)(const Case& c);
  // Every way to do it with so many threads that may be the best.
  std::vector<std::unique_ptr<Peer>> (*ways)(const Case& c,
                                             const Memory& memory, int threads);
};

// Of them those that were found when this was built.
extern const PeerLibrary kGgml;
extern const PeerLibrary kOnnxRuntime;
extern const PeerLibrary kPyTorch;

// The cos and sin of a workload by the formula, [tokens][pairs].
struct Tables {
  explicit Tables(const Workload& workload);

  std::vector<float> cos;
  std::vector<float> sin;
};

}  // namespace rotary_bench

#endif  // ROTARY_BENCH_PEERS_PEER_H_
