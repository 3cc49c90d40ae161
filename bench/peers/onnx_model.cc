// A model as protobuf has it: of each field its number, its kind and its bytes.

#include "bench/peers/onnx_model.h"

#include <initializer_list>
#include <vector>

#include "bench/workloads.h"

namespace rotary_bench {
namespace {

constexpr int64_t kIrVersion = 8;
constexpr int64_t kOpsetVersion = 17;
constexpr int64_t kMicrosoftOpsetVersion = 1;

// Of TensorProto.DataType and AttributeProto.AttributeType.
constexpr int64_t kFloat = 1;
constexpr int64_t kInt64 = 7;
constexpr int64_t kFloat16 = 10;
constexpr int64_t kIntAttribute = 2;

// A message of protobuf, by the fields that were added.
class Message {
 public:
  Message& Number(uint64_t field, int64_t value) {
    Varint(field << 3);
    Varint(static_cast<uint64_t>(value));
    return *this;
  }
  Message& Bytes(uint64_t field, const std::string& value) {
    Varint(field << 3 | 2);
    Varint(value.size());
    bytes_ += value;
    return *this;
  }
  Message& Add(uint64_t field, const Message& value) {
    return Bytes(field, value.bytes_);
  }

  const std::string& bytes() const { return bytes_; }

 private:
  // Seven bits at a time, the lowest first.
  void Varint(uint64_t value) {
    for (; value >= 128; value >>= 7) {
      bytes_ += static_cast<char>(value % 128 + 128);
    }
    bytes_ += static_cast<char>(value);
  }

  std::string bytes_;
};

// The numbers below are those of ONNX's messages ValueInfoProto,
// AttributeProto, NodeProto, GraphProto, OperatorSetIdProto and ModelProto.

Message Tensor(const std::string& name, int64_t type,
               std::initializer_list<int64_t> sizes) {
  Message shape;
  for (const int64_t size : sizes) shape.Add(1, Message().Number(1, size));
  const Message tensor_type = Message().Number(1, type).Add(2, shape);
  return Message().Bytes(1, name).Add(2, Message().Add(1, tensor_type));
}

Message Attribute(const std::string& name, int64_t value) {
  return Message().Bytes(1, name).Number(3, value).Number(20, kIntAttribute);
}

Message RotaryNode(const Case& c, int64_t heads, const std::string& input,
                   const std::string& output) {
  Message node;
  for (const char* name : {input.c_str(), "positions", "cos", "sin"}) {
    node.Bytes(1, name);
  }
  node.Bytes(2, output).Bytes(4, "RotaryEmbedding").Bytes(7, "com.microsoft");
  node.Add(5, Attribute("interleaved", c.pairing == ROTARY_INTERLEAVED));
  node.Add(5, Attribute("num_heads", heads));
  return node;
}

Message Opset(const std::string& domain, int64_t version) {
  return Message().Bytes(1, domain).Number(2, version);
}

}  // namespace

std::string OnnxModel(const Case& c, int64_t cache_rows) {
  const Workload& workload = *c.workload;
  const int64_t tokens = workload.tokens;
  const int64_t type = c.input->value == ROTARY_F32 ? kFloat : kFloat16;
  Message graph;
  graph.Bytes(2, "rotate");
  int i = 0;
  for (const TensorPlace& tensor : Tensors(workload)) {
    const std::string input = "x" + std::to_string(i);
    const std::string output = "y" + std::to_string(i++);
    const int64_t width = tensor.heads * workload.head_dim;
    graph.Add(1, RotaryNode(c, tensor.heads, input, output));
    graph.Add(11, Tensor(input, type, {1, tokens, width}));
    graph.Add(12, Tensor(output, type, {1, tokens, width}));
  }
  graph.Add(11, Tensor("positions", kInt64, {1, tokens}));
  for (const char* name : {"cos", "sin"}) {
    graph.Add(11, Tensor(name, type, {cache_rows, workload.rotary_dim / 2}));
  }
  return Message()
      .Number(1, kIrVersion)
      .Add(7, graph)
      .Add(8, Opset("", kOpsetVersion))
      .Add(8, Opset("com.microsoft", kMicrosoftOpsetVersion))
      .bytes();
}

}  // namespace rotary_bench
