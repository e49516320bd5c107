#!/bin/sh
# `ensue new`: what it writes works at once; nothing is overwritten; names.
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
cd "$work" || exit 99
ensue new guesses
equal "exit 0" 0 "$code"
contains "what to do next" "$err" "ensue run guesses.ens --input guesses.ndjson"
equal "two files" "guesses.ens guesses.ndjson" "$(echo *)"
expect "the rules are right, without a warning" 0 "guesses.ens: 1 rule, no problems" check guesses.ens
ensue run guesses.ens --input guesses.ndjson
equal "the run ends well" 0 "$code"
contains "and finds what the rule looks for" "$out" '"_event":"Alert","user":"bob","ip":"192.0.2.7","tries":3'
equal "once" 1 "$(printf '%s\n' "$out" | wc -l)"
expect "its tests pass" 0 "2 passed, 0 failed" test guesses.ens
echo mine >guesses.ens
expect "refuses to overwrite the rules" 3 "guesses.ens exists already" new guesses
equal "they are as they were" "mine" "$(cat guesses.ens)"
echo mine >other.ndjson
expect "refuses to overwrite the sample" 3 "other.ndjson exists already" new other
[ -e other.ens ] && fail "and leaves nothing behind" || pass "and leaves nothing behind"
ln -s nowhere third.ens
expect "nor through a link" 3 "third.ens exists already" new third
for name in '' 5x a/b ../x 'a b' not 'a.ens' "$(printf 'a%.0s' $(seq 100))"; do
	expect "the name \`$name\` is refused" 2 "can't be the name" new "$name"
done
bad=
for name in Login Alert user $(sed -n 's/^X([A-Z_0-9]*, "\([a-z_]*\)", .*/\1/p' "$ENSUE_SOURCE/dsl/words.def"); do
	"$ENSUE" new "$name" >/dev/null 2>&1 || continue
	"$ENSUE" test "$name.ens" >/dev/null 2>&1 || bad="$bad $name"
done
equal "words of the language as names" "" "$bad"
[ -e match.ens ] && pass "they are taken" || fail "they are taken"
expect "no name" 2 "one name" new
expect "two names" 2 "one name" new a b
mkdir closed && chmod 500 closed && cd closed && if [ ! -w . ]; then
	expect "a folder that can't be written" 3 "can't be made" new fine
fi
finish
