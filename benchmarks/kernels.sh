#!/usr/bin/env bash
# The products of package kernels beside oneDNN (dense) and libxsmm (block-
# sparse), and the limit of the machine's multipliers, in turn: each round
# measures the peer, ours and the limit one after the other for every product
# and number of threads.
#
#	bash benchmarks/kernels.sh [-run REGEXP] [-rounds 5] [-seconds 0.15] [-threads 1,2] [-list]
#
# REGEXP selects products by the names that -list prints, for example
# 'GemmInt8/u8s8s32/(128|1024)x' or 'BlockSparse/int8/0.20'. All products take
# some four minutes a round.
#
# Prints a table in Markdown: rates in GOP/s or GFLOP/s (block-sparse: of the
# blocks kept) and times in microseconds, medians of the rounds, each round's the
# median of five turns; ours/peer (with the least and the greatest of the rounds)
# and the fractions of the limit are medians of what each round gave. 2T/1T is
# the gain by the second thread; time/dense is our time against our dense
# product's of the same round, with the bar set for it, density + 0.04. A dash is
# a benchmark that does not exist.
#
# One thread runs bound to one CPU. As root, the measured programs run in real
# time (chrt --rr), and other work on the machine stands still meanwhile. Linux
# lets it in for a twentieth of each second all the same: of runs well below a
# second that spoils a turn now and then, which the median leaves out. Without
# real time, figures from a busy machine, above all of two threads, mean nothing.
#
# Needs Go, taskset and chrt, and what peers.sh needs; PEERS names another folder
# for the peers than ~/.cache/jpqd-peers.
set -euo pipefail
cd "$(dirname "$0")/.."
peers=${PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/jpqd-peers}
bash benchmarks/peers.sh "$peers" >&2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap : INT # compare stops by itself and prints what it has
go test -c -o "$tmp/kernels" ./kernels
go build -o "$tmp/compare" ./benchmarks/compare
"$tmp/compare" -peers "$peers/bin" -kernels "$tmp/kernels" "$@"
