#!/bin/sh
# `ensue demo`: what it shows, that it ends by itself, and that nothing is left when it is stopped.
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
TMPDIR=$work
export TMPDIR

ensue demo
equal "ends by itself with exit 0" 0 "$code"
contains "the attack is found" "$out" "! BruteForce"
contains "the silent pump is found" "$out" "! Silent"
contains "the silent pump is the right one" "$out" "device=pump-2"
first=$(printf '%s\n' "$out" | sed -n 's/^ *\([0-9]*\)\.[0-9] s  ! .*/\1/p' | head -n 1)
[ "${first:-99}" -lt 5 ] && pass "the first detection within 5 seconds" || fail "the first detection within 5 seconds" "$out"
equal "its folder is gone" "" "$(ls "$work" | grep ensue-demo)"

# has_detection: the demo in the background has shown something
has_detection() {
	grep -q '! ' "$work/demo.log"
}
# processes_of NAME: those that have it in their command line; NAME is not on ours
processes_of() {
	for p in /proc/[0-9]*; do
		case $({ tr '\0' ' ' <"$p/cmdline"; } 2>/dev/null) in
		*"$1"*) echo "${p#/proc/}" ;;
		esac
	done
}
for sig in INT TERM; do
	rm -f "$work/demo.log"
	start demo "$ENSUE" demo
	demo=$pid
	until_true 10 has_detection || fail "$sig: it shows something first" "$(cat "$work/demo.log")"
	folder=$(ls -d "$work"/ensue-demo.*)
	kill -"$sig" "$demo"
	ended "$demo"
	equal "$sig: exit 0" 0 "$code"
	[ ! -e "$folder" ] && pass "$sig: its folder is gone" || fail "$sig: its folder is gone"
	equal "$sig: no process is left" "" "$(processes_of "${folder##*/}")"
done

mkdir "$work/bin"
code=0
PATH=$work/bin "$ENSUE" demo >"$work/.out" 2>"$work/.err" || code=$?
equal "without a redis-server: exit 3" 3 "$code"
contains "without a redis-server: what to install" "$(cat "$work/.err")" "apt-get install redis-server"
finish
