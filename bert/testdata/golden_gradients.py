"""Writes golden_gradients.json: loss and every gradient of a small BERT, by PyTorch in float64.

    python3 golden_gradients.py > golden_gradients.json

Parameter number p of transformers' order has the elements 0.3·sin(1 + 0.37·i + 10·p), plus 1 in a LayerNorm's
weight. The loss is 0.1·cross-entropy + 0.9·distillation at temperature 2 from fixed teacher logits.
"""
import json, math, sys
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
V, H, A, I, P, T, L, C = 11, 8, 2, 16, 8, 2, 2, 3  # vocabulary, hidden, heads, intermediate, positions, types, layers, labels
params = {}


def add(name, *shape):
    n, p = math.prod(shape), len(params)
    x = 0.3 * torch.sin(1 + 0.37 * torch.arange(n) + 10 * p) + (1 if name.endswith("LayerNorm.weight") else 0)
    params[name] = x.to(torch.float32).to(torch.float64).reshape(shape).requires_grad_()


e = "bert.embeddings."
add(e + "word_embeddings.weight", V, H), add(e + "position_embeddings.weight", P, H), add(e + "token_type_embeddings.weight", T, H)
add(e + "LayerNorm.weight", H), add(e + "LayerNorm.bias", H)


def add_linear(name, out, inp):
    add(name + ".weight", out, inp), add(name + ".bias", out)


for i in range(L):
    l = f"bert.encoder.layer.{i}."
    for m in ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"):
        add_linear(l + m, H, H)
    add(l + "attention.output.LayerNorm.weight", H), add(l + "attention.output.LayerNorm.bias", H)
    add_linear(l + "intermediate.dense", I, H), add_linear(l + "output.dense", H, I)
    add(l + "output.LayerNorm.weight", H), add(l + "output.LayerNorm.bias", H)
add_linear("bert.pooler.dense", H, H), add_linear("classifier", C, H)


def linear(name, x):
    return F.linear(x, params[name + ".weight"], params[name + ".bias"])


def norm(name, x):
    return F.layer_norm(x, (H,), params[name + ".weight"], params[name + ".bias"], 1e-12)


def forward(ids, types):
    n = len(ids)
    x = params[e + "word_embeddings.weight"][ids] + params[e + "token_type_embeddings.weight"][types]
    x = norm(e + "LayerNorm", x + params[e + "position_embeddings.weight"][:n])
    for i in range(L):
        l = f"bert.encoder.layer.{i}."
        q, k, v = (linear(l + "attention.self." + m, x).reshape(n, A, H // A).transpose(0, 1) for m in ("query", "key", "value"))
        p = torch.softmax(q @ k.transpose(1, 2) / math.sqrt(H // A), -1)
        x = norm(l + "attention.output.LayerNorm", linear(l + "attention.output.dense", (p @ v).transpose(0, 1).reshape(n, H)) + x)
        x = norm(l + "output.LayerNorm", linear(l + "output.dense", F.gelu(linear(l + "intermediate.dense", x))) + x)
    return linear("classifier", torch.tanh(linear("bert.pooler.dense", x[0])))


sequences = [([1, 5, 10, 5, 2], [0, 0, 0, 1, 1]), ([3, 0, 7], [0, 0, 0]), ([9, 9, 4, 4, 8, 6, 1, 2], [0, 1, 0, 1, 0, 1, 0, 1])]
labels, teacher, temperature = [2, 0, 1], [[1.0, -2.0, 0.5], [0.0, 3.0, -1.0], [-0.5, 0.25, 2.0]], 2.0
logits = torch.stack([forward(torch.tensor(i), torch.tensor(t)) for i, t in sequences])
task = F.cross_entropy(logits, torch.tensor(labels))
distillation = temperature**2 * F.kl_div(F.log_softmax(logits / temperature, -1), F.softmax(torch.tensor(teacher) / temperature, -1), reduction="batchmean")
(0.1 * task + 0.9 * distillation).backward()
rounded = lambda x: [float(f"{v:.9g}") for v in x.flatten().tolist()]
json.dump({
    "torch": torch.__version__, "sequences": [{"ids": i, "types": t} for i, t in sequences], "labels": labels, "teacher": teacher,
    "task": task.item(), "distillation": distillation.item(), "logits": rounded(logits.detach()),
    "gradients": {n: rounded(p.grad) for n, p in params.items()},
}, sys.stdout, separators=(",", ":"))
