#!/bin/sh
# Kills the worker again and again while entries keep coming; then every emission must be there exactly once, in order.
# ENSUE_KILLS: how often (default 20).
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
. "$ENSUE_SOURCE/tests/redis/lib.sh"
cd "$work" || exit 99
kills=${ENSUE_KILLS:-20}
chunk=3000
start_redis
cat >rules.ens <<'END'
event A from "in" { n: int }
rule third
  match a: A[n % 3 = 0]
  emit  M to "out" { n: a.n }
rule large
  match a: A[n % 1000 >= 900]
  emit  L to "large" { n: a.n }
END

# more STREAM THAN: it has grown
more() {
	[ "$(cli xlen "$1")" -gt "$2" ]
}
at=0
while [ "$at" -lt "$kills" ]; do
	before=$(cli xlen out)
	start_worker "w$at" rules.ens
	worker=$pid
	awk -v from=$((at * chunk + 1)) -v n=$chunk 'BEGIN { for (i = 0; i < n; i++) print "XADD in * n " from + i }' >chunk
	cli <chunk >/dev/null &
	feeder=$!
	# killed at once, after its first commit, and in the middle of its work, in turn
	case $((at % 3)) in
	1) until_true 30 more out "$before" || fail "round $at: it works" "$(tail -n 20 "w$at.log")" ;;
	2) until_true 30 more out $((before + at * 37 % 500)) || fail "round $at: it works" "$(tail -n 20 "w$at.log")" ;;
	esac
	kill -KILL "$worker"
	ended "$worker"
	expire_lease test in
	wait "$feeder"
	at=$((at + 1))
done
total=$((kills * chunk))
start_worker last rules.ens
worker=$pid
wait_entries "all is done" out $((total / 3)) 60
kill -TERM "$worker"
ended "$worker"
equal "the last worker stops cleanly" 0 "$code"
emitted out n >got
seq 3 3 $total >want
cmp -s want got && pass "after $kills kills: none of $((total / 3)) lost, none doubled, in order" ||
	fail "after $kills kills: none of $((total / 3)) lost, none doubled, in order" "$(diff want got | head -n 10)"
emitted large n >got
seq 1 $total | awk '$1 % 1000 >= 900' >want
cmp -s want got && pass "the second rule too" || fail "the second rule too" "$(diff want got | head -n 10)"
finish
