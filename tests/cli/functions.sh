#!/bin/sh
# `fn`: what calls compute, and that expansion bombs end early.
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
cd "$work" || exit 99
cat >rules.ens <<'END'
param least: float = 1.0
fn pace(km, h) = if h > 0 then km / h else 0
fn quick(km, h, limit) = pace(km, h) >= limit * least
fn far(steps) = sum(steps.km)
event Run from "runs" { who: string, km: float, h: float, time: time }
rule runs
  key    who
  match  a: Run[quick(km, h, 10)]{2} -> b: Run[pace(km, h) > pace(first(a).km, first(a).h)]
  where  far(a) < 100
  within 1h
  emit   Faster { who, far: far(a), pace: pace(b.km, b.h), none: pace(b.km, 0) }
END
run() {
	printf '{"who":"ann","km":%s,"h":%s,"time":"2026-01-05T08:%s:00Z"}\n' "$1" "$2" "$3"
}
{
	run 10 1 00
	run 9 1 01
	run 30 2 02
	run 11 0 03
	run 10 1 04
	run 22 2 05
} >in.ndjson
ensue run rules.ens --input in.ndjson
equal "calls compute what their bodies say" '{"_event":"Faster","who":"ann","far":40.0,"pace":11.0,"none":0.0}' \
	"$(printf '%s\n' "$out" | sed 's/,"_rule".*/}/')"
ensue run rules.ens --set least=2 --input in.ndjson
equal "parameters in bodies" "" "$out"

# A build that looks for memory errors needs more than is allowed here for itself.
limits='ulimit -v 131072; ulimit -t 1'
(eval "$limits" && "$ENSUE" version) >/dev/null 2>&1 || limits=:

# bomb NAME PART: bomb.ens ends with a message, within a second and 128 MB
bomb() {
	code=0
	said=$( (eval "$limits" && "$ENSUE" check bomb.ens) 2>&1) || code=$?
	equal "$1: exit 1" 1 "$code"
	contains "$1: the message" "$said" "$2"
}
{
	echo 'fn f0(x) = x'
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
		echo "fn f$i(x) = f$((i - 1))(x) + f$((i - 1))(x)"
	done
	echo 'event A from "a" { x: int }'
	echo 'rule r'
	echo '  match A[f30(x) > 1]'
	echo '  emit T {}'
} >bomb.ens
bomb "doubling thirty times" "this call has more than 10000 parts"
{
	echo 'fn f(x) = (x + x) + (x + x)'
	echo 'event A from "a" { x: int }'
	echo 'rule r'
	echo '  match A[f(f(f(f(f(f(f(f(f(f(x)))))))))) > 1]'
	echo '  emit T {}'
} >bomb.ens
bomb "doubling by arguments" "this call has more than 10000 parts"
{
	echo 'fn f0(x) = x'
	awk 'BEGIN { for (i = 1; i <= 300; i++) printf "fn f%d(x) = f%d(x)\n", i, i - 1 }'
	echo 'event A from "a" { x: int }'
	echo 'rule r'
	echo '  match A[f300(x) > 1]'
	echo '  emit T {}'
} >bomb.ens
bomb "a chain of functions" "more than 256 functions call each other"
{
	echo 'fn f(x) = (x + x + x + x) * (x + x + x + x)'
	echo 'event A from "a" { x: int }'
	echo 'rule r'
	awk 'BEGIN { printf "  match A["; for (i = 0; i < 900; i++) printf "%sf(f(f(x))) > 1", i ? " and " : ""; print "]" }'
	echo '  emit T {}'
} >bomb.ens
bomb "many that are just small enough" "the rules grow by more than 400000 parts"
{
	awk 'BEGIN { printf "fn f(x) = x"; for (i = 0; i < 600; i++) printf " + 1"; print "" }'
	echo 'event A from "a" { x: int }'
	echo 'rule r'
	echo '  match A[f(f(x)) > 1]'
	echo '  emit T {}'
} >bomb.ens
bomb "too deep" "this has more than 1000 levels"
finish
