#!/bin/sh
# Random rules against the reference for a short while, see differential.py: all constructs, the same with an index of waiting
# matches wherever there can be one, those whose matches are shared, and the same without that.
# ENSUE_DIFFERENTIAL_SECONDS: how long (20).
here=${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/conformance
seconds=$((${ENSUE_DIFFERENTIAL_SECONDS:-20} / 4))
passed=0
failed=0

compare() {
	out=$(python3 "$here/differential.py" --seconds "$seconds" --seeds "${ENSUE_DIFFERENTIAL_SEEDS:-1-100000}" "$@")
	code=$?
	printf '%s\n' "$out"
	same=$(printf '%s\n' "$out" | sed -n 's/^\(.* \)\{0,1\}\([0-9][0-9]*\) same.*/\2/p' | tail -n 1)
	different=$(printf '%s\n' "$out" | grep -c '^DIFFERENT')
	[ "$code" -eq 0 ] || [ "$different" -gt 0 ] || different=1
	[ "${same:-0}" -gt 0 ] || { echo "FAILED no case could be compared"; different=$((different + 1)); }
	passed=$((passed + ${same:-0}))
	failed=$((failed + different))
}

compare "$@"
compare --option=--index-waiting-from=1 "$@"
compare --only shared "$@"
compare --only shared --option=--no-shared-matches "$@"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
