#!/bin/sh
# The sample rules: each file compiles without a message, its tests pass, and NAME.ndjson gives exactly NAME.expected.
# `patterns.sh --update` writes what comes out now.
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
for rules in "$ENSUE_SOURCE"/patterns/*.ens; do
	name=$(basename "$rules" .ens)
	expect "$name: no problems" 0 "no problems" check "$rules"
	expect "$name: its tests" 0 " passed, 0 failed" test "$rules"
	ensue run "$rules" --input "${rules%.ens}.ndjson"
	equal "$name: exit code" 0 "$code"
	equal "$name: every event is taken" "" "$err"
	[ "${1:-}" != --update ] || cp "$work/.out" "${rules%.ens}.expected"
	equal "$name: what it finds" "$(cat "${rules%.ens}.expected")" "$out"
done
finish
