#!/usr/bin/env bash
# Models the main loops of the AMX kernels with llvm-mca for Sapphire Rapids,
# from the machine code that the sources here are made into:
#
#	bash asm/mca.sh
#
# Needs Go, GNU objdump and llvm-mca of LLVM 19 (Debian: llvm-19); others were
# not tried.
#
# It knows no timing of AMX: it takes each of its instructions for one of 100
# cycles on any port. So they are replaced by others that take what Intel's Optimization Reference Manual (248966, "Intel AMX",
# instruction throughput and latency) says, in llvm-mca's own model:
#
#	            throughput  latency   stand-in
#	TDP*            16         52     16 VDIVPD of ymm, a cycle of port 0 each,
#	                                  and for the sum a chain of 10 loads (5 of
#	                                  latency) and 2 LEA
#	TILELOADD        8         45     24 loads, 3 a cycle in llvm-mca; 12 or 6
#	                                  where the tile has 8 or 4 rows
#
# The latency of loads is that of a vector's, 8: no address here depends on a
# sum. Everything else is llvm-mca's: dispatch, the size of its buffers, ports.
set -euo pipefail
cd "$(dirname "$0")/.."

mca=$(compgen -c llvm-mca- | sort -t- -k3 -n | tail -n 1)
[ -n "$mca" ] || mca=llvm-mca
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
CGO_ENABLED=0 GOOS=linux GOARCH=amd64 go test -c -o "$tmp/kernels.test" ./kernels

# loop FUNCTION PRODUCTS: the function's first loop with so many products.
loop() {
	objdump -d --no-show-raw-insn -M att --disassemble="github.com/go-jpqd/jpqd/kernels.$1.abi0" "$tmp/kernels.test" |
		awk -v products="$2" '
			!found && $1 ~ /^[0-9a-f]+:$/ {
				address = substr($1, 1, length($1) - 1); sub(/^[^\t]*\t/, ""); at[address] = n; line[n++] = $0
				if ($1 ~ /^j/ && $2 in at) {
					count = 0
					for (i = at[$2]; i < n - 1; i++) count += line[i] ~ /^tdp/
					if (count == products) {
						for (i = at[$2]; i < n - 1; i++) print line[i]
						found = 1
					}
				}
			}'
}

# standins RUN: the loop with stand-ins for tiles of RUN granules.
standins() {
	awk -v run="$1" '
		BEGIN { split("rdi rbp r13 r15", sum); sum[0] = sum[4] } # the loops do not use them
		/^tileloadd/ {
			tile = substr($0, length($0)); address = $2; sub(/,%tmm[0-7]$/, "", address)
			rows = tile >= 6 ? 4 * run : 16
			for (i = 1; i < rows * 3 / 2; i++) print "vmovups " address ",%zmm22"
			print "vmovups " address ",%zmm" 24+tile
			next
		}
		/^tdp/ {
			split($2, t, /,?%tmm/); b = 24 + t[2]; a = 24 + t[3]; c = t[4]
			for (i = 0; i < 16; i++) print "vdivpd %ymm" b ",%ymm" a ",%ymm23"
			for (i = 0; i < 10; i++) print "mov (%" sum[c] "),%" sum[c]
			print "lea 1(%" sum[c] "),%" sum[c]
			print "lea 1(%" sum[c] "),%" sum[c]
			next
		}
		{ print }'
}

# model NAME FUNCTION PRODUCTS RUN
model() {
	loop "$2" "$3" | standins "$4" >"$tmp/loop.s"
	[ -s "$tmp/loop.s" ] || { echo "no loop of $3 products in $2"; exit 1; }
	"$mca" -mcpu=sapphirerapids -iterations=1000 "$tmp/loop.s" |
		awk -v name="$1" -v bound=$((16 * $3)) '/^Total Cycles/ {
			c = $3 / 1000
			printf "%-58s %6.1f cycles, the products alone %d: %5.1f %%\n", name, c, bound, 100 * bound / c
		}'
}

"$mca" --version | grep -o 'LLVM version.*'
for f in gemmInt8AMX32x32U8 gemmInt8AMX32x32S8 gemmBF16AMX32x32; do
	model "$f, 64 bytes of depth, dense" $f 4 4
	model "$f, 32 bytes of depth" $f 4 2
	model "$f, 16 bytes of depth" $f 4 1
done
for f in gemmInt8AMXPairsU8 gemmInt8AMXPairsS8; do
	model "$f, two blocks of 32 bytes, copied" $f 4 4
done
