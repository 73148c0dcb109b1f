"""Writes BERT-base with random weights as ONNX models for ONNX Runtime.

    python3 bert_onnx.py FOLDER

fp32.onnx      the graph as exporters write it, in float32
fp32_opt.onnx  fused by onnxruntime.transformers (Attention, SkipLayerNormalization, BiasGelu)
int8.onnx      fp32.onnx, quantize_dynamic of all products with weights, s8 weights; embeddings
               stay float32, which is the faster
int8_opt.onnx  the same of fp32_opt.onnx

Inputs are input_ids, attention_mask and token_type_ids, int64 (batch, length);
the output is logits (batch, 2). Needs onnx and onnxruntime.
"""
import math
import os
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

LAYERS, HIDDEN, HEADS, INTERMEDIATE, VOCAB, POSITIONS = 12, 768, 12, 3072, 30522, 512


class Graph:
    """Nodes and weights in the order in which they are added."""

    def __init__(self):
        self.nodes, self.weights, self.rng = [], [], np.random.default_rng(1)

    def op(self, kind, *inputs, **attributes):
        name = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def constant(self, value):
        name = f"c{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def random(self, *shape):
        return self.constant(self.rng.standard_normal(shape, dtype=np.float32) * np.float32(0.02))

    def linear(self, x, columns, rows):
        product = self.op("MatMul", x, self.random(columns, rows))
        return self.op("Add", self.random(rows), product)  # the order matters to ONNX Runtime's fusions

    def norm(self, x):
        gamma, beta = self.constant(np.ones(HIDDEN, np.float32)), self.constant(np.zeros(HIDDEN, np.float32))
        return self.op("LayerNormalization", x, gamma, beta, axis=-1, epsilon=1e-12)

    def gelu(self, x):
        """As it is exported: erf(x/√2) + 1, times x, times one half."""
        erf = self.op("Erf", self.op("Div", x, self.constant(np.float32(math.sqrt(2)))))
        return self.op("Mul", self.op("Mul", x, self.op("Add", erf, self.constant(np.float32(1)))), self.constant(np.float32(0.5)))

    def attention(self, x, mask):
        def heads(order):
            split = self.op("Reshape", self.linear(x, HIDDEN, HIDDEN), self.constant(np.array([0, 0, HEADS, HIDDEN // HEADS])))
            return self.op("Transpose", split, perm=order)

        query, key, value = heads([0, 2, 1, 3]), heads([0, 2, 3, 1]), heads([0, 2, 1, 3])
        scores = self.op("Div", self.op("MatMul", query, key), self.constant(np.float32(math.sqrt(HIDDEN // HEADS))))
        probabilities = self.op("Softmax", self.op("Add", scores, mask), axis=-1)
        context = self.op("Transpose", self.op("MatMul", probabilities, value), perm=[0, 2, 1, 3])
        return self.linear(self.op("Reshape", context, self.constant(np.array([0, 0, HIDDEN]))), HIDDEN, HIDDEN)


def build():
    g = Graph()
    words = g.op("Gather", g.random(VOCAB, HIDDEN), "input_ids")
    types = g.op("Gather", g.random(2, HIDDEN), "token_type_ids")
    length = g.op("Slice", g.op("Shape", "input_ids"), g.constant(np.array([1])), g.constant(np.array([2])))
    positions = g.op("Slice", g.random(POSITIONS, HIDDEN), g.constant(np.array([0])), length, g.constant(np.array([0])))
    x = g.norm(g.op("Add", g.op("Add", words, types), positions))
    mask = g.op("Unsqueeze", g.op("Unsqueeze", "attention_mask", g.constant(np.array([1]))), g.constant(np.array([2])))
    mask = g.op("Sub", g.constant(np.float32(1)), g.op("Cast", mask, to=TensorProto.FLOAT))
    mask = g.op("Mul", mask, g.constant(np.float32(-10000)))
    for _ in range(LAYERS):
        x = g.norm(g.op("Add", g.attention(x, mask), x))
        x = g.norm(g.op("Add", g.linear(g.gelu(g.linear(x, HIDDEN, INTERMEDIATE)), INTERMEDIATE, HIDDEN), x))
    first = g.op("Gather", x, g.constant(np.int64(0)), axis=1)
    pooled = g.op("Tanh", g.op("Gemm", first, g.random(HIDDEN, HIDDEN), g.random(HIDDEN)))
    g.nodes.append(helper.make_node("Gemm", [pooled, g.random(HIDDEN, 2), g.random(2)], ["logits"], name="logits"))
    inputs = [helper.make_tensor_value_info(n, TensorProto.INT64, ["batch", "length"]) for n in ("input_ids", "attention_mask", "token_type_ids")]
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 2])]
    graph = helper.make_graph(g.nodes, "bert", inputs, outputs, g.weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def optimize(source, target):
    from onnxruntime.transformers import optimizer
    from onnxruntime.transformers.fusion_options import FusionOptions

    options = FusionOptions("bert")
    options.use_raw_attention_mask(True)
    model = optimizer.optimize_model(source, model_type="bert", num_heads=HEADS, hidden_size=HIDDEN, opt_level=0, optimization_options=options)
    fused = model.get_fused_operator_statistics()
    for kind, want in (("Attention", LAYERS), ("SkipLayerNormalization", 2 * LAYERS), ("BiasGelu", LAYERS)):
        if fused.get(kind) != want:
            sys.exit(f"onnxruntime.transformers fused {fused.get(kind)} {kind}, want {want}: {fused}")
    model.save_model_to_file(target)


def quantize(source, target):
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(
        source, target, op_types_to_quantize=["MatMul", "Gemm", "Attention"], weight_type=QuantType.QInt8,
        extra_options={"MatMulConstBOnly": True, "DefaultTensorType": TensorProto.FLOAT})


def check(folder):
    """Padding must not matter, and quantized logits must be near."""
    import onnxruntime

    ids = np.random.default_rng(2).integers(0, VOCAB, (2, 20))
    mask = np.ones_like(ids)
    mask[1, 9:] = 0
    for name in ("fp32", "fp32_opt", "int8", "int8_opt"):
        session = onnxruntime.InferenceSession(os.path.join(folder, name + ".onnx"))

        def run(i, m):
            return session.run(None, {"input_ids": i, "attention_mask": m, "token_type_ids": np.zeros_like(i)})[0]

        got, alone = run(ids, mask), run(ids[1:, :9], mask[1:, :9])[0]
        if name == "fp32":
            want = got
        # Dynamic ranges of a batch include those of the padding.
        tolerance = 1e-4 if name.startswith("fp32") else 0.1
        for what, difference in (("without padding", np.abs(got[1] - alone).max()), ("of fp32", np.abs(got - want).max())):
            if not difference <= tolerance:
                sys.exit(f"{name}.onnx: logits differ by {difference} from those {what}, want at most {tolerance}")


def main():
    folder = sys.argv[1]

    def path(name):
        return os.path.join(folder, name + ".onnx")

    onnx.save(build(), path("fp32"))
    optimize(path("fp32"), path("fp32_opt"))
    quantize(path("fp32"), path("int8"))
    quantize(path("fp32_opt"), path("int8_opt"))
    check(folder)


if __name__ == "__main__":
    main()
