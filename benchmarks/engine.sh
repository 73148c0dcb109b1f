#!/usr/bin/env bash
# The inference engine beside ONNX Runtime on BERT-base, in turn: each round
# measures, for every load and number of threads, ours in float32, with all
# quantizers, with 40 % of the encoder's weights pruned and with unstructured
# masks, then ONNX Runtime in float32 and quantized by its own tools.
#
#	bash benchmarks/engine.sh [-run REGEXP] [-rounds 5] [-seconds 0.5] [-threads 1,2] [-sentences 872] [-list]
#
# Loads are batch×tokens, and the sentences of SST-2's dev set as they come, 8 at
# a time (sst2-dev-lengths.txt has their lengths), for ONNX Runtime padded to 128
# tokens or to the longest of a batch; ours pads nothing. REGEXP selects loads by
# the names that -list prints. A round takes some four minutes, three of them for
# SST-2 padded to 128: -sentences 216 takes a quarter of its batches.
#
# Prints two tables in Markdown: sequences a second, medians of the rounds, and
# their ratios with the bars set for them. Weights are random: of sparsity and
# quantizers only what they cost is measured.
#
# As root, all programs run in real time (chrt --rr), and other work on the
# machine stands still meanwhile. Without, figures from a busy machine, above all
# of two threads, mean nothing.
#
# Needs Go, chrt, what ort.sh needs and 6 GB of memory; PEERS names another
# folder for the peers than ~/.cache/jpqd-peers.
set -euo pipefail
cd "$(dirname "$0")/.."
peers=${PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/jpqd-peers}
bash benchmarks/ort.sh "$peers" >&2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap : INT # engine stops by itself and prints what it has
go build -o "$tmp/engine" ./benchmarks/engine
realtime=(chrt --rr 1)
"${realtime[@]}" true 2>/dev/null || { realtime=(); echo 'engine.sh: not allowed to run in real time (chrt --rr 1): other work on the machine will show' >&2; }
"${realtime[@]}" "$tmp/engine" -runner "$peers/bin/ort" -library "$peers/ort/library.so" -models "$peers/ort/models" "$@"
