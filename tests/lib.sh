# What the test scripts share.  Source it first:  . "${ENSUE_SOURCE:-.}/tests/lib.sh"
#
#   ENSUE          the command under test (default: build/ensue)
#   ENSUE_SOURCE   the source tree (default: where the script is)
#   $work          a fresh folder, removed at the end, whatever happens
#
# A case is one line: "ok NAME" or "FAILED NAME" with what was seen.  A script ends with `finish`, which prints
# "N passed, N failed" and exits 1 if any failed.  Nothing here sleeps for timing: waiting is for a condition, with a limit.

set -u
LC_ALL=C
export LC_ALL
ENSUE_SOURCE=${ENSUE_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
ENSUE=${ENSUE:-$ENSUE_SOURCE/build/ensue}
unset ENSUE_REDIS ENSUE_JOB
passed=0
failed=0
work=$(mktemp -d "${TMPDIR:-/tmp}/ensue-test.XXXXXX") || exit 99
started=

clean_up() {
	for pid in $started; do
		kill -KILL "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if [ ! -x "$ENSUE" ]; then
	echo "FAILED there is no command at $ENSUE: build first"
	echo "0 passed, 1 failed"
	exit 1
fi

# Was the command built with sanitizers?  They have memory, stack and time of their own.
sanitized() {
	grep -q '^ENS_SWITCH_FLAGS = .*-fsanitize' "$ENSUE_BUILD/Makefile" 2>/dev/null
}

pass() {
	passed=$((passed + 1))
	echo "ok $1"
}

# fail NAME [DETAIL...]: each detail is a line.
fail() {
	failed=$((failed + 1))
	echo "FAILED $1"
	shift
	for detail; do
		printf '%s\n' "$detail" | sed 's/^/    /'
	done
}

# equal NAME EXPECTED ACTUAL
equal() {
	if [ "$2" = "$3" ]; then
		pass "$1"
	else
		fail "$1" "expected:" "$2" "got:" "$3"
	fi
}

# contains NAME TEXT PART: TEXT has PART in it.
contains() {
	case $2 in
	*"$3"*) pass "$1" ;;
	*) fail "$1" "expected somewhere: $3" "got:" "$2" ;;
	esac
}

# ensue ARG...: runs the command; $code, $out and $err say what came of it.
ensue() {
	code=0
	"$ENSUE" "$@" >"$work/.out" 2>"$work/.err" || code=$?
	out=$(cat "$work/.out")
	err=$(cat "$work/.err")
}

# expect NAME CODE PART ARG...: the command ends with CODE and says PART, on either output.
expect() {
	_name=$1 _code=$2 _part=$3
	shift 3
	ensue "$@"
	if [ "$code" != "$_code" ]; then
		fail "$_name" "expected exit code $_code, got $code" "$out" "$err"
		return
	fi
	case "$out
$err" in
	*"$_part"*) pass "$_name" ;;
	*) fail "$_name" "expected to be said: $_part" "got:" "$out" "$err" ;;
	esac
}

# start NAME COMMAND...: in the background, its output in $work/NAME.log; its process ID in $pid.
start() {
	log=$work/$1.log
	shift
	"$@" >"$log" 2>&1 &
	pid=$!
	started="$started $pid"
}

# ended PID: waits for it; its exit code in $code.  Ends it by force after $1 seconds (default 20).
ended() {
	code=0
	if ! until_true "${2:-20}" gone "$1"; then
		kill -KILL "$1"
		code=stuck
		wait "$1" 2>/dev/null
	else
		wait "$1" 2>/dev/null || code=$?
	fi
	kept=
	for p in $started; do
		[ "$p" = "$1" ] || kept="$kept $p"
	done
	started=$kept
}

# True when the process has ended: waits for nobody, so a zombie counts as ended.
gone() {
	state=$(sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null) || return 0
	[ -z "$state" ] || [ "$state" = Z ]
}

# until_true SECONDS COMMAND...: tries until it succeeds; false when the time is over.
until_true() {
	deadline=$(($(date +%s) + $1))
	shift
	while ! "$@"; do
		[ "$(date +%s)" -le "$deadline" ] || return 1
		pause
	done
}

# The one pause between two looks at a condition.
pause() {
	command sleep 0.03
}

finish() {
	echo "$passed passed, $failed failed"
	[ "$failed" -eq 0 ]
	exit $?
}
