#!/bin/sh
# count() of a whole match, and items' names in `having`, as emissions show them; what explain says of collected values.
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
cd "$work" || exit 99
cat >pays.ens <<'END'
event Pay from "p" { card: string, amount: float, ok: bool, time: time }
END
# pay AMOUNT OK SECOND
pay() {
	printf '{"card":"c","amount":%s,"ok":%s,"time":"2026-01-05T08:00:%sZ"}\n' "$@"
}
{
	pay 1 false 00
	pay 2 false 01
	pay 3 false 02
	pay 100 true 03
} >in.ndjson

# emitted MATCH MORE: what the rule says
emitted() {
	printf 'import "pays.ens"\nrule r\n  key card\n  match %s\n  within 1h\n  %s\n' "$1" "$2" >rules.ens
	ensue run rules.ens --input in.ndjson
	[ "$code" = 0 ] || printf '%s\n' "$err"
	printf '%s\n' "$out" | sed 's/^{"_event":"T",//; s/,\{0,1\}"_rule".*//'
}
all='p: Pay[not ok]+ -> q: Pay[ok]'
equal "all events of the match" '"n":4,"p":3' "$(emitted "$all" 'emit T { n: count(), p: count(p) }')"
equal "in brackets those before" '"n":3' "$(emitted 'p: Pay[count() = 0] -> q: Pay[count() = 1] -> s: Pay[count() = 2]' 'emit T { n: count() }' | head -n 1)"
equal "in an exit guard those so far" '"n":3' "$(emitted 'p: Pay+' 'where count(p) >= 1 and avg(p.amount) > 0 and sum(p.amount) > count() + 2
  emit T { n: count() }' | head -n 1)"
equal "of rounds, too" '"n":4,"rounds":2' "$(emitted 'g: (a: Pay -> b: Pay){2}' 'emit T { n: count(), rounds: count(g) }')"
equal "an item's value is true in having" '"n":3,"sum":6.0' "$(emitted "$all" 'having n = 3 and sum < 7 and card = "c"
  emit T { n: count(p), sum: sum(p.amount) }')"
equal "or not" '' "$(emitted "$all" 'having n > 3 or sum > 7
  emit T { n: count(p), sum: sum(p.amount) }')"

printf 'import "pays.ens"\nrule r\n  key card\n  match %s\n  within 1h\n  having n > 1\n  emit T { %s }\n' "$all" \
	'n: count(), cards: count_distinct(p.card), amounts: list(p.amount), p95: percentile(p.amount, 95), third: p[3].amount,
	back: p[-2].amount, spread: stddev(p.amount)' >rules.ens
ensue explain rules.ens
equal "explained" 0 "$code"
contains "an item is told as its value" "$out" 'but only if `count() > 1` holds'
for said in 'for what an aggregate collects: 40 bytes, and for each value up to 40 more' 'how many events there were in all' 'the different values of `p.card`, at most 1000' 'every `p.amount`, at most 1000' \
	'how `p.amount` are distributed' '`amount` of number 3' '`amount` of the last 2' 'mean of `p.amount`' 'how far `p.amount` spread around it'; do
	contains "explain: $said" "$(printf '%s' "$out" | tr '\n' ' ' | tr -s ' ')" "$said"
done

# ---- collected values run -------------------------------------------------------------------------------------------------
cat >views.ens <<'END'
event View from "v" { user: string, url: string, ms: int?, ok: bool, ip: ip? }
END
# views N URLS MS: N views, of URLS pages one after the other, which take 1 ... MS; then the one that is ok
views() {
	awk -v n="$1" -v urls="$2" -v ms="$3" 'BEGIN {
		for (i = 0; i < n; i++)
			printf "{\"user\":\"ann\",\"url\":\"/%d\",\"ms\":%d,\"ok\":false,\"ip\":\"10.0.0.%d\"}\n", i % urls, i % ms + 1, i % 3
		print "{\"user\":\"ann\",\"url\":\"/end\",\"ms\":5000,\"ok\":true}" }'
}
# seen MATCH MORE: the emitted fields and `_approx`, of the input on standard input; names no times, so all at one
seen() {
	printf 'import "views.ens"\nrule r\n  key user\n  match %s\n  within 1h\n  %s\n' "$1" "$2" >rules.ens
	sed 's/}$/,"time":"2026-01-05T08:00:00Z"}/' >views.ndjson
	ensue run rules.ens --input views.ndjson
	[ "$code" = 0 ] || printf '%s\n' "$err"
	printf '%s\n' "$out" | sed 's/^{"_event":"T",//; s/,"_rule".*"_end":"[^"]*"//; s/,"_events".*//'
}
nok='v: View[not ok]+ -> w: View[ok]'
equal "different values and lists" '"n":3,"urls":["/0","/1","/2"],"all":["/0","/1","/2","/0","/1"],"ips":["10.0.0.0","10.0.0.1","10.0.0.2"]' \
	"$(views 5 3 9 | seen "$nok" 'emit T { n: count_distinct(v.url), urls: set(v.url), all: list(v.url), ips: set(v.ip) }')"
equal "nulls are left out; of nothing there is an empty list" '"n":0,"ips":[],"all":[],"p":null' \
	"$(views 5 3 9 | seen "$nok" 'emit T { n: count_distinct(w.ip), ips: set(w.ip), all: list(w.ip), p: percentile(v[ms > 9].ms, 50) }')"
equal "percentiles are numbers that came" '"least":1.0,"half":5.0,"p90":9.0,"most":10.0' \
	"$(views 20 3 10 | seen "$nok" 'emit T { least: percentile(v.ms, 0), half: percentile(v.ms, 50), p90: percentile(v.ms, 90), most: percentile(v.ms, 100) }')"
equal "narrowed" '"n":2,"p":10.0' "$(views 20 5 10 | seen "$nok" 'emit T { n: count_distinct(v[ms > 8].ms), p: percentile(v[ms > 2].ms, 95) }')"
equal "in an exit guard, while it grows" '"n":3,"k":3' "$(views 9 9 9 | seen 'v: View{2,}' 'where count_distinct(v.url) >= 3
  emit T { n: count_distinct(v.url), k: count(v) }' | head -n 1)"
equal "in a step's brackets, of those before" '"seen":["/0","/1","/2"],"last":"/3"' \
	"$(views 9 9 9 | seen 'v: View[not ok]{2,} -> w: View[count_distinct(v.url) = 3]' 'emit T { seen: set(v.url), last: w.url }' | head -n 1)"
equal "in having, with items' names" '"n":3' "$(views 5 3 9 | seen "$nok" 'having n = 3
  emit T { n: count_distinct(v.url) }')"
equal "of each round anew" '"k":6' "$(views 6 9 9 | seen 'g: (v: View{2} -> w: View[count_distinct(v.url) = 2]){2}' 'emit T { k: count() }')"
equal "branches collect for themselves" '"all":["/0","/1"]
"all":["/0","/2"]
"all":["/1","/2"]' "$(views 3 9 9 | seen 'all v: View[not ok]{2} combinations' 'emit T { all: list(v.url) }')"
equal "the same of match last" '"all":["/1","/2","/3"]' "$(views 4 9 9 | seen 'last v: View[not ok]{3} -> w: View[ok]' 'emit T { all: list(v.url) }')"

# beyond what is kept
equal "a thousand are exact" '"n":1000,"p":500.0' \
	"$(views 5000 1000 1000 | seen "$nok" 'emit T { n: count_distinct(v.url), p: percentile(v.ms, 50) }')"
equal "beyond, an estimate, and told by names" '"k":5000,"n":4995,"more":true,"p":2512.0,"_approx":["n","more"]' \
	"$(views 5000 5000 100000 | seen "$nok" 'emit T { k: count(v), n: count_distinct(v.url), more: count_distinct(v.url) > 2000, p: percentile(v.ms, 50) }')"
views 1500 1500 1500 | seen "$nok" 'emit T { l: list(v.ms), s: set(v.url), k: count(v) }' >lists
equal "lists are cut" '"k":1500,"_approx":["l","s"]' "$(sed 's/.*],//; s/.*\("k":1500\)/\1/' lists)"
equal "after a thousand" '999 999' "$(awk '{ split($0, part, "],\"s\":"); print gsub(",", "", part[1]), gsub("/", "", part[2]) - 1 }' lists)"

# the same in every order, where order does not matter
views 3000 3000 3000 >forth.in
sed '$d' forth.in | sort -r >back.in
tail -n 1 forth.in >>back.in
told='emit T { n: count_distinct(v.url), p: percentile(v.ms, 99) }'
equal "estimates do not depend on the order" "$(seen "$nok" "$told" <forth.in)" "$(seen "$nok" "$told" <back.in)"

finish
