#!/bin/sh
# Clocks that jump, sources that fall silent for good, and what --max-skew lets pass.
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
. "$ENSUE_SOURCE/tests/redis/lib.sh"
cd "$work" || exit 99
start_redis

# ---- one stream's IDs jump by years; the others', and rules over both, go on by the server's clock
cat >jump.ens <<'END_RULES'
event Beat from "beats" { device: string }
event Order from "orders" { n: int }
rule alone
  match a: Order -> not Order for 300ms
  emit  Alone to "alone" { n: a.n }
rule beside
  match a: Order -> not Beat for 300ms
  emit  Beside to "beside" { n: a.n }
rule gone
  key   device
  match a: Beat -> not Beat for 1h
  emit  Gone to "gone" { device }
rule then_order
  match a: Beat -> b: Order
  emit  Both to "both" { device: a.device, n: b.n }
END_RULES
cli xadd beats '*' device d1 >/dev/null
job=jump start_worker jump jump.ens
jump=$pid
until_true 15 has_read 'ensue:{jump:0}:jump:0:head' beats || fail "the first entry is read"
cli xadd orders '*' n 1 >/dev/null
wait_entries "before the jump" both 1
wait_entries "before the jump" alone 1
wait_entries "before the jump" beside 1
cli xadd beats 4102444800000-0 device d2 >/dev/null
wait_entries "time of that stream goes with its IDs" gone 1
equal "what was open on it is due" d1 "$(emitted gone device)"
cli xadd orders '*' n 2 >/dev/null
wait_entries "the other stream goes on, and its deadlines" alone 2
wait_entries "and those of rules over both" beside 2
cli xadd orders '*' n 3 >/dev/null
wait_entries "as before" alone 3
wait_entries "as before, over both" beside 3
equal "none is left out" "1 2 3 1 2 3" "$(echo $(emitted alone n) $(emitted beside n))"
cli xadd beats '*' device d3 >/dev/null
until_true 15 has_read 'ensue:{jump:0}:jump:0:head' beats || fail "what comes later is read"
equal "what comes behind the jump has its time" 4102444800000 "$(cli xrevrange beats + - count 1 | head -n 1 | cut -d - -f 1)"
equal "and waits for the other stream" 1 "$(cli xlen both | tr -d '\r')"
stop_worker "$jump" "a stream that jumps"
contains "IDs that jump are counted" "$(cat jump.log)" "ahead of the server's clock: 2"

# ---- a source that is silent for good: waited for as long as its idle time says
for idle in 300ms 1d; do
	cat >silent.ens <<END_RULES
event Left from "left:$idle" { n: int, at: time(s) } time at
event Right from "right:$idle" { n: int, at: time(s) } time at idle $idle
rule each
  match a: (Left | Right)
  emit  Each to "each:$idle" { n: a.n }
END_RULES
	cli xadd "right:$idle" '*' n 1 at 1000 >/dev/null
	cli xadd "left:$idle" '*' n 2 at 2000 >/dev/null
	job=silent$idle start_worker "silent$idle" silent.ens
	silent=$pid
	wait_entries "the older one goes at once" "each:$idle" 1
	if [ "$idle" = 300ms ]; then
		wait_entries "a silent stream is not waited for" "each:$idle" 2
		cli xadd "right:$idle" '*' n 3 at 1999 >/dev/null
		wait_entries "what it brings then is late" "ensue:{silent$idle:0}:silent$idle:0:dead" 1
		cli xadd "right:$idle" '*' n 4 at 2001 >/dev/null
		cli xadd "left:$idle" '*' n 5 at 2001 >/dev/null
		wait_entries "when it speaks again it is waited for again" "each:$idle" 4
		equal "in order" "1 2 5 4" "$(echo $(emitted "each:$idle" n))"
	else
		until_true 15 has_read "ensue:{silent$idle:0}:silent$idle:0:head" "left:$idle" || fail "both are read"
		equal "one that may be silent for a day is waited for" 1 "$(cli xlen "each:$idle" | tr -d '\r')"
		cli xadd "right:$idle" '*' n 3 at 3000 >/dev/null
		wait_entries "until it has come as far" "each:$idle" 2
	fi
	stop_worker "$silent" "silence ($idle)"
done

# ---- how far ahead of its ID a time may be
cat >skew.ens <<'END_RULES'
event Tick from "ticks" { n: int, at: time(ms) } time at
rule tick
  match a: Tick
  emit  Ticked { n: a.n }
END_RULES
now=$(cli time | head -n 1 | tr -d '\r')000
tick() {
	cli xadd ticks "$1" n "$2" at "$3" >/dev/null
}
tick "$now-1" 1 "$((now - 500))"
tick "$now-2" 2 "$now"
tick "$now-3" 3 "$((now + 1))"
tick "$now-4" 4 "$((now + 300000))"
tick "$now-5" 5 "$((now + 300001))"
tick "$now-6" 6 "$((now + 3600000))"
for skew in 0s 5m 2h ''; do
	job=skew${skew:-none}
	dead="ensue:{ticks}:$job:0:dead"
	cli del ensue:matches >/dev/null
	# shellcheck disable=SC2086
	start_worker "$job" skew.ens ${skew:+--max-skew $skew}
	worker=$pid
	until_true 15 has_read "ensue:{ticks}:$job:0:head" ticks || fail "all are read"
	stop_worker "$worker" "--max-skew $skew"
	case $skew in
	0s) want="1 2" ;;
	2h) want="1 2 3 4 5 6" ;;
	*) want="1 2 3 4" ;;
	esac
	equal "--max-skew $skew: what is taken" "$want" "$(echo $(emitted ensue:matches n))"
	equal "--max-skew $skew: the others are dead letters" "$((6 - $(echo "$want" | wc -w)))" "$(cli xlen "$dead" | tr -d '\r')"
done
contains "a letter says how far" "$(emitted "$dead" _detail | head -n 1)" "the event's time, $(date -u -d "@$((now / 1000 + 300))" +%Y-%m-%dT%H:%M:%S).001000Z, is further ahead of its entry ID, $(date -u -d "@$((now / 1000))" +%Y-%m-%dT%H:%M:%S).000000Z, than --max-skew allows"
equal "a letter says which field" at "$(emitted "$dead" _field | head -n 1)"

# ---- when its time has come near, what was too far ahead can be put back
job=later
cli del ticks >/dev/null
now=$(cli time | head -n 1 | tr -d '\r')000
tick '*' 7 "$((now + 3000))"
start_worker later skew.ens --max-skew 1s
later=$pid
dead="ensue:{ticks}:later:0:dead"
cli del ensue:matches >/dev/null
wait_entries "too far ahead" "$dead" 1
until_true 15 sh -c "[ \"\$(redis-cli -s '$sock' time | head -n 1)\" -ge $(((now + 3000) / 1000)) ]"
expect "put back later" 0 "1 of 1 put back" dead replay --reason future --redis "$url" --job later
wait_entries "it is taken" ensue:matches 1
equal "as it was" 7 "$(emitted ensue:matches n)"
stop_worker "$later" "put back"
finish
