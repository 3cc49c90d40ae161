// ggml: a graph with a rope for each tensor, planned before the clock runs, on
// its best CPU backend.  It makes cos and sin from positions, once for each
// tensor, and has no rope of bf16.

#include <ggml-backend.h>
#include <ggml-cpp.h>
#include <ggml-cpu.h>
#include <ggml.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/peers/peer.h"

namespace rotary_bench {
namespace {

constexpr size_t kContextBytes = size_t{1} << 20;  // of a graph without data

// Its threads spin after a call, by default for longer than measure.cc waits.
// The least that is not 0 spans the time to the next call as well.
constexpr uint32_t kPoll = 1;

void Require(bool is_right, const char* what) {
  if (is_right) return;
  fprintf(stderr, "rotary_peers: ggml: %s\n", what);
  exit(EXIT_FAILURE);
}

ggml_backend_dev_t Cpu() {
  static const ggml_backend_dev_t cpu = [] {
    ggml_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
    ggml_backend_load_all();
    return ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
  }();
  Require(cpu != nullptr, "has no CPU backend");
  return cpu;
}

// What a backend that is loaded at run time has beside the common interface.
template <class Function>
Function Find(const char* name) {
  void* found = ggml_backend_reg_get_proc_address(
      ggml_backend_dev_backend_reg(Cpu()), name);
  Require(found != nullptr, name);
  return reinterpret_cast<Function>(found);
}

// What a rope is given: heads, and where in them it begins; or a view of what
// is to be rotated.
enum class Form { kHeads, kTails };

class GgmlPeer : public Peer {
 public:
  GgmlPeer(const Case& c, const Memory& memory, int threads, Form form)
      : context_(ggml_init({kContextBytes, nullptr, true})),
        backend_(ggml_backend_dev_init(Cpu(), nullptr)) {
    const Workload& workload = *c.workload;
    for (int64_t token = 0; token < workload.tokens; ++token) {
      ids_.push_back(static_cast<int32_t>(workload.positions.of(token, 0)));
    }
    ggml_tensor* positions =
        ggml_new_tensor_1d(context_.get(), GGML_TYPE_I32, workload.tokens);
    positions->data = ids_.data();

    ggml_cgraph* graph = ggml_new_graph(context_.get());
    for (const TensorPlace& place : Tensors(workload)) {
      ggml_build_forward_expand(graph, Rope(c, memory, place, positions, form));
    }
    UsePool(threads);
    plan_ = ggml_backend_graph_plan_create(backend_.get(), graph);
    Require(plan_ != nullptr, "no plan");
  }

  ~GgmlPeer() override {
    ggml_backend_graph_plan_free(backend_.get(), plan_);
    backend_.reset();
    Find<decltype(&ggml_threadpool_free)>("ggml_threadpool_free")(pool_);
  }

  void Run(int64_t calls) override {
    for (int64_t i = 0; i < calls; ++i) {
      ggml_backend_graph_plan_compute(backend_.get(), plan_);
    }
  }

 private:
  ggml_tensor* Rope(const Case& c, const Memory& memory,
                    const TensorPlace& place, ggml_tensor* positions,
                    Form form) {
    const Workload& workload = *c.workload;
    const ggml_type type =
        c.input->value == ROTARY_F32 ? GGML_TYPE_F32 : GGML_TYPE_F16;
    const int64_t first_byte = place.first_element * c.input->bytes;
    ggml_tensor* input = ggml_new_tensor_3d(
        context_.get(), type, workload.head_dim, place.heads, workload.tokens);
    input->data = memory.x.data() + first_byte;
    const bool is_tail = form == Form::kTails;
    if (is_tail) {
      input = ggml_view_3d(
          context_.get(), input, workload.rotary_dim, place.heads,
          workload.tokens, input->nb[1], input->nb[2],
          static_cast<size_t>(workload.rotary_offset) * input->nb[0]);
    }
    const auto rope = c.out_of_place ? &ggml_rope_ext : &ggml_rope_ext_inplace;
    ggml_tensor* output =
        rope(context_.get(), input, positions, nullptr,
             static_cast<int>(workload.rotary_dim),
             c.pairing == ROTARY_HALF ? GGML_ROPE_TYPE_NEOX : 0, 0,
             static_cast<float>(workload.base), 1.0f, 0.0f, 1.0f, 0.0f, 0.0f);
    if (workload.rotary_offset != 0 && !is_tail) {
      ggml_rope_set_offset(output, static_cast<int>(workload.rotary_offset));
    }
    if (c.out_of_place) output->data = memory.y.data() + first_byte;
    return output;
  }

  // Without a pool of its own it would make one in each call.
  void UsePool(int threads) {
    ggml_threadpool_params params = ggml_threadpool_params_default(threads);
    params.poll = kPoll;
    pool_ =
        Find<decltype(&ggml_threadpool_new)>("ggml_threadpool_new")(&params);
    Find<ggml_backend_set_n_threads_t>("ggml_backend_set_n_threads")(
        backend_.get(), threads);
    Find<decltype(&ggml_backend_cpu_set_threadpool)>(
        "ggml_backend_cpu_set_threadpool")(backend_.get(), pool_);
  }

  std::vector<int32_t> ids_;
  const ggml_context_ptr context_;
  ggml_backend_ptr backend_;
  ggml_threadpool* pool_ = nullptr;
  ggml_backend_graph_plan_t plan_ = nullptr;
};

bool Serves(const Case& c) { return c.input->value != ROTARY_BF16; }

std::string Version() { return ggml_version(); }

std::vector<std::unique_ptr<Peer>> Ways(const Case& c, const Memory& memory,
                                        int threads) {
  std::vector<std::unique_ptr<Peer>> ways;
  ways.push_back(std::make_unique<GgmlPeer>(c, memory, threads, Form::kHeads));
  if (MovesTails(c)) {
    ways.push_back(
        std::make_unique<GgmlPeer>(c, memory, threads, Form::kTails));
  }
  return ways;
}

}  // namespace

const PeerLibrary kGgml = {"ggml", true, false, &Version, &Serves, &Ways};

}  // namespace rotary_bench
