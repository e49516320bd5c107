#!/bin/sh
# Rules over rules from end to end: what is emitted, with its entries; tests of rules above others; table files.
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
cd "$work" || exit 99
cat >rules.ens <<'EOF'
event Login from "auth" { time: time, user: string, ip: ip, ok: bool }
event Break_in = Suspicious[tries > 3]

rule escalated
  key    user
  match  one: Suspicious -> two: Break_in
  within 1h
  emit   Escalated { user, first: one.why, ip: two.ip, tries: two.tries, after: two.time - one.time }

rule guessed
  key    user
  match  fail: Login[not ok]{3,} -> hit: Login[ok]
  within 1m
  derive Suspicious { user, tries: count(fail), ip: hit.ip }
  emit   Guessed { user }

rule outside
  key    user
  match  a: Login[ok] -> b: Login[ok and ip != a.ip]
  within 10m
  derive Suspicious { user, tries: 2, why: "{string(b.ip)} after {string(a.ip)}" }

rule calm
  key    user
  match  s: Suspicious -> not Suspicious for 30m
  emit   Calm { user, tries: s.tries }
EOF
cat >input.ndjson <<'EOF'
{"event":"Login","time":"2026-01-05T08:00:00Z","user":"ann","ip":"192.0.2.1","ok":true}
{"event":"Login","time":"2026-01-05T08:00:10Z","user":"ann","ip":"192.0.2.2","ok":true}
{"event":"Login","time":"2026-01-05T08:01:00Z","user":"ann","ip":"192.0.2.3","ok":false}
{"event":"Login","time":"2026-01-05T08:01:01Z","user":"ann","ip":"192.0.2.3","ok":false}
{"event":"Login","time":"2026-01-05T08:01:02Z","user":"bob","ip":"192.0.2.3","ok":false}
{"event":"Login","time":"2026-01-05T08:01:03Z","user":"ann","ip":"192.0.2.3","ok":false}
{"event":"Login","time":"2026-01-05T08:01:04Z","user":"ann","ip":"192.0.2.3","ok":false}
{"event":"Login","time":"2026-01-05T08:01:05Z","user":"ann","ip":"192.0.2.2","ok":true}
EOF
ensue run rules.ens --input input.ndjson
equal "run: exit 0" "0" "$code$err"
equal "run: emissions, with the entries below" \
	'Guessed {"user":"ann"} [3,4,6,7,8]
Escalated {"user":"ann","first":"192.0.2.2 after 192.0.2.1","ip":"192.0.2.2","tries":4,"after":55} [1,2,3,4,6,7,8]
Calm {"user":"ann","tries":4} [3,4,6,7,8]' \
	"$(printf '%s\n' "$out" | sed 's/^{"_event":"\([A-Za-z]*\)",\(.*\),"_rule".*"_events":\(\[.*\]\)}$/\1 {\2} \3/')"
first=$out
sed 's/"event":"Login",//' input.ndjson >unnamed.ndjson
ensue run rules.ens --input unnamed.ndjson
equal "run: entries without a name are of the one type that is read" "$first" "$out"
sed 's/"event":"Login"/"event":"Suspicious"/' input.ndjson >named.ndjson
ensue run rules.ens --input named.ndjson
equal "run: no entry is of a type that rules derive" "" "$out"
ensue compile rules.ens -o rules.ensc
ensue run rules.ensc --input input.ndjson
equal "run: the same from tables" "$first" "$out"
cat >>rules.ens <<'EOF'
test "layers below run, and do not count" for escalated {
  Login { user: "ann", ip: "192.0.2.1", ok: true }
  at 10s Login { user: "ann", ip: "192.0.2.2", ok: true }
  at 1m  5 times every 1s Login { user: "ann", ip: "192.0.2.3", ok: false }
  at 1m5s Login { user: "ann", ip: "192.0.2.2", ok: true }
  expect Escalated { user: "ann", tries: 5, after: 55s }
}
test "deadlines above" for calm, guessed {
  3 times every 1s Login { user: "ann", ip: "192.0.2.3", ok: false }
  at 5s Login { user: "ann", ip: "192.0.2.3", ok: true }
  expect Guessed
  wait 29m59s
  expect none
  wait 1s
  expect Calm { tries: 3 }
}
test "fails" for calm {
  3 times every 1s Login { user: "ann", ip: "192.0.2.3", ok: false }
  at 5s Login { user: "ann", ip: "192.0.2.3", ok: true }
  expect Calm { tries: 3 }
}
EOF
ensue test rules.ens
equal "tests: exit 1" 1 "$code"
contains "tests: two pass" "$out" "2 passed, 1 failed"
contains "tests: how far the rule above came" "$out" "Calm"
finish
