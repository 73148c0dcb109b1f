# Sourced by the scripts that install peers: packages of Debian, unpacked into a
# folder of their own beside the libraries that they were built for. Nothing is
# installed in the system, no root is needed.
#
# Needs Debian on amd64 (apt-get, dpkg-deb, the archive's keyring) and a mirror:
# MIRROR, or the one in the machine's sources, or deb.debian.org. SUITE is sid
# unless set.

# unpack_debian ROOT PACKAGE… empties ROOT, unpacks the packages and all that
# they depend on into it, and prints names and versions, one package a line.
unpack_debian() {
	local root=$1 apt=$1.apt mirror package
	shift
	[ "$(dpkg --print-architecture)" = amd64 ] || { echo "$0: needs Debian on amd64" >&2; return 1; }
	mirror=${MIRROR:-$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
		grep -v '^ *#' | grep -oE 'https?://[^ ]+/debian/?( |$)' | head -n 1 || true)}
	mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
	: >"$apt/status" # an empty system: every dependency is fetched
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror:-http://deb.debian.org/debian} ${SUITE:-sid} main" >"$apt/sources.list"
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
	apt-get -c "$apt/apt.conf" -qq -y --download-only install "$@"
	rm -rf "$root"
	mkdir "$root"
	for package in "$apt"/cache/archives/*.deb; do
		dpkg-deb -x "$package" "$root"
		dpkg-deb -f "$package" Package Version | awk '{printf "%s%s", $2, NR % 2 ? " " : "\n"}'
	done
	rm -rf "$apt"
}

# run_there ROOT prints the options, one a line, with which this machine's
# compiler makes a program that runs with the libraries in ROOT, the dynamic
# linker's included.
run_there() {
	local libraries=$1/usr/lib/x86_64-linux-gnu
	printf '%s\n' "-Wl,--dynamic-linker=$1/usr/lib64/ld-linux-x86-64.so.2" -Wl,--disable-new-dtags "-Wl,-rpath=$libraries" "-L$libraries"
}
