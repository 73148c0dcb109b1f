#!/usr/bin/env bash
# f32 GEMM of this project beside OpenBLAS, one thread, in turn: ROUNDS (default
# 5) times both, then the median of each. OpenBLAS is told to use its AVX-512
# kernels, which it does not choose by itself on every CPU that has AVX-512.
# Needs gcc and Debian's libopenblas0.
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-5}
library=$(ldconfig -p | awk '/libopenblas.so.0 / {print $NF; exit}')
[ -n "$library" ] || { echo 'no libopenblas.so.0: apt-get install libopenblas0' >&2; exit 1; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
gcc -O2 -o "$tmp/cblas" benchmarks/cblas.c -ldl
go test -c -o "$tmp/kernels" ./kernels
shapes='1024x768x768 1024x3072x768 1024x768x3072 128x768x768'
for _ in $(seq "$rounds"); do
	for s in $shapes; do
		echo "${s//x/ }" | OPENBLAS_CORETYPE=SkylakeX OPENBLAS_NUM_THREADS=1 "$tmp/cblas" "$library" 0.3 |
			awk '{print "openblas", $1"x"$2"x"$3, $4, $5}'
		"$tmp/kernels" -test.run '^$' -test.cpu 1 -test.benchtime 0.3s -test.bench "GemmF32/(NN|NT|TN)/$s/(avx512|avx2)\$" |
			awk -F'[/ \t]+' '/^BenchmarkGemm/ {for (i = 1; i <= NF; i++) if ($i == "GFLOP") print "jpqd-" $4, $3, $2, $(i-1)}'
	done
	"$tmp/kernels" -test.run '^$' -test.cpu 1 -test.benchtime 0.3s -test.bench 'PeakFMA' |
		awk -F'[/ \t]+' '/^BenchmarkPeak/ {for (i = 1; i <= NF; i++) if ($i == "GFLOP") print "limit-" $2, "-", "-", $(i-1)}'
done | sort | awk '{k = $1" "$2" "$3; n[k]++; v[k, n[k]] = $4}
	function median(k,  i, j, t) {
		for (i = 2; i <= n[k]; i++) for (j = i; j > 1 && v[k, j] < v[k, j-1]; j--) {t = v[k, j]; v[k, j] = v[k, j-1]; v[k, j-1] = t}
		return v[k, int((n[k] + 1) / 2)]
	}
	END {for (k in n) printf "%s %.1f\n", k, median(k)}' | sort -k2,2 -k3,3 -k1,1 | column -t
