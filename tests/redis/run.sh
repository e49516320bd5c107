#!/bin/sh
# `ensue run --redis`: entries by XADD in, emissions by XRANGE out; dead letters; stopping and going on.
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
. "$ENSUE_SOURCE/tests/redis/lib.sh"
cd "$work" || exit 99
start_redis
cat >rules.ens <<'END'
event Login from "logins" { user: string, ip: ip, ok: bool }
rule brute
  key    ip
  match  fail: Login[not ok]{3,} -> hit: Login[ok]
  within 1m
  emit   BruteForce to "alerts" { ip, user: hit.user, tries: count(fail) }
END
head=ensue:{logins}:test:0:head
dead=ensue:{logins}:test:0:dead

login() {
	cli xadd logins "$4" user "$1" ip "$2" ok "$3"
}

# what is in the stream before the start is read too
first=$(login ann 192.0.2.7 false '*')
login bob 192.0.2.8 true '*' >/dev/null
start_worker w1 rules.ens
w1=$pid
login ann 192.0.2.7 false '*' >/dev/null
login ann 192.0.2.7 0 '*' >/dev/null
last=$(login ann 192.0.2.7 true '*')
wait_entries "the first emission" alerts 1
equal "_event" BruteForce "$(emitted alerts _event)"
equal "ip" 192.0.2.7 "$(emitted alerts ip)"
equal "user" ann "$(emitted alerts user)"
equal "tries" 3 "$(emitted alerts tries)"
equal "_rule" brute "$(emitted alerts _rule)"
equal "_key is JSON" '{"ip":"192.0.2.7"}' "$(emitted alerts _key)"
contains "_events begins with the first entry" "$(emitted alerts _events)" "[\"$first\","
contains "_events ends with the last entry" "$(emitted alerts _events)" "\"$last\"]"
[ -n "$(emitted alerts _id)" ] && pass "_id" || fail "_id"
equal "the state is in the documented key" hash "$(cli type "$head" | tr -d '\r')"

# dead letters
id=$(cli xadd logins '*' user eve ok true)
wait_entries "a dead letter" "$dead" 1
equal "missing field: the reason" missing_field "$(emitted "$dead" _reason)"
equal "missing field: which" ip "$(emitted "$dead" _field)"
equal "missing field: the entry" "$id" "$(emitted "$dead" _id)"
equal "missing field: the stream" logins "$(emitted "$dead" _stream)"
equal "missing field: the entry's own fields" eve "$(emitted "$dead" user)"
cli xadd logins '*' user eve ip 300.1.1.1 ok true >/dev/null
wait_entries "a second dead letter" "$dead" 2
equal "bad value: the reason" bad_value "$(emitted "$dead" _reason | tail -n 1)"
for i in 1 2 3; do login carol 2001:db8::1 no '*' >/dev/null; done
login carol 2001:db8::1 yes '*' >/dev/null
wait_entries "matching goes on after dead letters" alerts 2
equal "an IPv6 key" 2001:db8::1 "$(emitted alerts ip | tail -n 1)"

# stopping and going on where it stopped
kill -TERM "$w1"
ended "$w1"
equal "SIGTERM: exit 0" 0 "$code"
for i in 1 2 3; do login dave 192.0.2.9 false '*' >/dev/null; done
login dave 192.0.2.9 true '*' >/dev/null
start_worker w2 rules.ens
w2=$pid
wait_entries "after a restart it goes on" alerts 3
equal "after a restart nothing is emitted again" "192.0.2.7
2001:db8::1
192.0.2.9" "$(emitted alerts ip)"
kill -INT "$w2"
ended "$w2"
equal "SIGINT: exit 0" 0 "$code"

# a table file, another job: it reads everything from the start
"$ENSUE" compile rules.ens -o rules.ensc
cli del alerts >/dev/null
job=other start_worker w3 rules.ensc
w3=$pid
wait_entries "another job with a table file reads from the start" alerts 3
kill -TERM "$w3"
ended "$w3"
equal "the other job: SIGTERM: exit 0" 0 "$code"

# an absence completes by the server's clock, without a further entry
cat >silent.ens <<'END'
event Beat from "beats" { device: string }
rule silent
  key   device
  match beat: Beat -> not Beat for 300ms
  emit  Silent to "quiet" { device }
END
cli xadd beats '*' device pump-1 >/dev/null
job=silent start_worker w4 silent.ens
w4=$pid
wait_entries "an absence needs no further entry" quiet 1
equal "the silent device" pump-1 "$(emitted quiet device)"
kill -TERM "$w4"
ended "$w4"
equal "the absence job: SIGTERM: exit 0" 0 "$code"

# two streams and two keys that differ by type
cat >two.ens <<'END'
event Order from "orders" { customer: string, total: float }
event Paid from "payments" { payer: string, total: float }
rule paid
  key   customer: Order.customer = Paid.payer
  match o: Order -> p: Paid[total = o.total]
  emit  Done to "done" { customer, total: p.total }
END
cli xadd orders '*' customer bob total 1 >/dev/null
cli xadd orders '*' customer ann total 12.5 >/dev/null
cli xadd payments '*' payer ann total 12.5 >/dev/null
job=two start_worker w5 two.ens --summary
w5=$pid
wait_entries "two streams" "done" 1
equal "two streams: the key" ann "$(emitted "done" customer)"
equal "two streams: a float" 12.5 "$(emitted "done" total)"
kill -TERM "$w5"
ended "$w5"
equal "the two-stream job: SIGTERM: exit 0" 0 "$code"
equal "--summary: the counters at the end" 'ensue: rule `paid`: 1 emission
  3 events came (2 `Order`, 1 `Paid`); 2 matches began, 1 complete
  1 partial match is still open' "$(grep -A2 '^ensue: rule' w5.log)"

# large values and many entries at once
head -c 70000 /dev/zero | tr '\0' x >large
cli -x xadd logins '*' ip 192.0.2.50 ok true user <large >/dev/null
job=many start_worker w6 rules.ens
w6=$pid
awk 'BEGIN { for (i = 0; i < 20000; i++) printf "XADD logins * user u%d ip 10.0.%d.%d ok %s\n", i, i / 1000 % 20, int(i / 4) % 250, i % 4 == 3 ? "true" : "false" }' |
	cli >/dev/null
cli del alerts >/dev/null
manydead=ensue:{logins}:many:0:dead
wait_entries "a value over 64 KiB is a dead letter" "$manydead" 3
equal "a value over 64 KiB: the reason" too_large "$(emitted "$manydead" _reason | tail -n 1)"
kill -TERM "$w6"
ended "$w6"
equal "stopped in the middle: exit 0" 0 "$code"
equal "no summary unasked" "" "$(grep '^ensue: rule' w6.log)"
finish
