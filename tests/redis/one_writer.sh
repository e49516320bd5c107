#!/bin/sh
# Two workers on one job: whatever they do to each other, every emission is there exactly once.
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
. "$ENSUE_SOURCE/tests/redis/lib.sh"
cd "$work" || exit 99
start_redis
cat >rules.ens <<'END'
event A from "in" { n: int }
rule r
  match a: A
  emit  M to "out" { n: a.n }
END
total=25000
feed() {
	awk -v from="$1" -v to="$2" 'BEGIN { for (i = from; i <= to; i++) print "XADD in * n " i }' | cli >/dev/null
}
# log_says NAME TEXT: the worker's log has it
log_says() {
	grep -q "$2" "$1.log"
}
feed 1 5000
start_worker w1 rules.ens
w1=$pid
wait_entries "the first worker works" out 1
start_worker w2 rules.ens
w2=$pid
feed 5001 10000
wait_entries "the first worker works on" out 10000 60

# stopped in the middle of its work, so that the second takes its place; then it wakes up
feed 10001 15000
kill -STOP "$w1"
expire_lease test in
feed 15001 20000
wait_entries "the second worker takes over" out 20000 60
kill -CONT "$w1"
feed 20001 $total
wait_entries "the second worker works on" out $total 60
ended "$w1"
equal "the first one finds that it was replaced: exit 3" 3 "$code"
contains "and says so" "$(cat w1.log)" "another worker"
cli xrange out - + | awk 'p == "n" { print } { p = $0 }' >got
seq 1 $total >want
cmp -s want got && pass "each emission once, in order" || fail "each emission once, in order" "$(diff want got | head -n 10)"

# a lease that is given back lets the next one start at once
start_worker w3 rules.ens
w3=$pid
kill -TERM "$w2"
ended "$w2"
equal "the second one stops: exit 0" 0 "$code"
feed $((total + 1)) $((total + 100))
wait_entries "a third one goes on at once" out $((total + 100)) 8
kill -TERM "$w3"
ended "$w3"
equal "the third one stops: exit 0" 0 "$code"
start_worker w4 rules.ens
w4=$pid
until_true 15 log_says w4 "runs on" || fail "the fourth one works" "$(cat w4.log)"
start_worker w5 rules.ens
w5=$pid
until_true 15 log_says w5 "waiting" || fail "the fifth one waits" "$(cat w5.log)"
kill -TERM "$w5"
ended "$w5"
equal "stopped while it waits: exit 0" 0 "$code"
kill -TERM "$w4"
ended "$w4"
equal "stopped while it has nothing to do: exit 0" 0 "$code"
finish
