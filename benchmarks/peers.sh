#!/usr/bin/env bash
# Installs the peers of package kernels and builds their runners: oneDNN and
# libxsmm as Debian's newest suite has them, in a folder of their own (see
# debian.sh).
#
#	bash benchmarks/peers.sh [FOLDER]    # default: ~/.cache/jpqd-peers, 90 MB
#
# Leaves FOLDER/bin/onednn and FOLDER/bin/libxsmm, which run as they are, and
# prints the versions. What is there already is not fetched again: delete the
# folder to get newer versions.
#
# Needs gcc, g++ and what debian.sh needs.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/debian.sh"
folder=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/jpqd-peers}
mkdir -p "$folder/bin"
folder=$(cd "$folder" && pwd)
root=$folder/root

if ! [ -e "$folder/versions" ]; then
	unpack_debian "$root" libdnnl-dev libxsmm-dev | grep -E '^lib(dnnl3|xsmm|c6 |gomp)' >"$folder/new"
	mv "$folder/new" "$folder/versions"
fi

mapfile -t there < <(run_there "$root")
if ! [ "$folder/bin/onednn" -nt "$here/onednn.cpp" -a "$folder/bin/onednn" -nt "$here/measure.h" ]; then
	g++ -O2 -std=c++17 -Wall -Wextra -isystem "$root/usr/include" -o "$folder/bin/onednn" "$here/onednn.cpp" \
		"${there[@]}" -Wl,--allow-shlib-undefined -l:libdnnl.so
fi
if ! [ "$folder/bin/libxsmm" -nt "$here/libxsmm.c" -a "$folder/bin/libxsmm" -nt "$here/measure.h" ]; then
	# The archive wants the C library that it was built for.
	gcc -O2 -Wall -Wextra -isystem "$root/usr/include" -fopenmp -o "$folder/bin/libxsmm" "$here/libxsmm.c" \
		"${there[@]}" -Wl,--allow-shlib-undefined "$root"/usr/lib/libxsmm.a "$root"/usr/lib/libxsmmnoblas.a -l:libm.so.6 -l:libc.so.6
fi
cat "$folder/versions"
