#!/usr/bin/env bash
# Installs PyTorch as a peer of training: Debian's, with the OpenBLAS whose threads
# are OpenMP's, as are PyTorch's own. With the default one both fight for the
# cores and a step takes three times as long.
#
#	bash benchmarks/torch.sh [FOLDER]    # default: ~/.cache/jpqd-peers, 1 GB
#
# Leaves in FOLDER/bin/python-torch a Python that has it and NumPy; prints the
# versions. What is there already is not made again: delete FOLDER/torch to get a
# newer one.
#
# Needs what debian.sh needs. SUITE is Debian's, trixie unless set.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/debian.sh"
folder=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/jpqd-peers}
mkdir -p "$folder/bin" "$folder/torch"
folder=$(cd "$folder" && pwd)
torch=$folder/torch
root=$torch/root
libraries=$root/usr/lib/x86_64-linux-gnu

if ! [ -e "$torch/debian" ]; then
	echo 'torch.sh: fetching PyTorch' >&2
	SUITE=${SUITE:-trixie} unpack_debian "$root" python3-torch libopenblas0-openmp >"$torch/debian.new"
	mv "$torch/debian.new" "$torch/debian"
fi
if ! [ -e "$folder/bin/python-torch" ]; then
	cat >"$folder/bin/python-torch.new" <<-SCRIPT
		#!/bin/sh
		PYTHONHOME='$root/usr' PYTHONDONTWRITEBYTECODE=1 exec '$root/usr/lib64/ld-linux-x86-64.so.2' \\
			--library-path '$libraries/openblas-openmp:$libraries:$root/usr/lib' '$root/usr/bin/python3' "\$@"
	SCRIPT
	chmod +x "$folder/bin/python-torch.new"
	mv "$folder/bin/python-torch.new" "$folder/bin/python-torch"
fi
"$folder/bin/python-torch" -c 'import torch'
grep -E '^(python3-torch|libopenblas0-openmp) ' "$torch/debian"
