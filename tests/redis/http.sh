#!/bin/sh
# `ensue run --http` on Redis: what bad input, wrong clocks and a server in trouble do to the numbers and to /readyz.
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
. "$ENSUE_SOURCE/tests/redis/lib.sh"
cd "$work" || exit 99
cat >rules.ens <<'END_RULES'
event Pay from "pay" where event = "Pay" { user: string, at: time(ms), sent: time(ms)? } time at lateness 1s late to "pay:late"
event Note from "pay" where event = "Note" { user: string, at: time(ms) } time at unique user for 1h
event Beat from "beats" { device: string }
event Tick from "ticks" { at: time(ms) } time at idle 200ms
rule every
  match all a: Beat{,30} combinations ->> b: Beat[device = "last"]
  within 1h
  emit Found to "found" { device: b.device }
rule paid
  match a: Pay
  emit  Paid to "paid" { user: a.user }
rule noted
  match a: Note
  emit  Noted to "noted" { user: a.user }
rule ticked
  match a: Tick
  emit  Ticked to "ticked" { at: a.at }
END_RULES
if "$ENSUE" run rules.ens --input /dev/null --http 127.0.0.1:0 2>&1 | grep -q 'built without it'; then
	pass "a build without it: tests/cli/http.sh"
	finish
fi
start_redis

metrics() {
	python3 "$ENSUE_SOURCE/tests/cli/metrics.py" "$@"
}
# address NAME: where that worker serves
address() {
	until_true 15 grep -q 'status and metrics at' "$1.log" || fail "$1 serves" "$(cat "$1.log")"
	sed -n 's/^ensue: status and metrics at //p' "$1.log"
}
says() {
	metrics get "${url_of}readyz" "$1" >readyz.txt && grep -q "$2" readyz.txt
}
# readiness NAME CODE PART: /readyz comes to say that
readiness() {
	if until_true 20 says "$2" "$3"; then
		pass "$1"
	else
		fail "$1" "expected: $2 $3" "$(cat readyz.txt)"
	fi
}
is_shown() {
	want=$1
	shift
	metrics get "${url_of}metrics" >metrics.txt && [ "$(metrics value metrics.txt "$@")" = "$want" ]
}
# shown VALUE NAME [LABEL=VALUE]...: comes to have that value
shown() {
	if until_true 15 is_shown "$@"; then
		pass "$*"
	else
		shift
		fail "$*" "got $(metrics value metrics.txt "$@")"
	fi
}
number() {
	metrics get "${url_of}metrics" >metrics.txt && metrics value metrics.txt "$@"
}

now=$(cli time | head -n 1 | tr -d '\r')000
pay() {
	cli xadd pay '*' event "$@" >/dev/null
}
pay Pay user ann at "$((now - 100000))"
pay Pay user bob at "$((now - 101000))"
pay Pay user late at "$((now - 101001))"
pay Pay user future at "$((now + 600000))"
pay Pay user early at -1
pay Pay user beyond at 253402300800000
pay Pay user none at ''
pay Pay user nan at nan
pay Pay user large at "$now" more "$(printf '%070000d' 0)"
pay Note user ann at "$now"
pay Note user ann at "$now"
pay Note user late at "$((now - 1000000))"
pay Nothing user ann
for i in 1 2 3 4 5 6; do cli xadd beats '*' device "d$i" >/dev/null; done
cli xadd beats '*' device last >/dev/null
start_worker one rules.ens --max-emissions 3 --http 127.0.0.1:0
one=$pid
url_of=$(address one)
readiness "ready when all is read" 200 '^ready$'
shown 13 ensue_entries_read_total stream=pay
shown 7 ensue_entries_read_total stream=beats
equal "/metrics has the format" "" "$(metrics check metrics.txt)"
equal "the documentation has the list of the code, and this run is part of it" "" \
	"$(metrics list "$ENSUE_SOURCE/runtime/io/metrics.def" "$ENSUE_SOURCE/docs/running.md" metrics.txt)"
if command -v promtool >/dev/null; then
	equal "promtool finds nothing" "" "$(promtool check metrics <metrics.txt 2>&1)"
fi
shown 1 ensue_entries_skipped_total stream=pay
shown 1 ensue_dead_letters_total stream=pay reason=future
shown 2 ensue_dead_letters_total stream=pay reason=bad_time
shown 1 ensue_dead_letters_total stream=pay reason=missing_field
shown 1 ensue_dead_letters_total stream=pay reason=bad_value
shown 1 ensue_dead_letters_total stream=pay reason=too_large
shown 1 ensue_dead_letters_total stream=pay reason=late
shown 0 ensue_dead_letters_total stream=beats
dead='ensue:{test:0}:test:0:dead'
equal "as many as there are" "$(metrics value metrics.txt ensue_dead_letters_total)" "$(cli xlen "$dead" | tr -d '\r')"
shown 2 ensue_events_taken_total type=Pay
shown 1 ensue_events_late_total type=Pay
shown 1 ensue_events_late_total type=Note
shown 1 ensue_events_repeated_total type=Note
shown 3 ensue_emissions_total rule=every
shown 9 ensue_dropped_total rule=every reason=emissions # of 64 matches four times the ceiling of 3 are looked at
contains "what is over a ceiling is told while the job runs" "$(cat one.log)" \
	"ensue: rule every: 9 emissions were dropped: too many at one event"
shown 0 ensue_stream_lag_seconds
shown 1 ensue_stream_idle stream=ticks
[ "$(number ensue_ticks_total stream=beats)" -gt 0 ] && pass "ticks are counted" || fail "ticks are counted"
[ "$(number ensue_read_bytes_total stream=pay)" -gt 70000 ] && pass "bytes are counted" || fail "bytes are counted"
[ "$(number ensue_reads_total)" -gt 0 ] && pass "reads are counted" || fail "reads are counted"
[ "$(number ensue_connects_total)" -ge 2 ] && pass "connections are counted" || fail "connections are counted"
commits=$(number ensue_commits_total)
[ "$commits" -gt 0 ] && pass "commits are counted" || fail "commits are counted"

# a wrong clock of the server's, forward by years: counted; the other streams go on as they did
cli xadd beats 4102444800000-0 device far >/dev/null
shown 1 ensue_reads_ahead_of_clock_total stream=beats
cli xadd ticks '*' at "$now" >/dev/null
shown 1 ensue_events_taken_total type=Tick
shown 1 ensue_stream_idle stream=ticks

# another worker
start_worker two rules.ens --http 127.0.0.1:0
two=$pid
url_of=$(address two)
readiness "another worker has the lease" 503 "another worker has the lease of the job"
kill -TERM "$two"
ended "$two"

# a server that refuses, and then does not
url_of=$(address one)
cli config set maxmemory 1 >/dev/null
cli eval "#!lua flags=allow-oom
redis.call('xadd', KEYS[1], '*', 'event', 'Pay', 'user', 'oom', 'at', ARGV[1])" 1 pay "$now" >/dev/null
readiness "a server without memory" 503 "Redis can't be reached, or refuses"
[ "$(number ensue_retries_total)" -gt 0 ] && pass "retries are counted" || fail "retries are counted"
cli config set maxmemory 0 >/dev/null
readiness "when it has some it goes on" 200 '^ready$'
[ "$(number ensue_commits_total)" -gt "$commits" ] && pass "and commits" || fail "and commits"
kill -TERM "$redis_pid"
ended "$redis_pid"
readiness "a server that is gone" 503 "Redis can't be reached, or refuses"
kill -TERM "$one"
ended "$one"
[ "$code" != stuck ] && pass "it ends when asked to" || fail "it ends when asked to"
rm -f "$sock"

# far behind: as many entries of long ago, one at a time
start_redis
cli eval "for i = 1, 300000 do redis.call('xadd', 'beats', i .. '-1', 'device', 'd') end" 0 >/dev/null
job=behind start_worker three rules.ens --read-size 1 --http 127.0.0.1:0
three=$pid
url_of=$(address three)
readiness "reading is behind" 503 "reading is behind by more than 10 s"
[ "$(number ensue_stream_lag_seconds stream=beats | cut -d . -f 1)" -gt 1000000 ] && pass "the lag says how far" || fail "the lag says how far"
kill -TERM "$three"
ended "$three"
finish
