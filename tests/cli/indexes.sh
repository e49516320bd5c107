#!/bin/sh
# a[N], narrowed aggregates and stddev, as emissions show them.
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
cd "$work" || exit 99
cat >views.ens <<'END'
event View from "v" { who: string, ms: float, status: int, n: int?, url: string?, time: time }
END
# view MS STATUS N URL SECOND
view() {
	printf '{"who":"a","ms":%s,"status":%s,"n":%s,"url":%s,"time":"2026-01-05T08:00:%sZ"}\n' "$@"
}
{
	view 1 200 1 '"/a1"' 00
	view 2 500 2 '"/a2"' 01
	view 3 200 null null 02
	view 4 500 3 '"/b4"' 03
	view 5 200 4 '"/b5"' 04
	view 6 0 5 '"/end"' 05
} >in.ndjson

# emitted MATCH ITEMS: what `emit T { ITEMS }` says
emitted() {
	printf 'import "views.ens"\nrule r\n  key who\n  match %s\n  within 1h\n  emit T { %s }\n' "$1" "$2" >rules.ens
	ensue run rules.ens --input in.ndjson
	[ "$code" = 0 ] || printf '%s\n' "$err"
	printf '%s\n' "$out" | sed 's/^{"_event":"T",//; s/,\{0,1\}"_rule".*//'
}
all='v: View[status > 0]{4,} -> e: View[status = 0]'
equal "from the front" '"a":1.0,"b":"/a2","c":null,"d":"/b4","e":5.0,"f":null' \
	"$(emitted "$all" 'a: v[1].ms, b: v[2].url, c: v[3].url, d: v[4].url, e: v[5].ms, f: v[6].ms')"
equal "from the back" '"a":"/b5","b":"/b4","c":null,"d":"/a2","e":"/a1","f":null,"g":null' \
	"$(emitted "$all" 'a: v[-1].url, b: v[-2].url, c: v[-3].url, d: v[-4].url, e: v[-5].url, f: v[-6].url, g: v[-64].url')"
equal "of any type" '"a":3,"b":500,"c":false' \
	"$(emitted "$all" 'a: v[-2].time - v[1].time, b: v[-2].status, c: v[-2].ms = v[2].ms')"
equal "narrowed" '"a":2,"b":6.0,"c":4.0,"d":null,"e":0,"f":0.0,"g":2' \
	"$(emitted "$all" 'a: count(v[status >= 500]), b: sum(v[status >= 500].ms), c: sum(v[status >= 500 and url like "/a*"].ms * 2), d: max(v[status > 900].ms), e: count(v[status > 900]), f: sum(v[status > 900].ms), g: count(v[status < 500].url)')"
equal "a condition that is null does not hold" '"a":2,"b":2' "$(emitted "$all" 'a: count(v[url like "/a*"]), b: count(v[n > 2])')"
equal "stddev of a sample" '"a":1.5811388300841898,"b":1.2909944487358056,"c":1.4142135623730951,"d":null' \
	"$(emitted "$all" 'a: stddev(v.ms), b: stddev(v.n), c: stddev(v[status = 500].ms), d: stddev(v[ms < 2].ms)')"
equal "in brackets they range over the events before" '"n":3,"last":3.0' \
	"$(emitted 'v: View[v[-2].ms is null or ms = v[-2].ms + 2]{3}' 'n: count(v), last: v[-1].ms' | head -n 1)"
printf 'import "views.ens"\nrule r\n  key who\n  match v: View+\n  where count(v[status = 500]) = 2 and v[-2].ms = 3\n  within 1h\n  emit T { n: count(v) }\n' >rules.ens
ensue run rules.ens --input in.ndjson
contains "in where they say when the repetition may be left" "$out" '"n":4'
{
	view 1000000001 200 1 '"x"' 00
	view 1000000002 200 1 '"x"' 01
	view 1000000003 200 1 '"x"' 02
	view 0 0 1 '"x"' 03
} >in.ndjson
equal "stddev keeps its digits far from 0" '"a":1.0' "$(emitted 'v: View[status > 0]{3} -> e: View[status = 0]' 'a: stddev(v.ms)')"

# rounds of a group: inside, this round's events; outside, those of all rounds
{
	view 1 200 1 '"r1a"' 00
	view 2 200 1 '"r1b"' 01
	view 0 0 1 '"r1end"' 02
	view 3 200 1 '"r2a"' 03
	view 4 200 1 '"r2b"' 04
	view 0 0 1 '"r2b"' 05
} >in.ndjson
equal "rounds" '"a":"r1b","b":"r2a","c":"r1a","d":"r1end"' \
	"$(emitted '(v: View[status > 0]{2} -> e: View[status = 0 and (v[2].url = "r1b" or url = v[-1].url)]){2}' 'a: v[2].url, b: v[-2].url, c: v[-4].url, d: e[-2].url')"
finish
