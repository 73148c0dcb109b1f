"""Trains a BERT of random weights by PyTorch, a step for every line.

    python3 train.py LAYERS HIDDEN HEADS INTERMEDIATE THREADS

Prints PyTorch's version, then for every line

    LENGTH...

of standard input, a batch of random sequences of these lengths padded to the longest, one line with the seconds that a
step took and its loss. A step is forward and backward, clipping to a norm of 1, and AdamW (PyTorch's fused one), with
dropout of 0.1 as BERT has it. The modules are those of transformers with its attn_implementation "sdpa".
"""
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

layers, hidden, heads, intermediate, threads = (int(x) for x in sys.argv[1:])
VOCAB, POSITIONS, LABELS, DROPOUT = 30522, 512, 2, 0.1


class Embeddings(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.positions, self.types = (nn.Embedding(n, hidden) for n in (VOCAB, POSITIONS, 2))
        self.norm, self.dropout = nn.LayerNorm(hidden, eps=1e-12), nn.Dropout(DROPOUT)

    def forward(self, ids, types):
        x = self.words(ids) + self.types(types) + self.positions(torch.arange(ids.size(1)))
        return self.dropout(self.norm(x))


class Residual(nn.Module):
    """A Linear, dropout, and the normalised sum with what went around."""

    def __init__(self, width):
        super().__init__()
        self.dense, self.dropout, self.norm = nn.Linear(width, hidden), nn.Dropout(DROPOUT), nn.LayerNorm(hidden, eps=1e-12)

    def forward(self, x, around):
        return self.norm(self.dropout(self.dense(x)) + around)


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(hidden, hidden) for _ in range(3))
        self.attended, self.intermediate, self.output = Residual(hidden), nn.Linear(hidden, intermediate), Residual(intermediate)

    def forward(self, x, mask):
        q, k, v = (m(x).unflatten(-1, (heads, -1)).transpose(1, 2) for m in (self.query, self.key, self.value))
        context = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=DROPOUT)
        x = self.attended(context.transpose(1, 2).flatten(-2), x)
        return self.output(F.gelu(self.intermediate(x)), x)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embeddings, self.layers = Embeddings(), nn.ModuleList(Layer() for _ in range(layers))
        self.pooler, self.dropout, self.classifier = nn.Linear(hidden, hidden), nn.Dropout(DROPOUT), nn.Linear(hidden, LABELS)
        for m in self.modules():
            if isinstance(m, (nn.Linear, nn.Embedding)):
                nn.init.normal_(m.weight, 0, 0.02)
            if isinstance(m, nn.Linear):
                nn.init.zeros_(m.bias)

    def forward(self, ids, types, mask):
        x = self.embeddings(ids, types)
        for layer in self.layers:
            x = layer(x, mask)
        return self.classifier(self.dropout(torch.tanh(self.pooler(x[:, 0]))))


def batch(lengths):
    """The same words as main.go's, and None for a mask where nothing is padded, as transformers has it."""
    ids, random = torch.zeros(len(lengths), max(lengths), dtype=torch.long), 1
    for row, length in zip(ids, lengths):
        words = []
        for _ in range(length):
            random = (random * 1664525 + 1013904223) % 2**32
            words.append(random // 65536 % 30000)
        row[:length] = torch.tensor(words)
    labels = torch.arange(len(lengths)) % LABELS
    if min(lengths) == max(lengths):
        return ids, None, labels
    mask = torch.arange(max(lengths)) >= torch.tensor(lengths)[:, None]
    return ids, mask[:, None, None, :] * torch.finfo(torch.float32).min, labels


torch.set_num_threads(threads)
torch.manual_seed(1)
model = Model().train()
plain = lambda name: name.endswith(".bias") or "norm." in name
optimizer = torch.optim.AdamW([
    {"params": [p for n, p in model.named_parameters() if not plain(n)], "weight_decay": 0.01},
    {"params": [p for n, p in model.named_parameters() if plain(n)], "weight_decay": 0.0},
], lr=2e-5, fused=True)
print(torch.__version__, flush=True)
for line in sys.stdin:
    ids, mask, labels = batch([int(x) for x in line.split()])
    types = torch.zeros_like(ids)
    begun = time.perf_counter()
    loss = F.cross_entropy(model(ids, types, mask), labels)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    print(f"{time.perf_counter() - begun:.9f} {loss.item():g}", flush=True)
