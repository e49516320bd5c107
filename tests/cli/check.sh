#!/bin/sh
# `ensue check`: exit codes, the closing line, JSON, dumps, and hostile rule files.
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
cd "$work" || exit 99
cat >ok.ens <<'END'
event Login from "logins" { user: string, ok: bool }
rule one
  key   user
  match fail: Login[not ok] -> hit: Login[ok]
  within 1m
  emit  Found { user }
END
cat >more.ens <<'END'
rule two
  key   user
  match hit: Login[ok]
  emit  Seen { user }
END

expect "a good file" 0 "ok.ens: 1 rule, no problems" check ok.ens
expect "two files together" 0 "ok.ens, more.ens: 2 rules, no problems" check ok.ens more.ens
expect "quiet" 0 "" check -q ok.ens
equal "quiet says nothing" "" "$out$err"
ensue check - <ok.ens
equal "standard input" 0 "$code"

sed 's/user }$/usr }/' ok.ens >name.ens
expect "an unknown name: exit 1" 1 "name.ens:6:" check name.ens
contains "the source line is shown" "$err" "emit  Found { usr }"
contains "a remedy" "$err" 'did you mean `user`?'
contains "a caret" "$err" "^"
contains "how many" "$err" "1 error"
ensue check --format json name.ens
equal "JSON: exit 1" 1 "$code"
contains "JSON: file" "$out" '"file":"name.ens"'
contains "JSON: line" "$out" '"line":6'
contains "JSON: code" "$out" '"code":"E'
equal "JSON: nothing else is said" "" "$err"
ensue check --format json ok.ens
equal "JSON: no messages are an empty array" "[]" "$out"

sed -e 's/user }$/usr }/' -e 's/key   user/key   uzer/' ok.ens >two.ens
ensue check two.ens
contains "several errors in one run: the key" "$err" "two.ens:3:"
contains "several errors in one run: the emission" "$err" "two.ens:6:"

expect "no such file: exit 3" 3 "nowhere.ens can't be read" check nowhere.ens
mkdir folder.ens
expect "a folder: exit 3" 3 "folder.ens can't be read" check folder.ens
: >empty.ens
expect "an empty file: exit 1" 1 "empty.ens" check empty.ens
printf 'event A from "a" { n: int }\nrule r\n  match a: A[n = "\377"]\n  emit M {}\n' >latin.ens
expect "not UTF-8" 1 "latin.ens:3:" check latin.ens
printf 'event A from "a" { n: int }\nrule r\n  match a: A[n = "x]\n  emit M {}\n' >open.ens
expect "an unterminated string" 1 "open.ens:3:" check open.ens
printf 'event A from "a" { n: int }\nrule r\n  match a: A{5,2}\n  emit M {}\n' >bounds.ens
expect "contradictory bounds" 1 "bounds.ens:3:" check bounds.ens
printf 'event A from "a" { n: int }\nrule r\n  match a: A -> not A\n  emit M {}\n' >never.ens
expect "not with nothing to bound it" 1 "never.ens:3:" check never.ens
{
	printf 'event A from "a" { n: int }\nrule r\n  match a: A[n = '
	head -c 10000000 /dev/zero | tr '\0' '('
	printf '1]\n  emit M {}\n'
} >deep.ens
expect "10 MB of nesting" 1 "deep.ens:3:" check deep.ens
head -c 17000000 /dev/zero | tr '\0' '#' >large.ens
expect "more than 16 MiB" 1 "16 MiB" check large.ens
head -c 100000 /dev/urandom >noise.ens
expect "noise" 1 "noise.ens" check noise.ens
printf 'event A from "a" { n: int }\0rule' >nul.ens
expect "a NUL" 1 "nul.ens:1:" check nul.ens

for part in ast graph tables; do
	ensue check --dump $part ok.ens
	equal "--dump $part: exit 0" 0 "$code"
	[ -n "$out" ] && pass "--dump $part prints" || fail "--dump $part prints"
	first=$out
	ensue check --dump $part ok.ens
	equal "--dump $part: the same every time" "$first" "$out"
done
finish
