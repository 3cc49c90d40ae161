// ONNX Runtime: a session of RotaryEmbedding nodes, whose inputs and outputs
// are bound to the memory before the clock runs; in place, an output is bound
// to its input's.  It reads cos and sin by position from a cache, in the dtype
// of the tensors, rotates heads from their start, and has f32 and f16.

#include <fcntl.h>
#include <onnxruntime_cxx_api.h>
#include <unistd.h>

#include <algorithm>

#include "bench/peers/onnx_model.h"
#include "bench/peers/peer.h"

namespace rotary_bench {
namespace {

// No errors are printed while it lives.
class Silence {
 public:
  Silence() : errors_(dup(STDERR_FILENO)) {
    const int nowhere = open("/dev/null", O_WRONLY);
    dup2(nowhere, STDERR_FILENO);
    close(nowhere);
  }
  ~Silence() {
    dup2(errors_, STDERR_FILENO);
    close(errors_);
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;

 private:
  const int errors_;
};

// Where PyTorch has the same library of operators in the process, that library
// tells of each operator that it is registered already.
Ort::Session MakeSession(const std::string& model, int threads) {
  const Silence silence;
  static const Ort::Env environment(ORT_LOGGING_LEVEL_ERROR, "rotary_peers");
  Ort::SessionOptions options;
  options.SetIntraOpNumThreads(threads);
  options.SetInterOpNumThreads(1);
  return Ort::Session(environment, model.data(), model.size(), options);
}

class OnnxRuntimePeer : public Peer {
 public:
  OnnxRuntimePeer(const Case& c, const Memory& memory, int threads)
      : memory_info_(
            Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault)),
        type_(c.input->value == ROTARY_F32
                  ? ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT
                  : ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16) {
    const Workload& workload = *c.workload;
    for (int64_t token = 0; token < workload.tokens; ++token) {
      ids_.push_back(static_cast<int64_t>(workload.positions.of(token, 0)));
    }
    const int64_t rows = *std::max_element(ids_.begin(), ids_.end()) + 1;
    MakeCaches(c, rows);
    session_ = MakeSession(OnnxModel(c, rows), threads);
    binding_ = Ort::IoBinding(session_);

    const int64_t tokens = workload.tokens;
    int i = 0;
    for (const TensorPlace& place : Tensors(workload)) {
      const std::string index = std::to_string(i++);
      const int64_t first_byte = place.first_element * c.input->bytes;
      const std::vector<int64_t> shape = {1, tokens,
                                          place.heads * workload.head_dim};
      unsigned char* input = memory.x.data() + first_byte;
      unsigned char* output = memory.y.data() + first_byte;
      Bind("x" + index, input, shape, false);
      Bind("y" + index, c.out_of_place ? output : input, shape, true);
    }
    const int64_t shape[] = {1, tokens};
    binding_.BindInput("positions",
                       Ort::Value::CreateTensor<int64_t>(
                           memory_info_, ids_.data(), ids_.size(), shape, 2));
    const int64_t pairs = workload.rotary_dim / 2;
    Bind("cos", cos_.data(), {rows, pairs}, false);
    Bind("sin", sin_.data(), {rows, pairs}, false);
  }

  void Run(int64_t calls) override {
    for (int64_t i = 0; i < calls; ++i) session_.Run(run_options_, binding_);
  }

 private:
  void MakeCaches(const Case& c, int64_t rows) {
    const Tables tables(*c.workload);
    const int64_t pairs = c.workload->rotary_dim / 2;
    const size_t bytes = static_cast<size_t>(rows * pairs * c.input->bytes);
    cos_.resize(bytes);
    sin_.resize(bytes);
    for (size_t token = 0; token < ids_.size(); ++token) {
      for (int64_t pair = 0; pair < pairs; ++pair) {
        const size_t from =
            token * static_cast<size_t>(pairs) + static_cast<size_t>(pair);
        const int64_t to = ids_[token] * pairs + pair;
        c.input->write(cos_.data(), to, tables.cos[from]);
        c.input->write(sin_.data(), to, tables.sin[from]);
      }
    }
  }

  void Bind(const std::string& name, void* data,
            const std::vector<int64_t>& shape, bool is_output) {
    size_t bytes = type_ == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT ? 4 : 2;
    for (const int64_t size : shape) bytes *= static_cast<size_t>(size);
    const Ort::Value value = Ort::Value::CreateTensor(
        memory_info_, data, bytes, shape.data(), shape.size(), type_);
    if (is_output) {
      binding_.BindOutput(name.c_str(), value);
    } else {
      binding_.BindInput(name.c_str(), value);
    }
  }

  const Ort::MemoryInfo memory_info_;
  const ONNXTensorElementDataType type_;
  const Ort::RunOptions run_options_;
  std::vector<int64_t> ids_;
  std::vector<unsigned char> cos_;
  std::vector<unsigned char> sin_;
  Ort::Session session_{nullptr};
  Ort::IoBinding binding_{nullptr};
};

bool Serves(const Case& c) {
  return c.input->value != ROTARY_BF16 && c.workload->rotary_offset == 0;
}

std::string Version() { return Ort::GetVersionString(); }

std::vector<std::unique_ptr<Peer>> Ways(const Case& c, const Memory& memory,
                                        int threads) {
  std::vector<std::unique_ptr<Peer>> ways;
  ways.push_back(std::make_unique<OnnxRuntimePeer>(c, memory, threads));
  return ways;
}

}  // namespace

const PeerLibrary kOnnxRuntime = {"onnxruntime", false,   false,
                                  &Version,      &Serves, &Ways};

}  // namespace rotary_bench
