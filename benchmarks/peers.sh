#!/usr/bin/env bash
# Installs the peers of package kernels and builds their runners: oneDNN and
# libxsmm as Debian's newest suite has them, unpacked into a folder of their own
# beside the C and C++ libraries that they were built for. Nothing is installed
# in the system, no root is needed.
#
#	bash benchmarks/peers.sh [FOLDER]    # default: ~/.cache/jpqd-peers, 90 MB
#
# Leaves FOLDER/bin/onednn and FOLDER/bin/libxsmm, which run as they are, and
# prints the versions. What is there already is not fetched again: delete the
# folder to get newer versions.
#
# Needs Debian on amd64 (apt-get, dpkg-deb, the archive's keyring), gcc, g++ and
# a mirror of Debian: MIRROR, or the one in the machine's sources, or
# deb.debian.org. SUITE is sid unless set.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/jpqd-peers}
suite=${SUITE:-sid}
[ "$(dpkg --print-architecture)" = amd64 ] || { echo 'peers.sh: needs Debian on amd64' >&2; exit 1; }
mkdir -p "$folder/bin"
folder=$(cd "$folder" && pwd)
root=$folder/root
libraries=$root/usr/lib/x86_64-linux-gnu

if ! [ -e "$folder/versions" ]; then
	mirror=${MIRROR:-$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
		grep -v '^ *#' | grep -oE 'https?://[^ ]+/debian/?( |$)' | head -n 1 || true)}
	apt=$folder/apt
	mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
	: >"$apt/status" # an empty system: every dependency is fetched
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror:-http://deb.debian.org/debian} $suite main" >"$apt/sources.list"
	cat >"$apt/apt.conf" <<-CONF
		#clear APT::Update::Post-Invoke;
		#clear DPkg::Post-Invoke;
		Dir::Etc::sourcelist "$apt/sources.list";
		Dir::Etc::sourceparts "/dev/null";
		Dir::State "$apt";
		Dir::State::lists "$apt/lists";
		Dir::State::status "$apt/status";
		Dir::Cache "$apt/cache";
		Dir::Log "$apt";
		Acquire::Languages "none";
		Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
		APT::Architectures { "amd64"; };
		APT::Install-Recommends "false";
		APT::Sandbox::User "root";
	CONF
	apt-get -c "$apt/apt.conf" -qq update
	apt-get -c "$apt/apt.conf" -qq -y --download-only install libdnnl-dev libxsmm-dev
	rm -rf "$root"
	mkdir "$root"
	for package in "$apt"/cache/archives/*.deb; do
		dpkg-deb -x "$package" "$root"
		dpkg-deb -f "$package" Package Version | awk '{printf "%s%s", $2, NR % 2 ? " " : "\n"}'
	done | grep -E '^lib(dnnl3|xsmm|c6 |gomp)' >"$folder/new"
	mv "$folder/new" "$folder/versions"
	rm -rf "$apt"
fi

# The runners are compiled by this machine's compiler and run with the
# libraries of the folder, the dynamic linker's included.
run_there=(-Wl,--dynamic-linker="$root/usr/lib64/ld-linux-x86-64.so.2" -Wl,--disable-new-dtags -Wl,-rpath="$libraries" -L"$libraries")
if ! [ "$folder/bin/onednn" -nt "$here/onednn.cpp" -a "$folder/bin/onednn" -nt "$here/measure.h" ]; then
	g++ -O2 -std=c++17 -Wall -Wextra -isystem "$root/usr/include" -o "$folder/bin/onednn" "$here/onednn.cpp" \
		"${run_there[@]}" -Wl,--allow-shlib-undefined -l:libdnnl.so
fi
if ! [ "$folder/bin/libxsmm" -nt "$here/libxsmm.c" -a "$folder/bin/libxsmm" -nt "$here/measure.h" ]; then
	# The archive wants the C library that it was built for.
	gcc -O2 -Wall -Wextra -isystem "$root/usr/include" -fopenmp -o "$folder/bin/libxsmm" "$here/libxsmm.c" \
		"${run_there[@]}" -Wl,--allow-shlib-undefined "$root"/usr/lib/libxsmm.a "$root"/usr/lib/libxsmmnoblas.a -l:libm.so.6 -l:libc.so.6
fi
cat "$folder/versions"
