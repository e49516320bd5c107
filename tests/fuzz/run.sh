# Fuzzes every target, or those named: sh tests/fuzz/run.sh [TARGET]...   (`make fuzz`)
#
#   FUZZ_SECONDS   for how long each target (default 60; 0: until FUZZ_RUNS)
#   FUZZ_RUNS      how many inputs each (default: no bound)
#   FUZZ_QUICK     not empty: without watching what is compared with what: twice as many runs a second, fewer finds behind
#                  magic numbers.  For text, which has a dictionary; in a build of its own
#   FUZZ_FOLDER    where the build, seeds and finds are kept (default ./fuzz): what was learnt is used the next time
#
# Prints a line for each target: runs, inputs kept.  A crash, leak, or an input that takes more than 5 s ends it with
# exit 1 and says where the input is; put it into tests/fuzz/corpus/TARGET once it is mended: `make check` replays those.
set -u
LC_ALL=C
export LC_ALL
source=$(cd "$(dirname "$0")/../.." && pwd)
folder=${FUZZ_FOLDER:-$PWD/fuzz}
seconds=${FUZZ_SECONDS:-60}
runs=${FUZZ_RUNS:--1}
[ $# -gt 0 ] || set -- rules tables lines reply state

# assertions stay on
flags='-O2 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all'
build=$folder/build
if [ "${FUZZ_QUICK:-}" ]; then
	flags="$flags -fno-sanitize-coverage=trace-cmp"
	build=$folder/build-quick
fi

probe() {
	command -v clang >/dev/null && command -v clang++ >/dev/null || return 1
	printf 'int LLVMFuzzerTestOneInput(const char *p, unsigned long n) { return p == 0 && n == 1; }\n' >"$folder/probe.c" &&
		clang -fsanitize=fuzzer,address,undefined -o "$folder/probe" "$folder/probe.c" >"$folder/probe.log" 2>&1
}

mkdir -p "$build" "$folder/found" || exit 99
if ! probe; then
	release=$(clang -dumpversion 2>/dev/null | sed 's/\..*//')
	echo "fuzzing needs clang with libFuzzer: on Debian or Ubuntu, apt-get install clang libclang-rt-${release:-14}-dev" >&2
	exit 3
fi
if [ ! -f "$build/Makefile" ]; then
	(cd "$build" && CC=clang CXX=clang++ CFLAGS=$flags CXXFLAGS=$flags "$source/configure" -q --disable-tests) || exit 1
fi
make -C "$build" -s -j"$(getconf _NPROCESSORS_ONLN)" tests/fuzz/fuzz ensue || exit 1

ASAN_OPTIONS=detect_leaks=0 sh "$source/tests/fuzz/seeds.sh" "$folder/seeds" "$build/ensue" || exit 1
failed=0
for target; do
	mkdir -p "$folder/corpus/$target"
	set -- -max_total_time="$seconds" -runs="$runs" -timeout=5 -rss_limit_mb=1024 -print_final_stats=1 -verbosity=1 \
		-entropic=0 -artifact_prefix="$folder/found/$target-"
	case $target in
	rules) set -- "$@" -max_len=2000 -dict="$folder/seeds/rules.dict" ;;
	tables) set -- "$@" -max_len=20000 ;;
	state) set -- "$@" -max_len=2000 ;;
	*) set -- "$@" -max_len=4000 ;;
	esac
	known=$source/tests/fuzz/corpus/$target
	[ -d "$known" ] || known=
	# shellcheck disable=SC2086
	if ENS_FUZZ_TARGET=$target "$build/tests/fuzz/fuzz" "$@" "$folder/corpus/$target" \
		"$folder/seeds/$target" $known >"$folder/$target.log" 2>&1; then
		echo "$target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$folder/$target.log") runs, $(find "$folder/corpus/$target" -type f | wc -l) inputs kept, no crash"
	else
		failed=1
		echo "FAILED $target"
		grep -E 'ERROR|runtime error|does not hold|Assert|assert|SUMMARY|Test unit written' "$folder/$target.log" | head -n 8
		echo "(all of it: $folder/$target.log)"
	fi
done
exit "$failed"
