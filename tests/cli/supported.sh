#!/bin/sh
# What can be checked and compiled, but not run yet: `ensue run` and `ensue test` say so, and run nothing.
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
cd "$work" || exit 99
printf '{"n":1,"s":"a","time":"2026-01-05T08:00:00Z"}\n' >in.ndjson

# not_run PIECE RULES: the rules are accepted, explained and compiled, and the runtime names the piece that it lacks
not_run() {
	printf 'event E from "e" { n: int, s: string }\n%s\n' "$2" >rules.ens
	ensue check rules.ens
	equal "$1: checked" 0 "$code"
	ensue compile rules.ens -o rules.ensc
	equal "$1: compiled" 0 "$code"
	ensue explain rules.ens
	equal "$1: explained" 0 "$code"
	ensue run rules.ens --input in.ndjson
	equal "$1: not run" 1 "$code"
	contains "$1: the reason" "$err" "the rule \`r\`: $1 can be checked and compiled, but not run yet"
	equal "$1: nothing is written" '' "$out"
	ensue run rules.ensc --input in.ndjson
	equal "$1: not run from tables either" 1 "$code"
	printf 'test "t" for r {\n  at 1s E { n: 1 }\n  expect none\n}\n' >>rules.ens
	ensue check rules.ens
	equal "$1: its test is checked" 0 "$code"
	ensue test rules.ens
	equal "$1: its test is not run" 1 "$code"
	contains "$1: the test's reason" "$err" "$1 can be checked and compiled, but not run yet"
}

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
not_yet "tables" 'the rule `large`: a table' <<'EOF'
table Account from "accounts" key card { card: string, limit: int, gone: bool? } delete when gone
event Payment from "payments" { card: string, n: int }
rule large
  match p: Payment[n > Account[card].limit]
  emit  Large { card: p.card }
EOF
for window in 'tumbling 1m' 'hopping 1m every 10s' 'sliding 1m' 'session 1m' '3 events' 'running'; do
	not_run '`window`' "rule r
  from a: E
  window $window
  emit M { n: count() }"
done

# ---- beside what can't be run, the tests of the other rules run

cat >mixed.ens <<'EOF'
event E from "e" { n: int, s: string }
rule often
  from a: E
  window tumbling 1m
  emit Often { n: count() }
rule seen
  match a: E
  emit Seen { n: a.n }
test "seen" for seen {
  E { n: 1 }
  expect Seen { n: 1 }
}
EOF
expect "the others' tests" 0 "1 passed, 0 failed" test mixed.ens
contains "what is left out" "$err" 'mixed.ens: the rule `often`: `window` can be checked and compiled, but not run yet'
sed '/^test/,$d' mixed.ens >both.ens
cat >>both.ens <<'EOF'
test "seen" for seen {
  E { n: 2 }
  expect Seen { n: 1 }
}
test "both" for seen, often {
  expect none
}
EOF
expect "one of them fails, one is left out" 1 "0 passed, 1 failed" test both.ens
contains "which tests are left out" "$err" 'not run yet; its tests are left out'
expect "one that is left out is no success" 1 "0 passed, 0 failed" test --run both both.ens
cat >over.ens <<'EOF'
event E from "e" { n: int, s: string }
rule often
  from a: E
  window tumbling 1m
  derive Often { n: count() }
rule seen
  match a: Often
  emit Seen { n: a.n }
test "seen" for seen {
  expect none
}
EOF
expect "a rule over one that can't be run" 1 "0 passed, 0 failed" test over.ens
contains "why" "$err" 'over.ens: no test is run, since other rules take in what those derive'

finish
