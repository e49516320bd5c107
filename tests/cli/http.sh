#!/bin/sh
# `ensue run --http`: metrics, readiness and a status page of a run on files; hostile requests.
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
cd "$work" || exit 99

metrics() {
	python3 "$ENSUE_SOURCE/tests/cli/metrics.py" "$@"
}
# address LOG: where a run serves
address() {
	sed -n 's/^ensue: status and metrics at //p' "$1"
}
serves() {
	[ -n "$(address "$1")" ]
}

cat >rules.ens <<'END_RULES'
event Login from "logins" { user: string, ok: bool, n: int?, at: time } time at late drop unique n for 1m
event Note from "notes" { user: string, at: time } time at late accept
event Paid from "paid" { user: string, at: time } time at late to "paid:late"
event Odd from "odd" { user: string, at: time } time at
rule `odd "\ name, of "quotes" and a \n`
  key    user
  match  fail: Login[not ok] -> hit: Login[ok]
  within 1h
  derive Found { user, bad: 1 / 0 }
rule found
  match f: Found
  emit  Out { user: f.user, bad: f.bad }
rule notes
  key   user
  match a: Note -> b: Paid
  emit  Both { user }
rule others
  match o: Odd
  emit  Other { user: o.user }
END_RULES
if "$ENSUE" run rules.ens --input /dev/null --http 127.0.0.1:0 2>&1 | grep -q 'built without it'; then
	expect "a build without it" 2 "this ensue was built without it" run rules.ens --input /dev/null --http 127.0.0.1:0
	finish
fi

for bad in '' 9464 127.0.0.1 :9464 127.0.0.1: 127.0.0.1:65536 127.0.0.1:-1 127.0.0.1:x example.org:80 '[127.0.0.1]:80' ::1:80 \
	'[::1' '[::1]80' "$(printf '%070d' 1):80" 127.0.0.1:9464/; do
	expect "no address: $bad" 2 "it is a numeric address and a port" run rules.ens --input /dev/null --http "$bad"
done
expect "an address of another machine" 3 "can't listen at 203.0.113.1, port 9464" run rules.ens --input /dev/null --http 203.0.113.1:9464

mkfifo events
start run sh -c 'exec "$0" "$@" <events' "$ENSUE" run rules.ens --input - --dead dead.out --http 127.0.0.1:0
run=$pid
exec 3>events
until_true 15 serves run.log || fail "it says where it serves" "$(cat run.log)"
url=$(address run.log)
cat >&3 <<'END_EVENTS'
{"event":"Login","user":"ann","ok":false,"at":"2026-01-05T08:00:00Z"}
{"event":"Login","user":"ann","ok":true,"n":1,"at":"2026-01-05T08:00:01Z"}
{"event":"Login","user":"ann","ok":true,"n":1,"at":"2026-01-05T08:00:01Z"}
{"event":"Login","user":"bob","ok":false,"n":2,"at":"2026-01-05T08:00:00Z"}
{"event":"Login","user":"bob","ok":false,"n":3,"at":"2026-01-05T08:00:10Z"}
{"event":"Note","user":"bob","at":"2026-01-05T08:00:02Z"}
{"event":"Paid","user":"bob","at":"2026-01-05T08:00:02Z"}
{"event":"Odd","user":"bob","at":"2026-01-05T08:00:02Z"}
{"event":"Odd","user":"bob","at":"1969-12-31T23:59:59.999999Z"}
{"event":"Odd","user":"bob","at":"+10000-01-01T00:00:00Z"}
{"event":"Odd","user":"bob","at":"1970-01-01T00:00:00+00:01"}
{"event":"Odd","user":"bob","at":"NaN"}
{"event":"Odd","user":"bob","at":""}
{"event":"Odd","user":"bob","at":null}
{"event":"Odd","user":"bob","at":"2026-01-05T08:00:00+24:00"}
{"event":"Odd","user":7,"at":"2026-01-05T08:00:00Z"}
{"event":"Odd","user":"bob","user":"bob","at":"2026-01-05T08:00:00Z"}
{"event":"Odd"
{"event":"Elsewhere"}
END_EVENTS
# shown VALUE NAME [LABEL=VALUE]...: the metric has that value, or their sum has
is_shown() {
	want=$1
	shift
	metrics get "${url}metrics" >metrics.txt && [ "$(metrics value metrics.txt "$@")" = "$want" ]
}
shown() {
	want=$1
	shift
	equal "$*" "$want" "$(metrics value metrics.txt "$@")"
}
until_true 15 is_shown 19 ensue_entries_read_total || fail "all lines are counted" "$(cat metrics.txt run.log)"
equal "/metrics has the format" "" "$(metrics check metrics.txt)"
if command -v promtool >/dev/null; then
	equal "promtool finds nothing" "" "$(promtool check metrics <metrics.txt 2>&1)"
fi
shown 19 ensue_entries_read_total "stream=standard input"
shown 2 ensue_dead_letters_total reason=bad_time
shown 5 ensue_dead_letters_total reason=bad_value
shown 1 ensue_dead_letters_total reason=missing_field
shown 1 ensue_dead_letters_total reason=duplicate_field
shown 1 ensue_dead_letters_total reason=bad_entry
shown 1 ensue_dead_letters_total reason=late
shown 0 ensue_dead_letters_total reason=future
equal "as many as were written" "$(metrics value metrics.txt ensue_dead_letters_total)" "$(grep -vc '"_to":' dead.out)"
shown 1 ensue_entries_skipped_total
shown 3 ensue_events_taken_total type=Login
shown 1 ensue_events_repeated_total type=Login
shown 1 ensue_events_late_total type=Login
shown 1 ensue_events_taken_total type=Note
shown 1 ensue_events_late_accepted_total type=Note
shown 1 ensue_events_late_total type=Paid
shown 1 ensue_events_late_total type=Odd
shown 1 ensue_events_derived_total type=Found
shown none ensue_events_taken_total type=Found
shown 2 ensue_unique_values
shown 0 ensue_events_waiting
shown 1767600009.999999 ensue_stream_watermark_timestamp_seconds
shown 1 ensue_matches_total 'rule=odd "\ name, of "quotes" and a \n'
shown 1 ensue_emissions_total rule=found
shown 1 ensue_null_results_total
shown 1 ensue_partial_matches rule=notes
shown 1 ensue_keys rule=notes
shown 0 ensue_dropped_total
shown none ensue_commits_total
shown none ensue_stream_lag_seconds
equal "the documentation has the list of the code, and this run is part of it" "" \
	"$(metrics list "$ENSUE_SOURCE/runtime/io/metrics.def" "$ENSUE_SOURCE/docs/running.md" metrics.txt)"
equal "/healthz" ok "$(metrics get "${url}healthz")"
equal "/readyz" ready "$(metrics get "${url}readyz")"
status=$(metrics get "$url")
contains "/: the rules" "$status" '  odd "\ name, of "quotes" and a \n'
contains "/: the inputs" "$status" '  standard input'
contains "another page: what there is" "$(metrics get "${url}nothing" 404)" "there are /, /metrics, /healthz and /readyz"

equal "hostile requests" "" "$(metrics hostile "$url")"
place=${url#http://}
place=${place%/}
expect "two can't serve at one place" 3 "can't listen at 127.0.0.1, port " run rules.ens --input /dev/null --http "$place"
exec 3>&-
ended "$run"
equal "the run ends with its input: exit 0" 0 "$code"
equal "and its server with it" 1 "$(metrics get "$url" >/dev/null; echo $?)"

# one of each ceiling that a file can reach in no time, told while it runs and counted
cat >all.ens <<'END_RULES'
event A from "a" { user: string, ok: bool }
rule every
  match all a: A[not ok]{,30} combinations ->> b: A[ok]
  within 1h
  emit Found { user: b.user }
END_RULES
mkfifo more
exec 3<>more
start all sh -c 'exec "$0" "$@" 3>&-' "$ENSUE" run all.ens --input more --max-emissions 3 --http '[::1]:0'
all=$pid
for i in 1 2 3 4 5 6 7 8 9; do echo '{"user":"ann","ok":false}'; done >&3
echo '{"user":"bob","ok":true}' >&3
if until_true 15 serves all.log; then
	url=$(address all.log)
	until_true 15 is_shown 10 ensue_entries_read_total || fail "all are read" "$(cat all.log)"
	shown 3 ensue_emissions_total rule=every
	shown 9 ensue_dropped_total rule=every reason=emissions # of 512 matches four times the ceiling of 3 are looked at
	told="ensue: rule every: 9 emissions were dropped: too many at one event"
	contains "told while it runs" "$(cat all.log)" "$told"
	echo '{"user":"bob","ok":true}' >&3
	until_true 15 is_shown 11 ensue_entries_read_total || fail "one more is read" "$(cat all.log)"
	equal "not told again within a minute" 1 "$(grep -c 'rule every:' all.log)"
	exec 3>&-
	ended "$all"
	contains "at the end all of it is told" "$(cat all.log)" "ensue: rule every: 18 emissions were dropped: too many at one event"
	equal "once each" 2 "$(grep -c 'rule every:' all.log)"
else
	exec 3>&-
	ended "$all" # a machine without IPv6
	contains "no IPv6: it is said" "$(cat all.log)" "can't listen at ::1"
fi
finish
