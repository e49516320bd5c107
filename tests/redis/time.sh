#!/bin/sh
# Event time on Redis: order, late events, repeats, wrong clocks, silence; how soon an absence is told.
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
. "$ENSUE_SOURCE/tests/redis/lib.sh"
cd "$work" || exit 99
start_redis

# ---- order, and what comes too late, by type
cat >late.ens <<'END'
event Step from "steps" where event = "Step" { at: time(s), n: int } time at lateness 10s late to "steps:late"
event Drop from "steps" where event = "Drop" { at: time(s), n: int } time at late drop
event Take from "steps" where event = "Take" { at: time(s), n: int } time at late accept
event Dead from "steps" where event = "Dead" { at: time(s), n: int } time at
rule step
  match a: Step
  emit  Out to "out" { n: a.n, t: a.time }
rule dropped
  match a: Drop
  emit  Out to "out" { n: a.n, t: a.time }
rule taken
  match a: Take
  emit  Out to "out" { n: a.n, t: a.time }
rule dead
  match a: Dead
  emit  Out to "out" { n: a.n, t: a.time }
END
step() {
	cli xadd steps '*' event "$1" at "$2" n "$3" >/dev/null
}
step Step 1000 1
step Step 1005 3
step Step 1002 2
step Step 1020 6
step Step 1010 4
step Step 1012 5
step Step 1009 90
step Drop 1009 91
step Dead 1009 92
step Take 1009 93
step Step 1100 7
dead=ensue:{steps}:test:0:dead
start_worker late late.ens
late=$pid
wait_entries "reordering" out 7
equal "in order of time" "1 2 3 4 93 5 6" "$(echo $(emitted out n))"
equal "late accept: the earliest time in time" "1970-01-01T00:16:50.000000Z" "$(emitted out t | sed -n 5p)"
wait_entries "late to" steps:late 1
wait_entries "late: by default a dead letter" "$dead" 1
equal "late to: the reason" late "$(emitted steps:late _reason)"
equal "late to: the entry's own fields" "90" "$(emitted steps:late n)"
equal "late to: how many they are" 2 "$(emitted steps:late _own)"
equal "late to: where it was" steps "$(emitted steps:late _stream)"
equal "the dead letter is that of its type alone" 92 "$(emitted "$dead" n)"
stop_worker "$late" "late events"
contains "late events are counted" "$(cat late.log)" "late events: 4 (1 taken all the same, 1 dropped, 1 to streams of their own)"

# ---- times that can't be
job=bad
dead=ensue:{clocks}:bad:0:dead
cat >bad.ens <<'END'
event Tick from "clocks" { at: time(ms), sent: time(ms) } time at sent sent
rule tick
  match a: Tick
  emit  Ticked to "ticked" { at: a.at, t: a.time }
END
# the device's clock: of 1970, 10 s before it was sent
id=$(cli xadd clocks '*' at 5000 sent 15000 | tr -d '\r')
cli xadd clocks '*' at 5000 sent 9000000000000000 >/dev/null
cli xadd clocks '*' at 9000000 sent 5000 >/dev/null
cli xadd clocks '*' at nan sent 5000 >/dev/null
cli xadd clocks '*' at '' sent 5000 >/dev/null
start_worker bad bad.ens
bad=$pid
wait_entries "times that can't be" "$dead" 4
equal "times that can't be: each has its reason" "bad_time future bad_value missing_field" "$(echo $(emitted "$dead" _reason))"
wait_entries "a corrected time" ticked 1
equal "sent: what the device wrote stays" "1970-01-01T00:00:05.000000Z" "$(emitted ticked at)"
equal "sent: the time is 10 s before the entry's" "$(date -u -d "@$((${id%%[0-9][0-9][0-9]-*} - 10))" +%Y-%m-%dT%H:%M:%S)" \
	"$(emitted ticked t | cut -c 1-19)"
stop_worker "$bad" "wrong clocks"

# ---- IDs that jump by years, and beyond all time
cat >jump.ens <<'END'
event Beat from "jumping" { device: string }
rule silent
  key   device
  match beat: Beat -> not Beat for 1h
  emit  Silent to "silent" { device }
END
job=jump
dead=ensue:{jumping}:jump:0:dead
cli xadd jumping '*' device d1 >/dev/null
start_worker jump jump.ens
jump=$pid
cli xadd jumping 4102444800000-0 device d2 >/dev/null
wait_entries "IDs that jump: time goes with them" silent 1
equal "IDs that jump: what was open is due" d1 "$(emitted silent device)"
cli xadd jumping 253402300800000-0 device d3 >/dev/null
wait_entries "an ID beyond 9999" "$dead" 1
equal "an ID beyond 9999: a dead letter" bad_time "$(emitted "$dead" _reason)"
stop_worker "$jump" "jumping IDs"
contains "IDs that jump are counted" "$(cat jump.log)" "ahead of the server's clock: 2"

# ---- repeats, also across a restart
cat >unique.ens <<'END'
event Paid from "paid" { number: string, at: time(s) } time at lateness 5s unique number for 10m
rule paid
  match a: Paid
  emit  Seen to "seen" { number: a.number }
END
paid() {
	cli xadd paid '*' number "$1" at "$2" >/dev/null
}
job=unique
paid a 1000
paid a 1000
paid b 1010
paid a 1011
paid c 1020
start_worker unique1 unique.ens
unique=$pid
wait_entries "repeats" seen 2
stop_worker "$unique" "repeats"
contains "repeats are counted" "$(cat unique1.log)" 'repeats dropped (`unique`): 2'
paid b 1015
paid a 1025
paid a 1601
paid z 1700
start_worker unique2 unique.ens
unique=$pid
wait_entries "repeats after a restart" seen 4
equal "each value once within its time, also after a restart" "a b c a" "$(echo $(emitted seen number))"
stop_worker "$unique" "repeats after a restart"
contains "what is read again is not counted again" "$(cat unique2.log)" 'repeats dropped (`unique`): 2'

# ---- an absence at the beginning is watched from the first event: of the rule's streams, or of the file
cat >watch.ens <<'END'
event Other from "watch other" { at: time(s) } time at
event Any from "watch any" { n: int, at: time(s) } time at
rule other
  match a: Other
  emit  Was to "was" {}
rule lead
  match not Any[n = 0] for 10s -> a: Any
  emit  Led to "led" { n: a.n }
END
cat >watch.ndjson <<'END'
{"event":"Other","at":90}
{"event":"Any","n":1,"at":100}
{"event":"Any","n":2,"at":109}
{"event":"Any","n":3,"at":110}
END
ensue run watch.ens --input watch.ndjson
equal "a file watches from its first event" "1 2 3" "$(echo $(printf '%s\n' "$out" | sed -n 's/.*"_event":"Led","n":\([0-9]*\).*/\1/p'))"
printf 'XADD "watch other" * at 90\nXADD "watch any" * n 1 at 100\nXADD "watch any" * n 2 at 109\nXADD "watch any" * n 3 at 110\n' | cli >/dev/null
job=watch start_worker watch watch.ens
watch=$pid
wait_entries "the watch is as old as it must be" led 1
stop_worker "$watch" "watch"
equal "Redis watches from the first event of the rule's streams" 3 "$(emitted led n)"

# ---- silence: of one stream beside another, then of all
cat >idle.ens <<'END'
event Left from "left" { n: int, at: time(s) } time at idle 700ms
event Right from "right" { n: int, at: time(s) } time at idle 700ms
rule each
  match a: Left
  emit  Each to "each" { n: a.n }
rule both
  match a: Left -> b: Right
  emit  Both to "both" { n: b.n }
rule missed
  match a: Left -> not Right for 2s
  emit  Missed to "missed" { n: a.n }
END
job=idle start_worker idle idle.ens
idle=$pid
cli xadd right '*' n 0 at 900 >/dev/null
until_true 15 has_read 'ensue:{idle:0}:idle:0:head' right || fail "the first stream is read"
cli xadd left '*' n 1 at 1000 >/dev/null
wait_entries "one stream needs nobody" each 1
wait_entries "an absence on silent streams" missed 1
stop_worker "$idle" "silence"
contains "silences are counted" "$(cat idle.log)" "streams without an entry for their idle time: "
# All of them silent from the same moment on: time goes on from the newest.  Two of three: the third goes on alone.
sed 's/"\(left\|right\|each\|both\|missed\)"/"\1 too"/' idle.ens >together.ens
cat >>together.ens <<'END'
event Third from "third" { n: int, at: time(s) } time at idle 700ms
rule three
  from  Left, Right, Third
  match a: Third
  emit  Three to "three" { n: a.n }
END
printf 'XADD "right too" * n 0 at 900\nXADD "left too" * n 1 at 1000\n' | cli >/dev/null
job=together start_worker together together.ens
together=$pid
wait_entries "an absence on streams silent together" "missed too" 1
cli xadd third '*' n 3 at 2000 >/dev/null
wait_entries "silent streams do not hold up one that is not" three 1
stop_worker "$together" "silence together"

# ---- a stream that is ahead of a slow one is not read further than may wait
cat >ahead.ens <<'END'
event Fast from "fast" { n: int, at: time(s) } time at idle 1h
event Slow from "slow" { n: int, at: time(s) } time at idle 1h
rule both
  from  Fast, Slow
  match a: Fast
  emit  Passed to "passed" { n: a.n }
END
awk 'BEGIN { for (i = 1; i <= 200; i++) print "XADD fast * n " i " at " i }' | cli >/dev/null
job=ahead start_worker ahead ahead.ens --ahead 20 --read-size 5
ahead=$pid
# read_of STREAM: how many of its entries were read
read_of() {
	cli hget 'ensue:{ahead:0}:ahead:0:head' "src:$1" | cut -d ' ' -f 3
}
has_read_some() {
	_read=$(read_of fast)
	[ "${_read:-0}" -gt 20 ]
}
until_true 15 has_read_some || fail "the fast stream is read"
cli xadd slow '*' n 0 at 100 >/dev/null
wait_entries "what is before the slow stream" passed 99
equal "no more of the fast stream is read than may wait" "yes" \
	"$([ "$(read_of fast)" -lt 150 ] && echo yes || echo no)"
cli xadd slow '*' n 0 at 500 >/dev/null
wait_entries "the rest" passed 200
stop_worker "$ahead" "streams that are ahead"

# ---- how soon an absence is told on a silent stream: 20 times by the server's clock, 3 times by a field's; one that is over
# before a read that was held back would be; and how soon an event that waits for another stream goes, beside one with a field's
cat >soon.ens <<'END'
event Beat from "beats" { device: string }
event Other from "others" { device: string }
event Aside from "asides" { n: int, at: time(s) } time at idle 1h
rule near
  key   device
  match beat: Beat -> not Other for 3ms
  emit  Near to "near" { device }
rule waits
  from  Beat, Other
  match beat: Beat
  emit  Went to "went" { n: 1 }
rule aside
  match a: Aside
  emit  Went to "went" { n: 2 }
rule silent
  key   device
  match beat: Beat -> not Beat for 230ms
  emit  Silent to "soon" { device }
END
cat >field.ens <<'END'
event Pulse from "pulses" { device: string, at: time(ms) } time at idle 300ms
rule silent
  key   device
  match beat: Pulse -> not Pulse for 1s
  emit  Silent to "fieldsoon" { device }
END
# worst STREAM FOR_MS: the most milliseconds from an entry's deadline to its emission, by the server's clock
worst() {
	cli xrange "$1" - + | awk -v for_ms="$2" '
		/^[0-9]+-[0-9]+\r?$/ { split($0, id, "-") }
		p == "_events" { gsub(/[\[\]"\r]/, ""); split($0, first, "-"); d = id[1] - first[1] - for_ms; if (d > w) w = d }
		{ p = $0 }
		END { print w + 0 }'
}
job=soon start_worker soon soon.ens
soon=$pid
job=field start_worker field field.ens
field=$pid
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	cli xadd beats '*' device "d$i" >/dev/null
	wait_entries "an absence by the server's clock" soon "$i"
done
for i in 1 2 3; do
	cli xadd pulses '*' device "p$i" at "$((i * 1000000))" >/dev/null
	wait_entries "an absence by a field's time" fieldsoon "$i"
done
w=$(worst soon 230)
[ "$w" -ge 0 ] && [ "$w" -le 100 ] && pass "an absence is told within 100 ms of its deadline ($w)" ||
	fail "an absence is told within 100 ms of its deadline" "$w ms"
w=$(worst near 3)
[ "$w" -ge 0 ] && [ "$w" -le 100 ] && pass "also if it is over soon ($w)" || fail "also if it is over soon" "$w ms"
w=$(worst went 0)
[ "$w" -ge 0 ] && [ "$w" -le 100 ] && pass "an event that waits for a silent stream goes as soon ($w)" ||
	fail "an event that waits for a silent stream goes as soon" "$w ms"
w=$(worst fieldsoon 1000)
[ "$w" -ge 0 ] && [ "$w" -le 100 ] && pass "also where a field is the time ($w)" ||
	fail "also where a field is the time" "$w ms"
stop_worker "$soon" "absences"
stop_worker "$field" "absences by a field's time"
finish
