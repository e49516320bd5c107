#!/bin/sh
# `ensue run --input`: NDJSON and CSV in, NDJSON out; dead letters to standard error; what happens at the end.
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
cd "$work" || exit 99
cat >rules.ens <<'END'
event Login from "logins" { user: string, ip: ip?, ok: bool, time: time }
rule brute
  key    user
  match  fail: Login[not ok]{2,} -> hit: Login[ok]
  within 1m
  emit   Found to "alerts" { user, n: count(fail), last: last(fail).time, took: hit.time - first(fail).time, from: hit.ip }
END
cat >in.ndjson <<'END'
{"user":"ann","ok":false,"time":"2026-01-05T08:00:00Z","ip":"192.0.2.7"}
{"user":"bob","ok":false,"time":"2026-01-05T08:00:01Z"}
{"user":"ann","ok":false,"time":"2026-01-05T08:00:02.5Z","ip":"192.0.2.7"}
{"user":"ann","ok":true,"time":"2026-01-05T08:00:09Z","ip":"192.0.2.7"}
END

# strip the identity, which is a hash
strip() {
	sed 's/"_id":"[^"]*"/"_id":"X"/'
}
expected='{"_event":"Found","user":"ann","n":2,"last":"2026-01-05T08:00:02.500000Z","took":9,"from":"192.0.2.7","_rule":"brute","_id":"X","_key":{"user":"ann"},"_start":"2026-01-05T08:00:00.000000Z","_end":"2026-01-05T08:00:09.000000Z","_events":[1,3,4]}'
ensue run rules.ens --input in.ndjson
equal "NDJSON: exit 0" 0 "$code"
equal "NDJSON: the emission, member by member" "$expected" "$(printf '%s' "$out" | strip)"
once=$out
ensue run rules.ens --input in.ndjson
equal "the same input gives the same identity" "$once" "$out"
ensue run rules.ens --input - <in.ndjson
equal "standard input gives the same" "$once" "$out"

cat >in.csv <<'END'
user,ok,time,ip
ann,no,2026-01-05T08:00:00Z,192.0.2.7
bob,f,2026-01-05T08:00:01Z,
"ann",0,2026-01-05T08:00:02.5Z,"192.0.2.7"
ann,yes,1767600009,192.0.2.7
END
ensue run rules.ens --input in.csv
equal "CSV gives the same; the numbers are those of the data" "$expected" "$(printf '%s' "$out" | strip)"
sed 's/$/\r/' in.csv >crlf.csv
ensue run rules.ens --input crlf.csv
equal "CSV with CRLF" "$expected" "$(printf '%s' "$out" | strip)"

cat >bad.ndjson <<'END'
{"user":"ann","ok":false,"time":"2026-01-05T08:00:00Z"}
{"user":"ann","time":"2026-01-05T08:00:01Z"}
{"user":"ann","ok":"maybe","time":"2026-01-05T08:00:01Z"}
this is no JSON
{"user":"ann","ok":false,"time":"2026-01-05T08:00:02Z"}

{"user":"ann","user":"bob","ok":false,"time":"2026-01-05T08:00:02Z"}
{"user":"ann","ok":true,"time":"2026-01-05T08:00:03Z"}
END
ensue run rules.ens --input bad.ndjson
equal "bad lines: exit 0" 0 "$code"
told=$(printf '%s\n' "$err" | tail -n 1)
contains "bad lines: counted" "$told" "4 of 7 entries were rejected"
contains "bad lines: matching goes on" "$out" '"_events":[1,5,'
contains "a missing field is told with its name" "$err" "missing_field"
contains "a bad value is told" "$err" "bad_value"
contains "a line that is no JSON is told" "$err" "bad_entry"
contains "a duplicate is told" "$err" "duplicate_field"
ensue run -q rules.ens --input bad.ndjson
equal "quiet: what was rejected is said in one line" \
	"ensue: 4 of 7 entries were rejected (missing_field 1, bad_value 1, duplicate_field 1, bad_entry 1); 0 are of no type that the rules declare" "$err"

cat >late.ndjson <<'END'
{"user":"ann","ok":false,"time":"2026-01-05T08:00:10Z"}
{"user":"ann","ok":false,"time":"2026-01-05T08:00:05Z"}
END
ensue run rules.ens --input late.ndjson
contains "a late line is told" "$err" "late"

# dead letters of files, and what the rules say of late lines
cat >dead.ens <<'END'
event Up from "x" { n: int, s: string?, t: time } time t lateness 5s late to "up:late"
event Down from "y" { n: int, t: time } time t late accept unique n for 1m
event Off from "z" { n: int, t: time } time t late drop
rule up
  match u: Up
  emit  M { n: u.n }
rule down
  match d: Down
  emit  M { n: d.n }
rule off
  match d: Off
  emit  M { n: d.n }
END
cat >dead.ndjson <<'END'
{"event":"Up","n":1,"t":"2026-01-05T08:00:10Z","_own":7}
{"event":"Up","n":"x","t":"2026-01-05T08:00:10Z","more":[1,{"a":2}],"f":1.5,"b":true,"z":null}
no JSON
{"event":"Up","n":2,"s":"a\"b","t":"2026-01-05T08:00:04Z"}
{"event":"Up","n":3,"t":"2026-01-05T08:00:05Z"}
{"event":"Down","n":4,"t":"2026-01-05T08:00:20Z"}
{"event":"Down","n":4,"t":"2026-01-05T08:00:20Z"}
{"event":"Down","n":5,"t":"2026-01-05T08:00:16Z"}
{"event":"Off","n":6,"t":"2026-01-05T08:00:14Z"}
{"event":"Up","n":7,"t":"1969-12-31T23:59:59Z"}
END
ensue run dead.ens --input dead.ndjson --dead dead.out
equal "late lines: exit 0" 0 "$code"
equal "late lines: what is taken" "3 1 4 5" "$(echo $(printf '%s\n' "$out" | sed 's/.*"n":\([0-9]*\).*/\1/'))"
equal "--dead: each that can't be used, with its reason" '{"_reason":"bad_value","_detail":"\"x\" is not an int","_stream":"dead.ndjson","_id":2,"_field":"n","_own":7,"event":"Up","n":"x","t":"2026-01-05T08:00:10Z","more":"[1,{\"a\":2}]","f":1.5,"b":true,"z":null}
bad_entry 3
bad_time 10
{"_reason":"late","_detail":"the event'"'"'s time, 2026-01-05T08:00:04.000000Z, is before 2026-01-05T08:00:05.000000Z, the earliest that is still in time","_stream":"dead.ndjson","_id":4,"_field":"t","_to":"up:late","_own":3,"n":"2","s":"a\"b","t":"2026-01-05T08:00:04.000000Z"}' "$(sed 's/^{"_reason":"bad_\(entry\|time\)".*"_id":\([0-9]*\),.*/bad_\1 \2/' dead.out)"
contains "late drop is counted" "$err" "1 events were late and dropped"
contains "late accept is counted" "$err" "1 events were late and taken all the same"
contains "repeats are counted" "$err" "1 events were repeats and dropped"
expect "--dead: where nothing can be written" 3 "cannot write nowhere/dead" run dead.ens --input dead.ndjson --dead nowhere/dead
expect "--dead is for files" 2 "--dead goes with --input" run dead.ens --redis unix:///nowhere --job j --dead x

cat >absence.ens <<'END'
event Beat from "beats" { device: string, time: time }
rule silent
  key   device
  match beat: Beat -> not Beat for 90s
  emit  Silent { device }
END
cat >beats.ndjson <<'END'
{"device":"a","time":"2026-01-05T08:00:00Z"}
{"device":"b","time":"2026-01-05T08:00:00Z"}
{"device":"a","time":"2026-01-05T08:01:00Z"}
{"device":"a","time":"2026-01-05T08:02:00Z"}
END
ensue run absence.ens --input beats.ndjson --at-end hold
equal "hold: only what is due by the last event" '"device":"b"' "$(printf '%s' "$out" | grep -o 'Silent","device":"."' | cut -d , -f 2 | tr '\n' ' ' | sed 's/ $//')"
ensue run absence.ens --input beats.ndjson
equal "flush is the default: time goes to its end" '"device":"b" "device":"a"' \
	"$(printf '%s\n' "$out" | grep -o 'Silent","device":"."' | cut -d , -f 2 | tr '\n' ' ' | sed 's/ $//')"
head -2 beats.ndjson >b1.ndjson
tail -n +3 beats.ndjson >b2.ndjson
ensue run absence.ens --input b1.ndjson --input b2.ndjson --at-end hold
contains "several inputs are one" "$out" '"device":"b"'

cat >types.ens <<'END'
event Up from "x" { n: int }
event Down from "y" { n: int }
rule r
  match u: Up -> d: Down[n = u.n]
  within 100 events
  emit  M { n: d.n }
END
printf '{"event":"Up","n":1}\n{"_event":"Down","n":1}\n{"event":"Other","n":1}\n' >types.ndjson
ensue run types.ens --input types.ndjson
contains "the member event says the type" "$out" '"_events":[1,2]'
printf '{"kind":"Up","n":1}\n{"kind":"Down","n":1}\n' >kind.ndjson
ensue run types.ens --input kind.ndjson --event-field kind
contains "--event-field" "$out" '"_events":[1,2]'

expect "no such input: exit 3" 3 "nowhere.ndjson" run rules.ens --input nowhere.ndjson
expect "a folder as input: exit 3" 3 "" run rules.ens --input .
: >empty.ndjson
ensue run rules.ens --input empty.ndjson
equal "an empty input: nothing, exit 0" "0" "$code$out"
printf '{"user":"ann","ok":true,"time":1767600000}' >noeol.ndjson
ensue run rules.ens --input noeol.ndjson
equal "no line end at the end" "0" "$code$out"
head -c 3000000 /dev/zero | tr '\0' 'x' >longline.ndjson
ensue run rules.ens --input longline.ndjson
equal "a line of 3 MB: exit 0" 0 "$code"
contains "a line of 3 MB is a dead letter" "$err" "too_large"
{ printf '{"user":"ann","ok":'; head -c 200000 /dev/zero | tr '\0' '['; printf '\n'; } >deep.ndjson
ensue run rules.ens --input deep.ndjson
equal "200,000 open brackets: exit 0" 0 "$code"
"$ENSUE" run rules.ens --input in.ndjson >/dev/full 2>"$work/full.err"
equal "standard output full: exit 3" 3 "$?"
# rules on the command line
one='event Login from "logins" { user: string, ok: bool }
rule failed
  match a: Login[not ok]
  emit  Failed { user: a.user }'
printf '{"user":"ann","ok":false}\n{"user":"bob","ok":true}\n' >one.ndjson
ensue run -q -e "$one" --input - <one.ndjson
equal "-e: exit 0" 0 "$code"
contains "-e: it finds" "$out" '"_event":"Failed","user":"ann"'
first=$out
ensue run -q -e 'event Login from "logins" { user: string, ok: bool }' -e 'rule failed' -e 'match a: Login[not ok]' \
	--rules 'emit Failed { user: a.user }' --input one.ndjson
equal "-e: each is a line" "$first" "$out"
printf 'event Login from "logins" { user: string, ok: bool }\n' >events.ens
ensue run -q events.ens -e "$(printf '%s' "$one" | tail -n 3)" --input one.ndjson
equal "-e: behind a file" "$first" "$out"
expect "-e: mistakes have their place" 1 "-e:3:" run -e "$(printf '%s' "$one" | sed 's/not ok/not k/')" --input one.ndjson
printf '%s' "$one" >one.ens
"$ENSUE" compile -o one.ensc one.ens
expect "-e: not with tables" 2 "it stands alone" run one.ensc -e "$one" --input one.ndjson
# ceilings: what is over one is dropped and told
cat >all.ens <<'EOF'
event Login from "logins" { user: string, ok: bool }
rule every
  match all a: Login[not ok]{,30} combinations ->> b: Login[ok]
  within 1h
  limit 4 per 1h by b.user
  emit Found { user: b.user }
EOF
for i in 1 2 3 4 5 6 7 8 9; do printf '{"user":"ann","ok":false}\n'; done >all.ndjson
printf '{"user":"bob","ok":true}\n{"user":"bob","ok":true}\n{"user":"cid","ok":true}\n' >>all.ndjson
ensue run -q all.ens --input all.ndjson --max-emissions 3
equal "ceilings: exit 0" 0 "$code"
equal "ceilings: so many an event" 6 "$(printf '%s\n' "$out" | grep -c Found)"
contains "ceilings: told" "$err" "ensue: rule every: 2 emissions were dropped: too many at one event"
ensue run -q all.ens --input all.ndjson
equal "ceilings: not over one" 8 "$(printf '%s\n' "$out" | grep -c Found)"
equal "ceilings: nothing to tell" '' "$err"
expect "ceilings: a number" 2 "it is a number from 1" run all.ens --input all.ndjson --max-emissions 0

# What waits for a value is found by it or looked at one by one: the same comes out.
cat >paid.ens <<'EOF'
event Order from "orders" { id: int, amount: int }
event Payment from "payments" { id: int, amount: int }
rule paid
  match a: Order -> b: Payment[id = a.id and amount >= a.amount]
  skip none
  within 1h
  emit Paid { id: a.id }
EOF
for i in $(seq 50); do printf '{"event":"Order","id":%d,"amount":%d}\n' "$i" "$((i % 7))"; done >paid.ndjson
for i in $(seq 50); do printf '{"event":"Payment","id":%d,"amount":%d}\n' "$i" 3; done >>paid.ndjson
ensue run -q paid.ens --input paid.ndjson
paid=$out
equal "waiting: found" 29 "$(printf '%s\n' "$paid" | grep -c Paid)"
ensue run -q paid.ens --input paid.ndjson --index-waiting-from 1
equal "waiting: an index at once" "$paid" "$out"
ensue run -q paid.ens --input paid.ndjson --index-waiting-from 1000000
equal "waiting: no index" "$paid" "$out"
expect "waiting: a number" 2 "it is a number from 1" run paid.ens --input paid.ndjson --index-waiting-from 0
finish
