// Calls on several tensors whose heads may each have a row of its own, run on
// every target, by threads and in slices, and compared with the reference.
// Used by the tests of a caller's own cos and sin, and of rows of each head.
#ifndef TESTS_APPLY_CALL_CHECK_H_
#define TESTS_APPLY_CALL_CHECK_H_

#include <rotary/rotary.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/apply/formats.h"
#include "tests/support/random.h"
#include "tests/support/strided.h"

namespace rotary_test {

// What each head of each token is to be rotated by.
struct HeadRows {
  int64_t rotary_dim;
  int64_t tokens;
  int64_t heads;  // 1: all heads of a token share its row
  // [batch][tokens][heads][rotary_dim / 2]
  std::vector<float> cos;
  std::vector<float> sin;
  // [batch][tokens][heads]: ROTARY_NO_POSITION_I64, or anything else
  std::vector<int64_t> positions;
  std::vector<bool> padding = {};  // [tokens], or empty: none is padding

  HeadRows(int64_t rotary_dim_, int64_t batch, int64_t tokens_, int64_t heads_);
};

struct TensorKind {
  Formats formats;
  bool in_place;
  int64_t heads;
  int64_t head_dim;
  int64_t rotary_offset = 0;
  int64_t gap = 0;  // behind each head
};

// Of one dtype and pairing, in place.
inline TensorKind Simple(rotary_pairing pairing, int64_t heads,
                         int64_t head_dim) {
  return {{ROTARY_F32, ROTARY_F32, pairing, pairing}, true, heads, head_dim};
}

// Queries, keys with fewer heads, a tensor without any, and one more, in any
// formats, some of them in place.
std::vector<TensorKind> DrawKinds(Random* random, int64_t heads,
                                  int64_t rotary_dim);

// The tensors of one call, in guarded memory.
class CallTensors {
 public:
  CallTensors(int64_t batch, int64_t tokens,
              const std::vector<TensorKind>& kinds, uint64_t seed = 1);

  rotary_apply_args Args() const;

  // To what they were at first.
  void Reset() const;
  // Whether all memory holds what it held at first.
  bool Untouched() const;
  // How a tensor differs from what must become of it; empty: none does, nor
  // was anything else written.
  std::string Differs(const HeadRows& rows, bool transpose) const;
  // Whether every output has the bits that it had at the last Keep.
  void Keep();
  bool AsKept() const;

 private:
  struct Member {
    TensorKind kind;
    std::unique_ptr<StridedTensor> input;
    std::unique_ptr<StridedTensor> output;  // null: in place
    std::unique_ptr<Snapshot> input_before;
    std::unique_ptr<Snapshot> output_before;
    std::unique_ptr<Snapshot> kept;

    const StridedTensor& written() const { return output ? *output : *input; }
    const Snapshot& written_before() const {
      return output ? *output_before : *input_before;
    }
    // Memory that was written, taken for what the output is.
    View Output(const View& memory) const { return memory.As(kind.formats.to); }
  };

  int64_t batch_;
  int64_t tokens_;
  std::vector<Member> members_;
  std::vector<rotary_tensor> tensors_;
};

// A call of these tensors, with the source of its rows; tensors and target are
// set here.  On the first target it is compared with the reference, the others
// must give the same bits.  The outputs are kept.
void CheckCall(CallTensors* tensors, const HeadRows& rows,
               const rotary_apply_args& args);

// The same call must give the bits that were kept, with any number of threads;
// and as a prepared call on every target, cut into so many slices, which are
// run in any order when the structs it was made of are gone.
void CheckThreads(const CallTensors& tensors, const rotary_apply_args& args);
void CheckSlices(const CallTensors& tensors, const rotary_apply_args& args,
                 const std::vector<int64_t>& counts);

}  // namespace rotary_test

#endif  // TESTS_APPLY_CALL_CHECK_H_
