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
for said in 'how many events there were in all' 'the different values of `p.card`, at most 1000' 'every `p.amount`, at most 1000' \
	'how `p.amount` are distributed' '`amount` of number 3' '`amount` of the last 2' 'mean of `p.amount`' 'how far `p.amount` spread around it'; do
	contains "explain: $said" "$(printf '%s' "$out" | tr '\n' ' ' | tr -s ' ')" "$said"
done

finish
