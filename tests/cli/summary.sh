#!/bin/sh
# The summary of `ensue run`: when it is told, and each reason for which a rule emits nothing.
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
cd "$work" || exit 99

# why NAME [OPTION...]: runs the rules of standard input, behind the types, over in.ndjson; $err is what was said.
why() {
	name=$1
	shift
	cat types.ens - >"rules.ens"
	ensue run rules.ens --input in.ndjson --allow W0201 --allow W0202 --allow W0231 "$@"
	equal "$name: exit 0" 0 "$code"
}

cat >types.ens <<'END'
event Login from "logins" { user: string, ok: bool, n: int?, time: time }
event Pay from "pays" { user: string, amount: int, id: string?, time: time } unique id for 1h
event Beat from "beats" where user != "nobody" { user: string, time: time }
event Tick from "ticks" { user: string, time: time }
END
cat >brute.ens <<'END'
rule brute
  key    user
  match  fail: Login[not ok]{3,} -> hit: Login[ok]
  within 1m
  emit   Found { user }
END

# ---- a match that went part of the way

cat >in.ndjson <<'END'
{"event":"Login","user":"ann","ok":false,"time":"2026-01-05T08:00:00Z"}
{"event":"Login","user":"bob","ok":false,"time":"2026-01-05T08:00:01Z"}
{"event":"Login","user":"ann","ok":false,"time":"2026-01-05T08:00:02Z"}
{"event":"Login","user":"ann","ok":true,"time":"2026-01-05T08:00:09Z"}
{"event":"Login","user":"bob","ok":true,"n":4,"time":"2026-01-05T08:00:09Z"}
{"event":"Tick","user":"bob","time":"2026-01-05T08:00:09Z"}
{"event":"Login","user":"ann","ok":false,"time":"2026-01-05T08:01:02Z"}
END
brute='ensue: rule `brute` emitted nothing
  6 events came (6 `Login`) for 2 keys; 4 matches began, 0 complete
  the furthest (user "ann") began at line 1 and took 2 fail; at 2026-01-05T08:01:02.000000Z the rule'"'"'s `within` was over
  matches that came as far waited for `hit: Login[ok]`; 3 events were not taken, 2 of them, such as line 4: the repetition before it has 2 of 3
  matches that came as far waited for `fail: Login[not ok]`; 3 events were not taken, 2 of them, such as line 4: this does not hold: `not ok`'
why "too few" <brute.ens
equal "too few" "$brute" "$err"
equal "too few: nothing but that" "" "$out"
why "not asked for" --no-summary <brute.ens
equal "--no-summary says nothing" "" "$err"
why "quiet" --quiet <brute.ens
equal "--quiet says nothing" "" "$err"
why "quiet, but asked for" --quiet --summary <brute.ens
equal "--quiet --summary" "$brute" "$err"
why "the last of two counts" --summary --no-summary <brute.ens
equal "--summary --no-summary" "" "$err"
ensue compile rules.ens -o rules.ensc --allow W0202
ensue run rules.ensc --input in.ndjson
contains "tables: steps without their text" "$err" 'waited for `hit`; 3 events were not taken, 2 of them, such as line 4: the repetition before it has 2 of 3'
contains "tables: conditions without their text" "$err" 'such as line 4: its condition on the event does not hold'
ensue run rules.ens --input - --allow W0202 <in.ndjson
equal "standard input: what is known without a second look" 'ensue: rule `brute` emitted nothing
  6 events came (6 `Login`); 4 matches began, 0 complete' "$err"
ensue run rules.ens --input in.ndjson --input /dev/null --allow W0202
equal "not all are ordinary files" 'ensue: rule `brute` emitted nothing
  6 events came (6 `Login`); 4 matches began, 0 complete' "$err"
grep -v bob in.ndjson >ann.ndjson
grep bob in.ndjson >bob.ndjson
ensue run rules.ens --input ann.ndjson --input bob.ndjson --allow W0202
contains "several inputs: lines with their times" "$err" 'began at line 1 (2026-01-05T08:00:00.000000Z) and took 2 fail'
ensue run rules.ens --input types.ens --input nothing.ndjson --allow W0202
equal "a run that fails has no summary" "ensue: cannot read nothing.ndjson: No such file or directory" "$err"

# ---- when it is told

cat >both.ens <<'END'
rule some
  match a: Tick
  emit  Some { user: a.user }
END
cat brute.ens both.ens >two.ens
why "something came" <two.ens
equal "something came out: nothing is said" "" "$err"
why "asked for" --summary <two.ens
equal "--summary: every rule" "$brute
ensue: rule \`some\`: 1 emission
  1 event came (1 \`Tick\`); 1 match began, 1 complete" "$err"
: >empty.ndjson
ensue run rules.ens --input empty.ndjson --allow W0202
equal "an empty input" "ensue: there is nothing in the input" "$err"
i=0
while [ $i -lt 12 ]; do
	i=$((i + 1))
	sed "s/rule brute/rule r$i/" brute.ens
done >many.ens
why "many rules" <many.ens
equal "many rules: ten are told of" 10 "$(printf '%s\n' "$err" | grep -c 'emitted nothing')"
contains "many rules: the others are counted" "$err" 'ensue: nor did 2 more rules emit anything; --summary tells of each'
why "many rules, asked for" --summary <many.ens
equal "many rules, asked for: all are told of" 12 "$(printf '%s\n' "$err" | grep -c 'the furthest')"

# ---- no event

cat >in.ndjson <<'END'
{"event":"Logn","user":"ann","ok":false,"time":"2026-01-05T08:00:00Z"}
{"event":"Beat","user":"nobody","time":"2026-01-05T08:00:01Z"}
{"event":"Tick","user":"ann","time":"2026-01-05T08:00:02Z"}
{"event":"Login","user":"ann","ok":7,"time":"2026-01-05T08:00:09Z"}
{"event":"Zebra","user":"ann"}
{"event":"Logn","user":"ann","ok":false,"time":"2026-01-05T08:00:00Z"}
END
{
	cat brute.ens
	printf 'rule other\n match a: Tick[user = "eve"]\n emit Other { user: a.user }\n'
	printf 'rule beats\n match a: Beat\n emit Beats { user: a.user }\n'
} >three.ens
why "none of its types" -q --summary <three.ens
equal "none of its types came" 'ensue: 1 of 6 entries were rejected (bad_value 1); 4 are of no type that the rules declare
ensue: rule `brute` emitted nothing
  no event of its types came (`Login`); what came: 1 `Tick`
  1 of 6 entries were rejected
  entries name the type `Logn`, which no rule takes in: did you mean `Login`?
  entries name the type `Beat`, but its `where` leaves them out
  entries name the type `Zebra`, which no rule takes in
ensue: rule `other` emitted nothing
  1 event came (1 `Tick`), 0 of them such as the pattern asks for; 0 matches began, 0 complete
  a match begins with `a: Tick[user = "eve"]`; 1 event was not taken, line 3: this does not hold: `user = "eve"`
ensue: rule `beats` emitted nothing
  no event of its types came (`Beat`); what came: 1 `Tick`
  1 of 6 entries were rejected
  entries name the type `Logn`, which no rule takes in
  entries name the type `Beat`, but its `where` leaves them out
  entries name the type `Zebra`, which no rule takes in' "$err"

cat >in.ndjson <<'END'
{"event":"Login","user":"ann","ok":true,"time":"2026-01-05T08:00:00Z"}
{"event":"Login","user":"ann","ok":true,"n":1,"time":"2026-01-05T08:00:01Z"}
{"event":"Login","user":"ann","ok":true,"n":2,"time":"2026-01-05T08:00:01Z"}
END
why "null" <<'END'
rule r
  key   n
  match a: Login[ok] -> b: Login[not ok]
  where a.n > 1
  emit  M { n }
END
equal "a key that is null; a step without any event" 'ensue: rule `r` emitted nothing
  3 events came (3 `Login`) for 2 keys, 1 of them such as the pattern asks for; 1 match began, 0 complete
  1 of them has no key, as `n` is null: they are for no match
  the furthest (n 2) began at line 3 and took a
  matches that came as far waited for `b: Login[not ok]`, but no `Login` came for them' "$err"

cat >in.ndjson <<'END'
{"event":"Pay","user":"ann","amount":1,"id":"x","time":"2026-01-05T08:00:10Z"}
{"event":"Pay","user":"ann","amount":1,"id":"x","time":"2026-01-05T08:00:11Z"}
{"event":"Pay","user":"ann","amount":1,"id":"y","time":"2026-01-05T08:00:05Z"}
END
why "late" -q --summary <<'END'
rule r
  match a: Pay, b: Pay
  emit  M { user: a.user }
END
equal "late ones and repeats" 'ensue: 1 of 3 entries were rejected (late 1); 0 are of no type that the rules declare
ensue: 1 events were repeats and dropped (`unique`)
ensue: rule `r` emitted nothing
  1 event came (1 `Pay`); 1 match began, 0 complete
  not taken, as too late: 1 `Pay`
  not taken, as repeats (`unique`): 1 `Pay`
  the furthest began at line 1 and took a
  matches that came as far waited for `b: Pay`, but no `Pay` came for them' "$err"

# ---- each selection, and what drops a match

cat >in.ndjson <<'END'
{"event":"Login","user":"ann","ok":true,"n":1,"time":"2026-01-05T08:00:00Z"}
{"event":"Pay","user":"ann","amount":5,"time":"2026-01-05T08:00:01Z"}
{"event":"Pay","user":"ann","amount":7,"time":"2026-01-05T08:00:02Z"}
{"event":"Tick","user":"ann","time":"2026-01-05T08:00:03Z"}
{"event":"Beat","user":"ann","time":"2026-01-05T08:00:04Z"}
END
for select in match 'match last' 'match all'; do
	why "$select" <<END
rule r
  key   user
  $select a: Login -> p: Pay -> t: Tick[user = "eve"]
  where p.amount > a.n + 4
  emit  M { user }
END
	equal "$select: the furthest, and what it waited for" 'ensue: rule `r` emitted nothing
  4 events came (1 `Login`, 2 `Pay`, 1 `Tick`) for 1 key, 3 of them such as the pattern asks for; 1 match began, 0 complete
  the furthest (user "ann") began at line 1 and took a, p
  matches that came as far waited for `t: Tick[user = "eve"]`; 1 event was not taken, line 4: this does not hold: `user = "eve"`' "$err"
done
why "all, with skip" <<'END'
rule r
  key   user
  match all a: Pay{1,} -> t: Tick -> b: Beat -> l: Login
  skip  past last
  emit  M { user }
END
contains "match all with skip" "$err" 'the furthest (user "ann") began at line 2 and took 2 a, t, b'
contains "match all with skip: what it waited for" "$err" 'waited for `l: Login`, but no `Login` came for them'
why "a condition on the match" <<'END'
rule r
  key   user
  match a: Login -> p: Pay
  where p.amount > a.n + 9
  emit  M { user }
END
contains "a condition on the match" "$err" '`p: Pay`; 2 events were not taken, such as line 2: this does not hold: `p.amount > a.n + 9`'
why "parts of a condition" <<'END'
rule r
  key   user
  match a: Login -> p: Pay[amount > 6 and amount < 9 and amount > a.n + 9]
  emit  M { user }
END
contains "the part that looks at the match" "$err" '; 2 events were not taken, 1 of them, such as line 3: this does not hold: `amount > a.n + 9`'
why "the parts that don't" <<'END'
rule r
  key   user
  match a: Login -> p: Pay[amount > 16 and amount < 19 and amount > a.n + 9]
  emit  M { user }
END
contains "the parts that look at the event alone" "$err" '; 2 events were not taken, such as line 2: this does not hold: `amount > 16 and amount < 19`'
why "from" <<'END'
rule r
  from  Login, Pay[amount > 6]
  key   user
  match a: Login -> p: Pay -> q: Pay
  emit  M { user }
END
equal "from" 'ensue: rule `r` emitted nothing
  3 events came (1 `Login`, 2 `Pay`) for 1 key, 2 of them such as the pattern asks for; 1 match began, 0 complete
  `from` leaves 1 of them out
  the furthest (user "ann") began at line 1 and took a, p
  matches that came as far waited for `q: Pay`, but no `Pay` came for them' "$err"
why "reset" <<'END'
rule r
  key   user
  match a: Login -> p: Pay -> b: Beat
  reset on Tick
  emit  M { user }
END
contains "reset on" "$err" 'took a, p; at 2026-01-05T08:00:03.000000Z `reset on` dropped it'
why "not in between" <<'END'
rule r
  key   user
  match a: Login -> not Pay[amount = 7] -> b: Beat
  emit  M { user }
END
contains "a not in between" "$err" '`b: Beat`; 1 event was not taken, line 3: this event is one that a `not` before it forbids'
why "not at the end" <<'END'
rule r
  key   user
  match a: Login -> not Pay for 10s
  emit  M { user }
END
contains "a not at the end" "$err" 'matches that came as far waited for their end; 1 event was not taken, line 2: this event is one that the `not` at its end forbids'
why "not at the beginning" <<'END'
rule r
  key   user
  match not Login for 10s -> p: Pay
  emit  M { user }
END
contains "a not at the beginning" "$err" 'a match begins with `p: Pay`; 2 events were not taken, such as line 2: what the `not` before it forbids had come, or was not watched for long enough'
why "arrows" <<'END'
rule r
  key   user
  match a: Login -> within 500ms p: Pay -> b: Beat
  emit  M { user }
rule s
  key   user
  match a: Login, t: Tick -> p: Pay
  emit  N { user }
rule u
  key   user
  match a: Login -> after 1h p: Pay
  emit  N { user }
END
contains "within of an arrow" "$err" '`p: Pay`; 1 event was not taken, line 2: the `within` of its arrow is over'
contains "the very next" "$err" '`t: Tick`; 1 event was not taken, line 2: another event came between'
contains "after" "$err" 'such as line 2: its `after` is not over'
why "still open" --at-end hold <<'END'
rule r
  key   user
  match b: Beat -> not Beat for 90s
  emit  M { user }
END
contains "--at-end hold" "$err" '1 partial match is still open: time stands still at the last event (`--at-end hold`)'

why "open and shared" --at-end hold <<'END'
rule r
  match all a: Beat ->> b: Beat[user = "nobody"]
  emit  M {}
END
contains "what is kept for open matches" "$err" 'kept for matches that are open: time stands still at the last event (`--at-end hold`)'

# ---- rules over rules

why "derived" <<'END'
rule low
  key    user
  match  p: Pay
  derive Paid { user, amount: p.amount }
rule high
  key    user
  match  d: Paid[amount > 5] -> e: Paid[amount > 7]
  within 1h
  emit   M { user }
rule none
  key    user
  match  t: Tick[user = "eve"]
  derive Eve { user }
rule above_none
  match  e: Eve
  emit   N { user: e.user }
END
equal "what was derived, and what was not" 'ensue: rule `low`: events for other rules
  2 events came (2 `Pay`); 2 matches began, 2 complete
ensue: rule `high` emitted nothing
  2 events came (2 `Paid`) for 1 key, 1 of them such as the pattern asks for; 1 match began, 0 complete
  the furthest (user "ann") began at 2026-01-05T08:00:02.000000Z and took d
  matches that came as far waited for `e: Paid[amount > 7]`, but no `Paid` came for them
ensue: rule `none` emitted nothing
  1 event came (1 `Tick`) for 1 key, 0 of them such as the pattern asks for; 0 matches began, 0 complete
  a match begins with `t: Tick[user = "eve"]`; 1 event was not taken, line 4: this does not hold: `user = "eve"`
ensue: rule `above_none` emitted nothing
  no event of its types came (`Eve`); what came: 2 `Pay`, 1 `Tick`, 2 `Paid`
  entries name the type `Login`, which no rule takes in
  entries name the type `Beat`, which no rule takes in' "$err"

# ---- complete, and held back

why "having" <<'END'
rule r
  key   user
  match a: Login -> p: Pay
  having p.amount > 100
  emit  M { user }
END
equal "having" 'ensue: rule `r` emitted nothing
  3 events came (1 `Login`, 2 `Pay`) for 1 key; 1 match began, 1 complete
  held back by `having p.amount > 100`: 1 of 1 complete match' "$err"
why "having of some" --summary <<'END'
rule r
  key   user
  match p: Pay
  having p.amount > 6
  emit  M { user }
rule l
  key   user
  match p: Pay
  limit 1 per 1h
  emit  N { user }
END
equal "having and limit of some" 'ensue: rule `r`: 1 emission
  2 events came (2 `Pay`); 2 matches began, 2 complete
  held back by `having p.amount > 6`: 1 of 2 complete matches
ensue: rule `l`: 1 emission
  2 events came (2 `Pay`); 2 matches began, 2 complete
  held back by `limit`: 1 match or timeout' "$err"

# ---- far too much to look at

awk 'BEGIN { for (i = 0; i < 12000; i++) print "{\"event\":\"Login\",\"user\":\"ann\",\"ok\":true,\"time\":" 1767600000 + i "}" }' >in.ndjson
why "too much" <<'END'
rule r
  key   user
  match all a: Login ->> t: Tick
  emit  M { user }
END
contains "too much to look at" "$err" 'that is too much to look at: what follows is of the first'
awk 'BEGIN { for (i = 0; i < 20000; i++) print "{\"event\":\"Login\",\"user\":\"u" i "\",\"ok\":true,\"time\":" 1767600000 + i "}" }' >in.ndjson
why "many keys" <<'END'
rule r
  key   user
  match a: Login -> t: Tick
  emit  M { user }
END
contains "many keys: all are looked at" "$err" 'for 20000 keys; 20000 matches began'
finish
