# What tools/demo and tools/check share: packages and builds.  Sourced, not run.  The caller has set $root.

base_packages="autoconf automake gcc g++ libc6-dev make pkg-config re2c lemon libhiredis-dev libre2-dev libsimdjson-dev
	libxxhash-dev libcctz-dev libmicrohttpd-dev tzdata libcunit1-dev redis-server redis-tools"

say() {
	printf '== %s\n' "$*"
}

# missing PACKAGE...: those that are not installed (Debian and its relatives; elsewhere configure says what is missing)
missing() {
	command -v dpkg-query >/dev/null || return 0
	for p; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || printf '%s ' "$p"
	done
}

# need PACKAGE...: installs what is missing; says what to install when that takes another user.
need() {
	want=$(missing "$@")
	[ -n "$want" ] || return 0
	if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
		echo "These packages are missing; as root: apt-get install $want" >&2
		exit 3
	fi
	say "installing $want"
	DEBIAN_FRONTEND=noninteractive
	export DEBIAN_FRONTEND
	# The package lists of a fresh machine are empty or old: fetch them only when they do not do.
	# shellcheck disable=SC2086
	apt-get install -y -q --no-install-recommends $want >/dev/null 2>&1 && return 0
	if ! apt-get update -q >/dev/null; then
		echo "apt-get update failed: is a package mirror within reach?" >&2
		exit 3
	fi
	# shellcheck disable=SC2086
	if ! apt-get install -y -q --no-install-recommends $want >/dev/null; then
		echo "apt-get could not install: $want" >&2
		exit 3
	fi
}

# make_configure: writes `configure` where it is missing or older than what it is made from.
make_configure() {
	if [ ! -f "$root/configure" ] || [ ! -f "$root/Makefile.in" ] ||
		[ -n "$(find "$root/configure.ac" "$root/Makefile.am" -newer "$root/configure")" ]; then
		(cd "$root" && autoreconf -i) || return 1
	fi
}

# build FOLDER [CONFIGURE ARGUMENT...]: configures if that was not done and makes.
build() {
	folder=$1
	shift
	mkdir -p "$folder" || return 1
	make_configure || return 1
	if [ ! -f "$folder/Makefile" ]; then
		(cd "$folder" && "$root/configure" -q "$@") || return 1
	fi
	make -C "$folder" -s -j"$(getconf _NPROCESSORS_ONLN)"
}

# logged LOG COMMAND...: its output goes to LOG, whose end is shown if it fails.
logged() {
	log=$1
	shift
	mkdir -p "$(dirname "$log")"
	"$@" >"$log" 2>&1 && return 0
	tail -n 40 "$log"
	echo "(all of it: $log)"
	return 1
}
