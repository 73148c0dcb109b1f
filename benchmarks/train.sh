#!/usr/bin/env bash
# Training steps of this project beside PyTorch's (Debian's, with OpenBLAS), in
# turn: each round measures, for every model and batch, PyTorch's and then ours.
#
#	bash benchmarks/train.sh [-run REGEXP] [-rounds 5] [-seconds 2] [-threads 2] [-list]
#
# A step is forward and backward, clipping and AdamW, with dropout of 0.1, of the
# same random sequences on both sides. Loads are batch×tokens, where nothing is
# padded on either side, and SST-2's dev set in batches of 32 as they come
# (sst2-dev-lengths.txt has the lengths), which PyTorch pads to the longest of a
# batch; ours pads nothing. REGEXP selects loads by the names that -list prints.
# A round takes some half a minute.
#
# Prints a table in Markdown: milliseconds a step, medians of the rounds, their
# ratio and its bar, tokens a second without padding, the share of the limit of
# the machine's multiplications in float32 (three times those of the forward
# pass, of what is of use) that ours reaches, and the peak memory of both processes.
#
# As root, all programs run in real time (chrt --rr), and other work on the
# machine stands still meanwhile. Without, figures from a busy machine mean
# nothing.
#
# Needs Go, chrt, what torch.sh needs and 12 GB of memory; PEERS names another
# folder for the peers than ~/.cache/jpqd-peers.
set -euo pipefail
cd "$(dirname "$0")/.."
peers=${PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/jpqd-peers}
bash benchmarks/torch.sh "$peers" >&2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap : INT # train stops by itself and prints what it has
go build -o "$tmp/train" ./benchmarks/train
realtime=(chrt --rr 1)
"${realtime[@]}" true 2>/dev/null || { realtime=(); echo 'train.sh: not allowed to run in real time (chrt --rr 1): other work on the machine will show' >&2; }
"${realtime[@]}" "$tmp/train" -python "$peers/bin/python-torch" "$@"
