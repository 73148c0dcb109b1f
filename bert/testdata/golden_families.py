"""Writes golden_families.json: logits, loss and every gradient of a one-layer RoBERTa and DistilBERT with a classification
head, and of a BERT, RoBERTa and DistilBERT with one for question answering, by PyTorch in float64.

    python3 golden_families.py > golden_families.json

Parameter number p of the order below has the elements 0.3·sin(1 + 0.37·i + 10·p), plus 1 in the weight of a normalisation.
The loss is cross-entropy; of question answering the mean of those of start and end over the tokens of each sequence.
"""
import json, math, sys
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
V, H, A, I, P, C = 11, 8, 2, 16, 10, 3  # vocabulary, hidden, heads, intermediate, positions, labels
sequences = [([1, 5, 10, 5, 2], [0, 0, 0, 1, 1]), ([3, 0, 7], [0, 0, 0]), ([9, 9, 4, 4, 8, 6, 1, 2], [0, 1, 0, 1, 0, 1, 0, 1])]
labels, starts, ends = [2, 0, 1], [1, 0, 6], [3, 2, 7]


class Model:
    def __init__(self, family, answering):
        self.params, self.family, self.answering = {}, family, answering
        distil = family == "distilbert"
        e = family + ".embeddings."
        self.add(e + "word_embeddings.weight", V, H), self.add(e + "position_embeddings.weight", P, H)
        if not distil:
            self.add(e + "token_type_embeddings.weight", 2, H)
        self.norm_params(e + "LayerNorm")
        if distil:
            l, q, o, n1, f1, f2, n2 = "transformer.layer.0.", "attention.%s_lin", "attention.out_lin", "sa_layer_norm", "ffn.lin1", "ffn.lin2", "output_layer_norm"
            names = ("q", "k", "v")
        else:
            l, q, o, n1 = "encoder.layer.0.", "attention.self.%s", "attention.output.dense", "attention.output.LayerNorm"
            f1, f2, n2 = "intermediate.dense", "output.dense", "output.LayerNorm"
            names = ("query", "key", "value")
        l = family + "." + l
        self.q, self.o, self.n1, self.f1, self.f2, self.n2 = [l + q % n for n in names], l + o, l + n1, l + f1, l + f2, l + n2
        for m in self.q + [self.o]:
            self.linear_params(m, H, H)
        self.norm_params(self.n1)
        self.linear_params(self.f1, I, H), self.linear_params(self.f2, H, I)
        self.norm_params(self.n2)
        if answering:
            self.linear_params("qa_outputs", 2, H)
        else:
            self.pooler, self.classifier = {"roberta": ("classifier.dense", "classifier.out_proj"), "distilbert": ("pre_classifier", "classifier")}[family]
            self.linear_params(self.pooler, H, H), self.linear_params(self.classifier, C, H)

    def add(self, name, *shape):
        n, p = math.prod(shape), len(self.params)
        one = name.endswith("LayerNorm.weight") or name.endswith("layer_norm.weight")
        x = 0.3 * torch.sin(1 + 0.37 * torch.arange(n) + 10 * p) + (1 if one else 0)
        self.params[name] = x.to(torch.float32).to(torch.float64).reshape(shape).requires_grad_()

    def linear_params(self, name, out, inp):
        self.add(name + ".weight", out, inp), self.add(name + ".bias", out)

    def norm_params(self, name):
        self.add(name + ".weight", H), self.add(name + ".bias", H)

    def linear(self, name, x):
        return F.linear(x, self.params[name + ".weight"], self.params[name + ".bias"])

    def norm(self, name, x):
        return F.layer_norm(x, (H,), self.params[name + ".weight"], self.params[name + ".bias"], 1e-12)

    def forward(self, ids, types):
        n, e = len(ids), self.family + ".embeddings."
        first = 2 if self.family == "roberta" else 0  # pad_token_id + 1
        x = self.params[e + "word_embeddings.weight"][ids] + self.params[e + "position_embeddings.weight"][first : first + n]
        if self.family != "distilbert":
            x = x + self.params[e + "token_type_embeddings.weight"][types]
        x = self.norm(e + "LayerNorm", x)
        q, k, v = (self.linear(m, x).reshape(n, A, H // A).transpose(0, 1) for m in self.q)
        p = torch.softmax(q @ k.transpose(1, 2) / math.sqrt(H // A), -1)
        x = self.norm(self.n1, self.linear(self.o, (p @ v).transpose(0, 1).reshape(n, H)) + x)
        x = self.norm(self.n2, self.linear(self.f2, F.gelu(self.linear(self.f1, x))) + x)
        if self.answering:
            return self.linear("qa_outputs", x)
        pooled = self.linear(self.pooler, x[0])
        return self.linear(self.classifier, torch.relu(pooled) if self.family == "distilbert" else torch.tanh(pooled))


def run(family, answering):
    m = Model(family, answering)
    logits = [m.forward(torch.tensor(i), torch.tensor(t)) for i, t in sequences]
    if answering:
        loss = sum(F.cross_entropy(x[:, 0], torch.tensor(s)) + F.cross_entropy(x[:, 1], torch.tensor(e)) for x, s, e in zip(logits, starts, ends)) / 2 / len(sequences)
        logits = torch.cat(logits)
    else:
        logits = torch.stack(logits)
        loss = F.cross_entropy(logits, torch.tensor(labels))
    loss.backward()
    rounded = lambda x: [float(f"{v:.8g}") for v in x.flatten().tolist()]
    return {
        "model_type": family, "answering": answering, "loss": loss.item(), "logits": rounded(logits.detach()),
        "gradients": {n: rounded(p.grad) for n, p in m.params.items()},
    }


json.dump({
    "torch": torch.__version__, "sequences": [{"ids": i, "types": t} for i, t in sequences], "labels": labels, "starts": starts, "ends": ends,
    "models": [run("roberta", False), run("distilbert", False), run("bert", True), run("roberta", True), run("distilbert", True)],
}, sys.stdout, separators=(",", ":"))
