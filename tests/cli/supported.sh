#!/bin/sh
# What can be checked and compiled, but not run yet: `ensue run` and `ensue test` say so, by name (runtime/supported.c).
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
cd "$work" || exit 99

# not_yet NAME PIECE: the rules on standard input compile, and are refused to run with that
not_yet() {
	cat >rules.ens
	ensue compile rules.ens -o rules.ensc
	equal "$1: compiled" "0" "$code$err"
	for from in rules.ens rules.ensc; do
		ensue run "$from" --input - </dev/null
		equal "$1: not run from $from" "1" "$code"
		contains "$1: by name, from $from" "$err" "$2 can be checked and compiled, but not run yet"
	done
}

not_yet "derive" 'the rule `low`: `derive`' <<'EOF'
event A from "a" { n: int }
rule low
  match a: A
  derive Found { n: a.n }
rule top
  match f: Found
  emit Top { n: f.n }
EOF
not_yet "hashes" 'the rule `seen`: `to hash`' <<'EOF'
event A from "a" { n: int }
rule seen
  match a: A
  emit Seen to hash "seen:{a.n}" { n: a.n }
EOF
not_yet "channels" 'the rule `seen`: `to channel`' <<'EOF'
event A from "a" { n: int }
rule seen
  match a: A
  emit Seen to channel "seen" { n: a.n }
EOF
finish
