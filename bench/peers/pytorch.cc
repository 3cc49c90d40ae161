// PyTorch, eagerly: as models of HF write it for half pairing, and as complex
// numbers for interleaved.  cos and sin are made before the clock runs.  It
// chooses its threads by the size of each operation, and puts its outputs where
// it likes; in place it has complex numbers of f32 alone.

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <torch/version.h>

#include <limits>

#include "bench/peers/peer.h"

namespace rotary_bench {
namespace {

// Outputs and temporaries would be new pages in each call: freed memory is
// kept, and is in huge pages, as the memory of the others is.
void KeepFreedMemory() {
  setenv("THP_MEM_ALLOC_ENABLE", "1", 1);
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
}

at::ScalarType TypeOf(const Dtype& dtype) {
  switch (dtype.value) {
    case ROTARY_BF16:
      return at::kBFloat16;
    case ROTARY_F16:
      return at::kHalf;
    default:
      return at::kFloat;
  }
}

at::Tensor RotateHalf(const at::Tensor& x) {
  const int64_t half = x.size(-1) / 2;
  return at::cat({-x.slice(-1, half), x.slice(-1, 0, half)}, -1);
}

class PyTorchPeer : public Peer {
 public:
  PyTorchPeer(const Case& c, const Memory& memory, int threads)
      : case_(c), memory_(memory), threads_before_(at::get_num_threads()) {
    at::set_num_threads(threads);
    const c10::InferenceMode inference;
    const Workload& workload = *c.workload;
    const at::ScalarType type = TypeOf(*c.input);
    Tables tables(workload);
    const std::vector<int64_t> table_shape = {workload.tokens,
                                              workload.rotary_dim / 2};
    const at::Tensor cos = at::from_blob(tables.cos.data(), table_shape);
    const at::Tensor sin = at::from_blob(tables.sin.data(), table_shape);
    // Of shapes that fit to [batch][heads][tokens][elements], and to
    // [batch][tokens][heads][pairs].
    cos_ = at::cat({cos, cos}, -1).to(type).unsqueeze(0).unsqueeze(1);
    sin_ = at::cat({sin, sin}, -1).to(type).unsqueeze(0).unsqueeze(1);
    turns_ = at::complex(cos, sin).unsqueeze(0).unsqueeze(2);
    for (const TensorPlace& place : Tensors(workload)) {
      inputs_.push_back(
          at::from_blob(memory.x.data() + place.first_element * c.input->bytes,
                        {1, workload.tokens, place.heads, workload.head_dim},
                        at::TensorOptions().dtype(type)));
    }
    outputs_.resize(inputs_.size());
  }

  // The number counts for all OpenMP code that this thread calls.
  ~PyTorchPeer() override { at::set_num_threads(threads_before_); }

  void Run(int64_t calls) override {
    const c10::InferenceMode inference;
    for (int64_t i = 0; i < calls; ++i) {
      for (size_t t = 0; t < inputs_.size(); ++t) {
        if (!case_.out_of_place) {
          RotateInPlace(inputs_[t]);
        } else if (case_.pairing == ROTARY_HALF) {
          outputs_[t] = Rotate(inputs_[t].transpose(1, 2)).transpose(1, 2);
        } else {
          outputs_[t] = Rotate(inputs_[t]);
        }
      }
    }
  }

  void FetchOutput() override {
    if (!case_.out_of_place) return;
    unsigned char* to = memory_.y.data();
    for (const at::Tensor& output : outputs_) {
      const at::Tensor dense = output.contiguous();
      memcpy(to, dense.data_ptr(), dense.nbytes());
      to += dense.nbytes();
    }
  }

 private:
  // All of each head, as the caller needs it.
  at::Tensor Rotate(const at::Tensor& x) const {
    const int64_t offset = case_.workload->rotary_offset;
    if (offset == 0) return RotateTail(x);
    return at::cat({x.slice(-1, 0, offset), RotateTail(x.slice(-1, offset))},
                   -1);
  }

  at::Tensor RotateTail(const at::Tensor& x) const {
    if (case_.pairing == ROTARY_HALF) {
      return x * cos_ + RotateHalf(x) * sin_;
    }
    const at::Tensor turned = AsComplex(x.to(at::kFloat)) * turns_;
    return at::view_as_real(turned).flatten(3).to(x.scalar_type());
  }

  void RotateInPlace(const at::Tensor& x) const {
    AsComplex(x.slice(-1, case_.workload->rotary_offset)).mul_(turns_);
  }

  static at::Tensor AsComplex(const at::Tensor& x) {
    return at::view_as_complex(x.unflatten(-1, {-1, 2}));
  }

  const Case case_;
  const Memory& memory_;
  const int threads_before_;
  at::Tensor cos_;
  at::Tensor sin_;
  at::Tensor turns_;
  std::vector<at::Tensor> inputs_;
  std::vector<at::Tensor> outputs_;
};

bool Serves(const Case& c) {
  return c.out_of_place ||
         (c.pairing == ROTARY_INTERLEAVED && c.input->value == ROTARY_F32);
}

std::string Version() { return TORCH_VERSION; }

std::vector<std::unique_ptr<Peer>> Ways(const Case& c, const Memory& memory,
                                        int threads) {
  static const bool is_prepared = (KeepFreedMemory(), true);
  static_cast<void>(is_prepared);
  std::vector<std::unique_ptr<Peer>> ways;
  ways.push_back(std::make_unique<PyTorchPeer>(c, memory, threads));
  return ways;
}

}  // namespace

const PeerLibrary kPyTorch = {"pytorch", false, true, &Version, &Serves, &Ways};

}  // namespace rotary_bench
