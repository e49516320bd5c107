#!/bin/sh
# Time zones in functions and windows.  A build without cctz knows UTC only, and says so.
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
cd "$work" || exit 99
cat >in.ndjson <<'END'
{"time":"2026-03-29T00:59:59.5Z"}
{"time":"2026-03-29T01:00:00Z"}
{"time":"2026-10-25T00:30:00Z"}
{"time":"2026-10-25T01:30:00Z"}
END

# emitted ZONE ITEMS: what each event gives, one line each
emitted() {
	printf 'event E from "e" { time: time }\nparam zone: string = "%s"\nrule r\n  match e: E\n  emit M { %s }\n' "$1" "$2" >rules.ens
	ensue run rules.ens --input in.ndjson
	[ "$code" = 0 ] || printf '%s\n' "$err"
	printf '%s\n' "$out" | sed 's/^{"_event":"M",//; s/,\{0,1\}"_rule".*//'
}
# refused NAME EXPR MESSAGE
refused() {
	printf 'event E from "e" { time: time, zone: string }\nrule r\n  match e: E\n  emit M { v: %s }\n' "$2" >rules.ens
	ensue check rules.ens
	equal "$1: refused" 1 "$code"
	contains "$1: the message" "$err" "$3"
}

equal "UTC is always known" '"h":0,"m":59,"w":7,"d":29,"day":"2026-03-29T00:00:00.000000Z","text":"00:59 +0000 UTC"' \
	"$(emitted UTC 'h: hour(e.time, zone), m: minute(e.time, zone), w: weekday(e.time, zone), d: day(e.time, zone),
	day: date_trunc("day", e.time, zone), text: format_time(e.time, "%H:%M %z %Z", zone)' | head -n 1)"
for name in Europe/Berln CEST UTC+1 '' /etc/passwd ../Europe/Berlin Europe/../Europe/Berlin localtime right/Europe/Berlin posix/Europe/Berlin \
	posixrules Europe Europe/ 'Fixed/UTC+01:00:00' 'Europe/Berlin\x00' file:/etc/passwd; do
	refused "no zone: $name" "hour(e.time, \"$name\")" 'rules.ens:4:28: error E0312: no such time zone is known'
done
refused "a field" 'hour(e.time, e.zone)' 'error E0312: a time zone is given by its name as a text, or by a parameter'
refused "an expression" 'date_trunc("day", e.time, lower("UTC"))' 'error E0312: a time zone is given by its name'
refused "a number" 'hour(e.time, 1)' 'error E0304: `hour` does not take (time, int)'

printf 'event E from "e" { time: time }\nrule r\n  from e: E\n  window tumbling 1d zone "Europe/Berlin"\n  emit M { n: count() }\n' >rules.ens
ensue check --dump tables rules.ens
if [ "$code" != 0 ]; then
	contains "without zones it is said why" "$err" 'this build, or this system, knows "UTC" only'
	finish
fi
contains "a window's zone" "$out" 'window tumbling of 1d zone "Europe/Berlin"'
refused "a slip" 'hour(e.time, "europe")' 'zones are called as in the IANA'"'"'s list'

equal "clocks are put forward and back" \
	'"h":1,"hour":"2026-03-29T00:00:00.000000Z","day":"2026-03-28T23:00:00.000000Z","text":"2026-03-29 01:59 +0100 CET"
"h":3,"hour":"2026-03-29T01:00:00.000000Z","day":"2026-03-28T23:00:00.000000Z","text":"2026-03-29 03:00 +0200 CEST"
"h":2,"hour":"2026-10-25T00:00:00.000000Z","day":"2026-10-24T22:00:00.000000Z","text":"2026-10-25 02:30 +0200 CEST"
"h":2,"hour":"2026-10-25T01:00:00.000000Z","day":"2026-10-24T22:00:00.000000Z","text":"2026-10-25 02:30 +0100 CET"' \
	"$(emitted Europe/Berlin 'h: hour(e.time, zone), hour: date_trunc("hour", e.time, zone), day: date_trunc("day", e.time, zone),
	text: format_time(e.time, "%F %H:%M %z %Z", zone)')"
equal "a week and a month there" '"w":"2026-03-22T23:00:00.000000Z","m":"2026-02-28T23:00:00.000000Z","d":6' \
	"$(emitted Europe/Berlin 'w: date_trunc("week", e.time, zone), m: date_trunc("month", e.time, zone), d: weekday(e.time - 24h, zone)' | head -n 1)"
equal "west, and with minutes" '"a":"2026-03-28 19:59 -0500 -05","b":"2026-03-29 06:44 +0545 +0545"' \
	"$(emitted UTC 'a: format_time(e.time, "%F %H:%M %z %Z", "America/Bogota"), b: format_time(e.time, "%F %H:%M %z %Z", "Asia/Kathmandu")' | head -n 1)"
printf 'event E from "e" { time: time }\nfn late(t, zone) = hour(t, zone) >= 22\nrule r\n  match e: E[late(time, "Asia/Tokyo") = false]\n  emit M { v: 1 }\n' >rules.ens
ensue run rules.ens --input in.ndjson
equal "through a function" 4 "$(printf '%s\n' "$out" | wc -l)"

finish
