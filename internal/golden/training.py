"""Writes training.json and training.safetensors: 20 steps of AdamW on a two-layer BERT, by PyTorch.

    python3 training.py    # in this folder

Every step has a new batch, padded, with an attention mask. Weights decay but for biases and LayerNorm's, as Hugging
Face's Trainer has it; gradients are clipped to a norm of 1; the learning rate rises for 5 steps and falls to 0; nothing
is dropped out. Debian trixie's python3-torch made them (benchmarks/torch.sh installs it).

Element n of all parameters together, in transformers' order, is (xₙ/2⁸ rounded down − 2²³)/2²⁶, from −⅛ to ⅛, plus 1 in
a LayerNorm's weight, with x₀ = 1664525 + 1013904223 and xₙ₊₁ = 1664525·xₙ + 1013904223 mod 2³².

training.json has what goes in, and for float32 and float64 of every step the loss, the logits and the norm of the
gradient before clipping, and the norm of every parameter after the last; training.safetensors the gradient of every
parameter in the first step, in float64 rounded to float32.
"""
import json, math, random, struct
import torch
import torch.nn as nn
import torch.nn.functional as F

VOCAB, HIDDEN, HEADS, INTERMEDIATE, POSITIONS, TYPES, LAYERS, LABELS = 100, 32, 4, 64, 16, 2, 2, 3
STEPS, BATCH, WARMUP, RATE, DECAY, CLIP = 20, 6, 5, 5e-3, 0.01, 1.0


class Embeddings(nn.Module):
    def __init__(self):
        super().__init__()
        self.word_embeddings = nn.Embedding(VOCAB, HIDDEN, padding_idx=0)
        self.position_embeddings = nn.Embedding(POSITIONS, HIDDEN)
        self.token_type_embeddings = nn.Embedding(TYPES, HIDDEN)
        self.LayerNorm = nn.LayerNorm(HIDDEN, eps=1e-12)

    def forward(self, ids, types):
        x = self.word_embeddings(ids) + self.token_type_embeddings(types)
        return self.LayerNorm(x + self.position_embeddings(torch.arange(ids.size(1))))


class SelfAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.query, self.key, self.value = nn.Linear(HIDDEN, HIDDEN), nn.Linear(HIDDEN, HIDDEN), nn.Linear(HIDDEN, HIDDEN)

    def forward(self, x, mask):
        q, k, v = (m(x).unflatten(-1, (HEADS, -1)).transpose(1, 2) for m in (self.query, self.key, self.value))
        p = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(HIDDEN // HEADS) + mask, -1)
        return (p @ v).transpose(1, 2).flatten(-2)


class Output(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.dense, self.LayerNorm = nn.Linear(width, HIDDEN), nn.LayerNorm(HIDDEN, eps=1e-12)

    def forward(self, x, residual):
        return self.LayerNorm(self.dense(x) + residual)


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = nn.ModuleDict({"self": SelfAttention(), "output": Output(HIDDEN)})
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(HIDDEN, INTERMEDIATE)})
        self.output = Output(INTERMEDIATE)

    def forward(self, x, mask):
        x = self.attention["output"](self.attention["self"](x, mask), x)
        return self.output(F.gelu(self.intermediate["dense"](x)), x)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.bert = nn.ModuleDict({
            "embeddings": Embeddings(),
            "encoder": nn.ModuleDict({"layer": nn.ModuleList(Layer() for _ in range(LAYERS))}),
            "pooler": nn.ModuleDict({"dense": nn.Linear(HIDDEN, HIDDEN)}),
        })
        self.classifier = nn.Linear(HIDDEN, LABELS)
        state = 1
        for name, p in self.named_parameters():
            values = []
            for _ in range(p.numel()):
                state = (1664525 * state + 1013904223) % 2**32
                values.append(((state >> 8) - 2**23) / 2**26 + name.endswith("LayerNorm.weight"))
            p.data = torch.tensor(values, dtype=torch.float32).reshape(p.shape)

    def forward(self, ids, types, attention_mask):
        x = self.bert["embeddings"](ids, types)
        mask = (1 - attention_mask[:, None, None, :].to(x.dtype)) * torch.finfo(x.dtype).min
        for layer in self.bert["encoder"]["layer"]:
            x = layer(x, mask)
        return self.classifier(torch.tanh(self.bert["pooler"]["dense"](x[:, 0])))


def train(batches, dtype):
    """Returns what every step gave, and the norms after the last; and the first gradients."""
    model = Model().to(dtype)
    plain = lambda name: name.endswith(".bias") or name.endswith("LayerNorm.weight")
    groups = [
        {"params": [p for n, p in model.named_parameters() if not plain(n)], "weight_decay": DECAY},
        {"params": [p for n, p in model.named_parameters() if plain(n)], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=RATE, betas=(0.9, 0.999), eps=1e-8)
    factor = lambda step: step / WARMUP if step < WARMUP else max(0.0, (STEPS - step) / (STEPS - WARMUP))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    result, first = {"loss": [], "gradient_norm": [], "logits": []}, None
    for batch in batches:
        longest = max(len(s["ids"]) for s in batch)
        pad = lambda key: torch.tensor([s[key] + [0] * (longest - len(s["ids"])) for s in batch])
        mask = torch.tensor([[1] * len(s["ids"]) + [0] * (longest - len(s["ids"])) for s in batch])
        logits = model(pad("ids"), pad("types"), mask)
        loss = F.cross_entropy(logits, torch.tensor([s["label"] for s in batch]))
        optimizer.zero_grad()
        loss.backward()
        if first is None:
            first = {n: p.grad.to(torch.float32) for n, p in model.named_parameters()}
        norm = nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        schedule.step()
        result["loss"].append(rounded(loss))
        result["gradient_norm"].append(rounded(norm))
        result["logits"].append([[rounded(x) for x in row] for row in logits])
    result["parameter_norms"] = {n: rounded(p.data.to(torch.float64).norm()) for n, p in model.named_parameters()}
    return result, first


def rounded(x):
    return float(f"{x.item():.10g}")


def write_safetensors(path, tensors):
    header, at = {}, 0
    for name, x in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(x.shape), "data_offsets": [at, at + 4 * x.numel()]}
        at += 4 * x.numel()
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for x in tensors.values():
            file.write(struct.pack(f"<{x.numel()}f", *x.flatten().tolist()))


def sequence(rng):
    length = rng.randint(3, POSITIONS)
    second = rng.randint(1, length)
    ids = [rng.randint(1, VOCAB - 1) for _ in range(length)]  # 0 is [PAD]
    return {"ids": ids, "types": [int(i >= second) for i in range(length)], "label": ids[0] % LABELS}


rng = random.Random(1)
batches = [[sequence(rng) for _ in range(BATCH)] for _ in range(STEPS)]
float32, _ = train(batches, torch.float32)
float64, gradients = train(batches, torch.float64)
with open("training.json", "w") as file:
    json.dump({
        "torch": torch.__version__, "config": {
            "vocab_size": VOCAB, "hidden_size": HIDDEN, "num_attention_heads": HEADS, "intermediate_size": INTERMEDIATE,
            "max_position_embeddings": POSITIONS, "type_vocab_size": TYPES, "num_hidden_layers": LAYERS, "num_labels": LABELS,
            "hidden_dropout_prob": 0, "attention_probs_dropout_prob": 0,
        },
        "learning_rate": RATE, "warmup_steps": WARMUP, "weight_decay": DECAY, "max_grad_norm": CLIP,
        "batches": batches, "float32": float32, "float64": float64,
    }, file, separators=(",", ":"))
    file.write("\n")
write_safetensors("training.safetensors", gradients)
