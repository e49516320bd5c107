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
expect "a folder: exit 3" 3 "folder.ens is a folder" check folder.ens
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

# verdicts on warnings
printf 'event A from "a" { n: int, f: float }\nrule r\n  match a: A[f = 0.5] -> b: A\n  emit M {}\n' >warns.ens
printf '{"n":1,"f":0.5}\n' >warns.ndjson
expect "a warning is no error" 0 "2 warnings" check warns.ens
expect "denied: exit 1" 1 "error W0201" check --deny W0201 warns.ens
contains "denied: the other one stays a warning" "$err" "warning W0203"
contains "denied: counted as error" "$err" "1 rule, 1 error"
expect "allowed: not told" 0 "warns.ens: 1 rule, no problems" check --allow W0201 --allow W0203 warns.ens
expect "several denied" 1 "2 errors" check --deny W0201 --deny W0203 warns.ens
ensue check --deny W0201 --format json warns.ens
contains "denied, in JSON" "$out" '"code":"W0201","severity":"error"'
sed 's/^  match/  # allow W0201\n  match/' warns.ens >silent.ens
expect "a comment comes before --deny" 0 "1 warning" check --deny W0201 silent.ens
sed 's/^  emit M {}/  emit M { x: a.m }/' warns.ens >both.ens
expect "denied warnings do not hide errors" 1 "error E0203" check --deny W0203 both.ens
contains "nor the other way round" "$err" "error W0203"
expect "explain: denied" 1 "error W0201" explain --deny W0201 warns.ens
expect "graph: denied" 1 "error W0201" graph --deny W0201 warns.ens
expect "test: denied" 1 "error W0201" test --deny W0201 warns.ens
expect "compile: denied" 1 "error W0201" compile --deny W0201 warns.ens -o warns.ensc
[ -e warns.ensc ] && fail "compile: denied, so nothing is written" || pass "compile: denied, so nothing is written"
expect "compile: allowed" 0 "" compile --allow W0201 --allow W0203 warns.ens -o warns.ensc
equal "compile: allowed, so nothing is said" "" "$err"
expect "run: denied" 1 "error W0203" run --deny W0203 warns.ens --input warns.ndjson
expect "run: allowed" 0 "" run --allow W0203 --allow W0201 --quiet warns.ens --input warns.ndjson
equal "run: allowed, so nothing is said" "" "$err"
for verb in check compile run; do
	expect "$verb: only warnings are allowed" 2 "only warnings can be left out" $verb --allow E0203 warns.ens
	expect "$verb: errors are errors" 2 "an error already" $verb --deny E0203 warns.ens
	expect "$verb: no such warning" 2 "no such warning" $verb --deny W0999 warns.ens
done
{
	printf 'event A from "a" { f: float }\n'
	yes '# allow W0203 W0201' | head -n 200000
	printf 'rule r\n  match a: A[f = 0.5%s]\n  emit M {}\n' "$(yes ' or f = 0.5' | head -n 900 | tr -d '\n')"
	yes '# allow W0203' | head -n 200000
} >many.ens
expect "many comments and warnings" 0 "901 warnings" check many.ens

for part in ast graph tables; do
	ensue check --dump $part ok.ens
	equal "--dump $part: exit 0" 0 "$code"
	[ -n "$out" ] && pass "--dump $part prints" || fail "--dump $part prints"
	first=$out
	ensue check --dump $part ok.ens
	equal "--dump $part: the same every time" "$first" "$out"
done

# as editors and other systems write files
says() {
	printf "$2" >odd.ens
	expect "$1" "$3" "$4" check odd.ens
}
says "a byte order mark" '\357\273\277event A from "a" { n: int }\nrule r\n match A\n emit X {}\n' 0 "no problems"
says "line ends of Windows" 'event A from "a" { n: int }\r\nrule r\r\n match A\r\n emit X {}\r\n' 0 "no problems"
says "line ends of old Macs" 'event A from "a" { n: int }\rrule r\r match A\r emit X {}\r' 1 "carriage return alone"
says "UTF-16" '\377\376e\000v\000' 1 "this looks like UTF-16"
says "UTF-16 without a mark" 'e\000v\000e\000' 1 "save the file as UTF-8"
says "Latin-1" 'event A from "caf\351" { n: int }\n' 1 "odd.ens:1:18: error E0001: byte E9 is not UTF-8"
says "comments alone" '# rules\n' 1 "ensue new NAME"
says "an invisible character" 'event A from "a" { n\342\200\213: int }\nrule r\n match A\n emit X {}\n' 1 "odd.ens:1:21: error E0003: an invisible character stands here"
says "a space that does not break" 'event A from "a" { n: int }\nrule r\n match\302\240A\n emit X {}\n' 1 "write a space"
finish
