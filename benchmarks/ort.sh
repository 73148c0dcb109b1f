#!/usr/bin/env bash
# Installs ONNX Runtime as a peer of the engine: the library of the npm package
# onnxruntime-node, BERT-base in float32 and quantized by its own tools
# (bert_onnx.py, run by Debian's Python), and a runner.
#
#	bash benchmarks/ort.sh [FOLDER]    # default: ~/.cache/jpqd-peers, 1.6 GB
#
# Leaves in FOLDER/ort library.so, the models and version, and FOLDER/bin/ort;
# prints the version. What is there already is not made again: delete FOLDER/ort
# to get a newer one. To measure another build of ONNX Runtime, put it in the
# place of library.so.
#
# Needs gcc, npm, and what debian.sh needs. ORT_VERSION is the version of the npm
# package, the newest unless set. Where there is no npm, the library is Debian's,
# which is older.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/debian.sh"
folder=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/jpqd-peers}
mkdir -p "$folder/bin" "$folder/ort"
folder=$(cd "$folder" && pwd)
ort=$folder/ort
root=$ort/root
libraries=$root/usr/lib/x86_64-linux-gnu

if ! [ -e "$ort/debian" ]; then
	unpack_debian "$root" python3-onnx python3-onnxruntime onnxruntime-tools libonnxruntime-dev >"$ort/debian.new"
	mv "$ort/debian.new" "$ort/debian"
fi
if ! [ -e "$ort/library.so" ]; then
	if command -v npm >/dev/null; then
		npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$ort/node" "onnxruntime-node@${ORT_VERSION:-latest}" >&2
		cp "$ort"/node/node_modules/onnxruntime-node/bin/napi-v*/linux/x64/libonnxruntime.so.1 "$ort/library.new"
		rm -rf "$ort/node"
	else
		echo 'ort.sh: no npm: measuring the older library of Debian' >&2
		cp -L "$libraries/libonnxruntime.so" "$ort/library.new"
	fi
	mv "$ort/library.new" "$ort/library.so"
fi
if ! [ -e "$ort/models" ]; then
	echo 'ort.sh: writing and quantizing BERT-base' >&2
	rm -rf "$ort/models.new"
	mkdir "$ort/models.new"
	# Debian's onnx and onnxruntime both register the schemas of the operators,
	# which is harmless and fills the screen.
	PYTHONHOME=$root/usr PYTHONDONTWRITEBYTECODE=1 "$root/usr/lib64/ld-linux-x86-64.so.2" \
		--library-path "$libraries:$libraries/blas:$libraries/lapack" \
		"$root/usr/bin/python3" "$here/bert_onnx.py" "$ort/models.new" >"$ort/log" 2>&1 ||
		{ grep -v '^$\|^Schema error' "$ort/log" | tail -n 20 >&2; exit 1; }
	mv "$ort/models.new" "$ort/models"
fi
if ! [ "$folder/bin/ort" -nt "$here/ort.c" ]; then
	mapfile -t there < <(run_there "$root")
	gcc -O2 -Wall -Wextra -isystem "$root/usr/include/onnxruntime" -o "$folder/bin/ort" "$here/ort.c" "${there[@]}" -Wl,--allow-shlib-undefined -l:libc.so.6
fi
"$folder/bin/ort" "$ort/library.so" "$ort/models/int8_opt.onnx" 1 </dev/null >"$ort/version"
echo "ONNX Runtime $(cat "$ort/version")"
