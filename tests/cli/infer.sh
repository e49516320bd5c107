#!/bin/sh
# `ensue infer` on files: the narrowest types, and that what it writes compiles and takes the very entries it saw.
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
cd "$work" || exit 99

# takes NAME FILE: the declarations of FILE compile, and a run over FILE refuses none of its entries
takes() {
	"$ENSUE" infer "$2" >takes.ens 2>/dev/null
	types=$(sed -n 's/^event \(`[^`]*`\|[A-Za-z_0-9]*\) .*/\1/p' takes.ens | sed ':a;N;$!ba;s/\n/, /g')
	first=${types%%, *}
	printf 'rule r\n  from  %s\n  match a: %s\n  emit  M {}\n' "$types" "$first" >>takes.ens
	ensue check takes.ens
	equal "$1: it compiles" 0 "$code"
	equal "$1: without a message" "" "$(printf '%s\n' "$err" | grep -E ' (error|warning) ')"
	ensue run takes.ens --input "$2"
	equal "$1: it takes every entry" "0 " "$code $(printf '%s\n' "$err" | grep -v '^ensue: [0-9]* event')"
}

cat >logins.ndjson <<'EOF'
{"user":"ann","ip":"192.0.2.1","ok":true,"n":5,"f":1.5,"took":"1h30m","created_at":1736064000123,"when":"2026-01-05T08:00:00Z","note":null,"opt":1,"zip":"00123","not":1,"big":7}
{"user":"bob","ip":"::1","ok":false,"n":-6,"f":2,"took":"5s","created_at":1736064000200,"when":"2026-01-05T08:00:01+01:00","note":"x","zip":"7","not":2,"big":123456789012345678901234567890}
EOF
ensue infer logins.ndjson
equal "NDJSON: exit 0" 0 "$code"
equal "NDJSON: nothing else is said" "" "$err"
equal "NDJSON" '# Inferred from 2 entries: look through it.
event Logins from "logins" {
  user: string
  ip: ip
  ok: bool
  n: int
  f: float
  took: duration
  created_at: time(ms)
  when: time
  note: string?
  opt: int?
  zip: string
  `not`: int
  big: float
}' "$out"

cat >mixed.csv <<'EOF'
id,ok,digit,both,zip,price,ip,at,took,text,gap,empty
7,true,1,1,007,1.5,192.0.2.1,1736064000,5s,,1,
-8,false,0,yes,12,2,::1,1736064009,250ms,5,,
EOF
ensue infer mixed.csv
equal "CSV" '# Inferred from 2 entries: look through it.
event Mixed from "mixed" {
  id: int
  ok: bool
  digit: int
  both: bool
  zip: string
  price: float
  ip: ip
  at: time(s)
  took: duration
  text: int?
  gap: int?
  empty: string
} time at' "$out"
takes "CSV" mixed.csv

cat >types.ndjson <<'EOF'
{"event":"Login","user":"ann","time":"2026-01-05T08:00:00Z"}
{"event":"Log out","user":"ann","time":"2026-01-05T08:00:01Z"}
{"event":"Login","user":"bob","ok":true,"time":"2026-01-05T08:00:02Z"}
EOF
ensue infer - <types.ndjson
equal "several types" '# Inferred from 3 entries: look through it.
event Login from "events" where event = "Login" {
  user: string
  time: time
  ok: bool?
}
event `Log out` from "events" where event = "Log out" {
  user: string
  time: time
}' "$out"
takes "several types" types.ndjson
printf '{"event":"Other","a":1}\n{"a":2}\n{"event":5,"a":2}\n' >other.ndjson
ensue infer other.ndjson
contains "entries without a type: one beside the named ones" "$out" 'event OtherOther from "other" {'
contains "an event that names no type is told" "$err" "1 of the entries were left out"
printf '{"event":null,"_event":"X","a":2}\n{"_event":"Y","a":2}\n' >under.ndjson
ensue infer under.ndjson
contains "emissions name their type with _event" "$out" 'event Y from "under" where _event = "Y" {'
takes "types by _event" under.ndjson

printf '{"list":[1],"object":{"a":1},"mix":1,"fine":1,"a`b":1,"e\\u001bx":2}\nnonsense\n{"mix":"a","fine":2}\n' >hard.ndjson
ensue infer hard.ndjson
equal "what has no type is left out" '# Inferred from 2 entries: look through it.
event Hard from "hard" {
  # left out: list, no type takes all its values (a list, an object, or a mixture)
  object_a: int? as "object.a"
  # left out: mix, no type takes all its values (a list, an object, or a mixture)
  fine: int
  # left out: a`b, which can'"'"'t be a name
  # left out: e\x1Bx, which can'"'"'t be a name
}' "$out"
contains "lines that can't be read are told" "$err" "1 of the entries can't be read and were left out; the first is line 2"

cat >nested.ndjson <<'EOF'
{"id":1,"user":{"id":7,"address":{"city":"D\u00fcren","zip":"01234"},"tags":[1]},"user_id":5,"odd":{"a.b":1,"":2},"none":{},"at":{"ts":1736064000}}
{"id":2,"user":{"id":8,"address":null},"user_id":6,"odd":{},"none":{},"mix":{"x":1},"at":{"ts":1736064009}}
{"id":3,"user":{"id":9},"user_id":7,"odd":{},"none":null,"mix":1,"at":{"ts":1736064010}}
EOF
ensue infer nested.ndjson
equal "members of objects by their paths, under names that are free" '# Inferred from 3 entries: look through it.
event Nested from "nested" {
  id: int
  `user.id`: int
  # left out: user_tags, no type takes all its values (a list, an object, or a mixture)
  user_address_city: string? as "user.address.city"
  user_address_zip: string? as "user.address.zip"
  user_id: int
  at_ts: time(s) as "at.ts"
  # left out: mix, no type takes all its values (a list, an object, or a mixture)
  mix_x: int? as "mix.x"
} time at_ts' "$out"
takes "members" nested.ndjson
{
	printf '{"n":1,"o":'
	head -c 30 /dev/zero | tr '\0' '[' | sed 's/\[/{"o":/g'
	printf 1
	head -c 30 /dev/zero | tr '\0' '}'
	printf ',"wide":{'
	i=0
	while [ $i -lt 40 ]; do
		printf '"w%d":{"x":1},' $i
		i=$((i + 1))
	done
	printf '"last":1},"%s":{"x":1}}\n' "$(head -c 300 /dev/zero | tr '\0' n)"
} >deep.ndjson
takes "objects that are deep, many, or have long names" deep.ndjson

# every word of the language as a field, every printable character in a name, long and odd stream names
sed -n 's/^[A-Z]*([^"]*"\([a-z_ ]*\)".*/\1/p' "$ENSUE_SOURCE/dsl/words.def" | sort -u | grep -vx -e event -e time >words
[ "$(wc -l <words)" -gt 30 ] && pass "the words of the language are read" || fail "the words of the language are read"
{
	printf '{'
	sed 's/.*/"&":1,/' words | tr -d '\n'
	printf '"!#$%%&()*+,-./:;<=>?@[]^{|}~":1,"a b":1,"caf\303\251":1,"9":1,"time":"2026-01-05T08:00:00Z"}\n'
} >'9 "odd"\.ndjson'
takes "odd names" '9 "odd"\.ndjson'
grep -q '^  `a b`: int$' takes.ens && pass "odd names are in back quotes" || fail "odd names are in back quotes" "$(cat takes.ens)"
grep -q '^event E9Odd from "9 \\"odd\\"\\\\" ' takes.ens && pass "a type named after an odd stream" || fail "a type named after an odd stream" "$(head -n 3 takes.ens)"
printf '{"a":"%s","a":1}\n' x >twice.ndjson
expect "a member twice: the first counts" 0 "  a: string" infer twice.ndjson

# no more than 1,000 entries, and no more fields than there can be
{
	yes '{"n":1}' | head -n 1000
	yes '{"n":1.5}' | head -n 1000
} >many.ndjson
expect "1,000 entries" 0 "Inferred from 1000 entries" infer many.ndjson
contains "not one more" "$out" "  n: int"
printf '{%s}\n{%s}\n' "$(printf '"f%d":1,' $(seq 1000) | sed 's/,$//')" "$(printf '"g%d":1,' $(seq 1000) | sed 's/,$//')" >wide.ndjson
expect "more fields than there can be" 0 "and more than these 1023 fields" infer wide.ndjson
{
	cat wide.ndjson
	printf '{"time":"2026-01-05T08:00:00Z"}\n'
} | "$ENSUE" infer - >wide.ens
printf 'rule r\n  match a: Events\n  emit  M {}\n' >>wide.ens
expect "and they compile" 0 "no problems" check wide.ens
i=0
while [ $i -lt 150 ]; do
	echo "{\"event\":\"t$i\",\"n\":1}"
	i=$((i + 1))
done >kinds.ndjson
ensue infer kinds.ndjson
equal "at most 100 types" 100 "$(printf '%s\n' "$out" | grep -c '^event')"

expect "nothing to see" 3 "no entry that could be declared" infer /dev/null
printf 'a,b\n"\377",1\n' >latin.csv
expect "not UTF-8" 3 "no entry that could be declared" infer latin.csv
expect "a file that is not there" 3 "cannot read nowhere.csv" infer nowhere.csv
expect "no file" 2 "one file, or one stream" infer
expect "two files" 2 "one file, or one stream" infer a b
expect "a stream's name that is not UTF-8" 2 "not UTF-8" infer --redis unix:///nowhere "$(printf '\377')"
expect "a wrong URL" 2 "--redis" infer --redis http://nowhere s
expect "no server" 3 "$work/none" infer --redis "unix://$work/none" s
finish
