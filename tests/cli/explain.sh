#!/bin/sh
# `ensue explain`: the whole text for one rule, then each way of speaking where it applies.
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
cd "$work" || exit 99
cat >rules.ens <<'EOF'
event Login from "logins" { user: string, ip: ip, ok: bool }
event Order from "orders", "more" { user: string, total: float }
event Failed = Login[not ok]

rule slips "Failures, then a success"
  key     user
  match   fail: Failed{2,} -> hit: Login[ok]
  within  1m
  emit    Slip to "alerts" { user, tries: count(fail), ip: hit.ip }

rule silent
  match   a: Login -> not Login for 90s
  emit    Silent { user: a.user }

rule rich
  key     user
  match   not Order for 10m -> a: Login{2,4} , o: Order -> not Failed -> after 1s within 5s p: Order[total > o.total]
  within  20 events
  emit    Rich { user }
EOF
sed -i 's/ p: Order[total > o.total]/ p: Order[total > o.total]/' rules.ens
cat >want <<'EOF'
rule slips "Failures, then a success"

It takes in
  - Login, from "logins"
  Each value of `user` has a state of its own; events of others do not disturb it. An event without
  `user` is not for this rule.

A match begins with each
  - Failed, as `fail`

After `fail` it waits for these, tried in this order:
  - the next Login[ok], as `hit`, once `fail` was taken 2 times
  - the next Failed, as `fail` once more

After `hit`:
  - the match is complete at once

What comes between
  - "the next": events in between that do not fit are ignored; the first that fits is taken.

How long it may take
  The last event is at most 1m after the first, exactly that included (`within`).

Which matches it reports
  - One at a time (`match`): every event that fits the beginning starts a partial match, also while
    others are open; of those that complete at one moment the one that started first is reported.
  - It uses its events up: every partial match that started at or before its last event is dropped.

A partial match ends when
  - it is complete, or a reported match uses its events up
  - its scope is over: 1m after its first event

Then it writes
  - Slip to "alerts", with user, tries, ip

What it keeps
  - for each key, while anything is open: N bytes, and N for the key itself, which rules with the
    same key share
  - for each event that a step took, once, however many partial matches it is in: N to N bytes,
    with the room beside it at most twice that
  - for each text or address that is kept: its length and N bytes
  Of its events it remembers what makes, in a match:
    - of `fail`: how many there were
    - of `hit`: `ip`
  A key is forgotten with its last partial match; a partial match lives at most 1m.
  It is bounded by 1000000 keys and 1000000 such events in all; beyond that, what started first is
  dropped and counted.
EOF

# one RULE...: the explanation with its line breaks joined, for parts that may be wrapped anywhere
one() {
	ensue explain "$@"
	out=$(printf '%s\n' "$out" | tr -s '\n ' '  ')
}

ensue explain rules.ens slips
equal "one rule: exit 0" 0 "$code"
equal "nothing else is said" "" "$err"
equal "the whole of it" "$(cat want)" "$(printf '%s\n' "$out" | sed '/bytes/s/[0-9][0-9]*/N/g')"
ensue explain rules.ens
equal "all rules, in their order" "rule slips rule silent rule rich" "$(echo $(printf '%s\n' "$out" | sed -n 's/^\(rule [a-z]*\).*/\1/p'))"

one rules.ens silent
contains "no key" "$out" "all events share one state"
contains "an absence that completes it" "$out" 'complete when `1m30s` have passed without Login'
contains "what the deadline uses up" "$out" "or up to the deadline that completes it"
contains "no scope, but its limits" "$out" "no longer than the limits of its steps allow"

one rules.ens rich
contains "streams" "$out" 'Order, from "orders" and "more"'
contains "an absence before" "$out" 'Only where there was no Order during `10m` before'
contains "its time" "$out" 'and `10m` after its last Order'
contains "what a partial match costs" "$out" 'for each partial match: '
contains "how many there may be" "$out" 'bounded by 1000000 keys, 10000 partial matches a key and 1000000 in all; beyond that'
contains "contiguity" "$out" "as the very next event: Order, as \`o\`, once \`a\` was taken 2 times"
contains "what the very next is" "$out" "the next one that the rule takes in for this key"
contains "a maximum" "$out" "as long as \`a\` was taken fewer than 4 times"
contains "limits and absences on the way" "$out" 'the next Order[total > o.total], as `p`, at least `1s` and at most `5s` after the event before, with no Failed on the way'
contains "a scope of events" "$out" "among 20 events"
contains "what closes ways" "$out" "a very next event that does not fit, a time limit that has passed, an event that must not come"

cat >more.ens <<'EOF'
event A from "a" { n: int, k: string }
rule forever
  key   k?
  match a: A[n = 1] -> b: A[n = 2]
  emit  M { k }
rule ways
  match a: A[n = 1] -> (x: A[n = 2] | (y: A[n = 3] ->> z: A)) -> (p: A[n = 4] & q: A[n = 5])
  where z.n > 7
  within session 1h max 8h
  having a.n > 0
  emit  M { k: a.k }
rule lasts
  match a: A[n = 1] -> b: A[n > 1]{2,} greedy until A[n = 9]
  where sum(b.n) > 5
  within 1h
  emit  M { k: a.k }
rule next
  match a: A[n = 1] , not A[n = 2]
  emit  M { k: a.k }
EOF
one more.ens forever
contains "a null key" "$out" 'A null `k` is a value like any other.'
contains "without end" "$out" 'lives for ever if what it waits for never comes: give the rule a `within`'
one more.ens ways
contains "branches" "$out" "each of these that fits, side by side:"
contains "any later, with a condition of where" "$out" 'any later A that satisfies `z.n > 7`, as `z`'
contains "parts in any order" "$out" "if it is not taken yet"
contains "all parts" "$out" 'complete at once, once all of the parts of the `&` with `p` are taken'
contains "sessions" "$out" "ends when more than 1h pass"
contains "their maximum" "$out" "A session lasts at most 8h"
contains "having" "$out" 'but only if `a.n > 0` holds'
contains "branches and selection" "$out" "the leftmost that completes is reported"
one more.ens lasts
contains "until" "$out" "once more, until A[n = 9] comes"
contains "greedy at the end" "$out" 'when it can take no more, the match is complete, once `b` was taken 2 times, where `sum(b.n) > 5` holds'
contains "a sum is kept" "$out" 'sum of `b.n`'
one more.ens next
contains "an absence of the very next" "$out" "complete when one more event comes and it is not A[n = 2]"

cat >options.ens <<'EOF'
event A from "a" where event = "A" { t: time, u: time, n: int } time t sent u late to "too-late" unique n for 10m
event B from "a" where event = "B" { t: time } time t lateness 30s late drop
event C from "c" { t: time } time t late accept
rule options
  match  A -> B -> C
  within 5m
  emit   T {}
EOF
one options.ens options
contains "lateness, whichever type of the stream says it; late to; sent; unique" "$out" \
	'A, from "a"; what comes at most 30s late is put in order; what is too late goes to "too-late"; its clock is corrected by `u`; one with the same `n` as another within 10m is dropped'
contains "late drop" "$out" 'B, from "a"; what comes at most 30s late is put in order; what is too late is dropped'
contains "late accept" "$out" 'C, from "c"; what is too late is taken as the earliest that is not'
cat >layers.ens <<'EOF'
event A from "a" { k: string, n: int }
rule low
  match a: A[n = 1]
  derive Found { k: a.k }
  derive Found { k: a.k, n: a.n }
rule high
  match a: A[n = 2]
  derive Found { k: a.k }
rule top
  key   k
  match f: Found -> g: Found
  within 1h
  emit  Top to hash "tops:{k}" { k, n: g.n } remove when g.n = 0 expire 1d
  emit  Top to channel "tops" { k }
rule over
  match f: Found
  emit  Over { k: f.k }
EOF
one layers.ens top
contains "who derives what it takes in" "$out" '- Found, derived by the rules `low` and `high`'
contains "hashes" "$out" '- Top to the hash "tops:{k}", with k, n; the hash is removed instead when `g.n = 0`;'
contains "that expire" "$out" 'it expires 1d after it was written last'
contains "channels" "$out" '- Top to the channel "tops", with k'
one layers.ens low
contains "for whom it derives" "$out" '- Found, as an event for the rules `top` and `over`, with k, n'

cat >kept.ens <<'EOF'
event A from "a" { k: string, n: int }
rule held
  key k
  match a: A -> b: A[n > a.n]
  within 1m
  having b.n > 5 once
  limit 2 per 10m by b.n
  emit M { k }
rule free
  match a: A[n = 1]
  emit M { k: a.k }
EOF
one kept.ens held
contains "what a limit keeps" "$out" 'for each period of `limit`: 96 bytes, until it ends, or, where it held something back, 10m longer'
contains "what once keeps" "$out" 'with its last partial match, and not while its `having` held the last time; a'
one kept.ens free
case $out in
*period*|*having*) fail "neither" "$out" ;;
*) pass "neither" ;;
esac
cat >shared.ens <<'EOF'
event A from "a" { n: int, k: string }
rule pairs
  key   k
  match all a: A[n = 1] ->> b: A[n = 2] ->> c: A[n = 3]
  within 1h
  emit  M { n: a.n, k: b.k }
EOF
one shared.ens pairs
contains "events that matches share" "$out" '- for each event that a step took, once, however many partial matches it is in: 64 bytes, with the room beside it at most twice that'
contains "what makes a match of them" "$out" 'Of its events it remembers what makes, in a match: - of `a`: `n` - of `b`: `k`'
equal "nothing is used up" "" "$(printf '%s\n' "$out" | grep 'uses its events up')"
contains "how many" "$out" 'It is bounded by 1000000 keys and 1000000 such events in all; beyond that'

expect "a rule that is not there" 1 'has no rule `slip`: did you mean `slips`?' explain rules.ens slip
expect "nor one like it" 1 'has no rule `frobnicate`; `ensue list' explain rules.ens frobnicate
expect "wrong rules: their messages" 1 "error E" explain want
expect "no file" 2 "no rule file" explain
expect "too many words" 2 "too many words" explain rules.ens slips silent
expect "a file that is not there" 3 "can't be read" explain nowhere.ens
finish
