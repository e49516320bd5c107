#!/bin/sh
# Every place of the grammar takes all that may stand there: the texts of places.txt (see there) have no syntax error.
# What they mean is the matter of the other tests here.
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
cd "$work" || exit 99
awk -f "$ENSUE_SOURCE/tests/lang/places.awk" "$ENSUE_SOURCE/tests/lang/places.txt"
for f in place-*.ens; do
	ensue check --format json "$f"
	# E00 and E01: text and syntax; E0116 and E0117: a name or part that is missing, which the grammar allows
	wrong=$(printf '%s\n' "$out" | grep -oE '"code":"E0[01][0-9]*"[^}]*"text":"[^"]*' | grep -vE '"E011[67]"' | head -n 3)
	[ "$(printf '%s\n' "$out" | grep -o '"code":' | wc -l)" -lt 50 ] || wrong="so many messages that not all are shown"
	equal "$f: $(grep -v '^rule r$' "$f" | head -n 1)" "" "$wrong"
done
finish
