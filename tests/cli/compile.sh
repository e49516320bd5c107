#!/bin/sh
# `ensue compile` and table files: the same results as the rules; truncated, flipped and foreign files are refused.
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
cd "$work" || exit 99
cat >rules.ens <<'END'
event Login from "logins" { user: string, ok: bool }
rule one
  key   user
  match fail: Login[not ok]{2,} -> hit: Login[ok]
  within 100 events
  emit  Found { user, n: count(fail) }
END
cat >in.ndjson <<'END'
{"user":"ann","ok":false}
{"user":"bob","ok":false}
{"user":"ann","ok":false}
{"user":"ann","ok":true}
END

expect "compile" 0 "" compile rules.ens -o rules.ensc
equal "compile says nothing" "" "$out$err"
ensue run rules.ens --input in.ndjson
plain=$out
contains "the rules find it" "$plain" '"user":"ann"'
ensue run rules.ensc --input in.ndjson
equal "the tables find the same" "$plain" "$out"
cp rules.ensc first.ensc
ensue compile rules.ens -o rules.ensc
cmp -s first.ensc rules.ensc && pass "the same rules give the same bytes" || fail "the same rules give the same bytes"
mkfifo pipe
cat pipe >piped.ensc &
ensue compile rules.ens -o pipe
wait
cmp -s piped.ensc rules.ensc && [ -p pipe ] && pass "to a pipe, which stays one" || fail "to a pipe, which stays one"
: >target.ensc
ln -s target.ensc link.ensc
ensue compile rules.ens -o link.ensc
cmp -s target.ensc rules.ensc && [ -L link.ensc ] && pass "through a link, which stays one" || fail "through a link, which stays one"
equal "no temporary file is left" "" "$(ls | grep 'rules.ensc\.')"

sed 's/count(fail)/count(fial)/' rules.ens >wrong.ens
expect "wrong rules: exit 1" 1 "wrong.ens:6:" compile wrong.ens -o wrong.ensc
[ ! -e wrong.ensc ] && pass "wrong rules leave no file" || fail "wrong rules leave no file"
expect "a folder that is not there: exit 3" 3 "can't be written" compile rules.ens -o nowhere/rules.ensc
mkdir folder.ensc
for verb in check compile explain graph list fmt "run --input in.ndjson"; do
	out_option=
	[ "$verb" != compile ] || out_option="-o out.ensc"
	expect "a folder named like tables: ${verb%% *}" 3 "folder.ensc is a folder: name a file in it" $verb folder.ensc $out_option
done
expect "check of a table file" 1 "compiled table file" check rules.ensc
expect "two files, one of them tables" 2 "stands alone" run rules.ensc rules.ens --input in.ndjson

# refuse NAME FILE: run refuses the table file with a reason, and prints nothing else
refuse() {
	ensue run "$2" --input in.ndjson
	if [ "$code" = 1 ] && [ -z "$out" ] && [ "$(printf '%s\n' "$err" | grep -c 'refused: .')" = 1 ]; then
		pass "$1"
	else
		fail "$1" "exit code $code" "$out" "$err"
	fi
}
size=$(wc -c <rules.ensc)
for keep in 0 7 8 40 64 $((size / 2)) $((size - 1)); do
	head -c "$keep" rules.ensc >cut.ensc
	refuse "cut to $keep of $size bytes" cut.ensc
done
{ cat rules.ensc; printf x; } >long.ensc
refuse "one byte too many" long.ensc
case $err in
*"refused: there are 1 bytes behind the end of the table file (invariant T1)"*) pass "the reason first, then its number" ;;
*) fail "the reason first, then its number" "$err" ;;
esac
printf 'not a table file at all, but named like one\n' >foreign.ensc
refuse "a foreign file" foreign.ensc
tr '\n' '\r' <rules.ensc >text.ensc
refuse "copied as text" text.ensc

# flip OFFSET: a copy with one bit of that byte turned over
flip() {
	byte=$(od -An -tu1 -j "$1" -N 1 rules.ensc | tr -d ' ')
	{
		head -c "$1" rules.ensc
		printf "\\$(printf %03o $((byte ^ (1 << ($1 % 8)))))"
		tail -c +$(($1 + 2)) rules.ensc
	} >flipped.ensc
}
bad=
n=0
at=0
while [ "$at" -lt "$size" ]; do
	flip "$at"
	ensue run flipped.ensc --input in.ndjson
	n=$((n + 1))
	case $code in
	1) case $err in *refused:*) ;; *) bad="$bad $at" ;; esac ;;
	*) bad="$bad $at($code)" ;;
	esac
	at=$((at + size / 97 + 1))
done
equal "one bit turned over, at $n places" "" "$bad"
finish
