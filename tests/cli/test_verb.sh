#!/bin/sh
# `ensue test`: what passes, what fails and how that is told, files and folders, JUnit and JSON, speed.
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
cd "$work" || exit 99
cat >head.ens <<'END'
event Login from "logins" { user: string, ip: ip, ok: bool, n: int?, ms: float, took: duration, at: time } time at
event Beat from "beats" { device: string }
event Unread from "other" { x: int }
rule brute
  key    ip
  match  fail: Login[not ok]{3,} -> hit: Login[ok]
  within 1m
  emit   Brute to "alerts" { ip, user: hit.user, tries: count(fail), since: first(fail).at, took: hit.at - first(fail).at }
rule any
  match  a: Login
  emit   Any { user: a.user, ip: a.ip, ok: a.ok, n: a.n, ms: a.ms, took: a.took, at: a.at }
rule silent
  key    device
  match  b: Beat -> not Beat for 90s
  emit   Silent { device }
rule fresh
  match  not Login for 30s -> b: Beat
  emit   Fresh { device: b.device }
END

# rules FILE: the rules above and the tests from standard input
rules() {
	cat head.ens - >"$1"
}

# ---- what passes

rules good.ens <<'END'
test "lines of every kind" for brute {
  3 times every 1s  Login { user: "u{i}", ip: "192.0.2.7" }
  at 9s             Login { user: "ann", ip: "192.0.2.7", ok: true }
  expect Brute { ip: "192.0.2.7", user: "ann", tries: 3, since: "2026-01-05T08:00:00Z", took: 9s }
  wait 1h
  expect none
}
test "what is left out is null or zero" for any {
  start "2020-02-29T12:00:00Z"
  at 1s Login
  expect Any { user: "", ip: "::", ok: false, n: null, ms: 0.0, took: 0s, at: "2020-02-29T12:00:01Z" }
}
test "values of each kind" for any {
  2 times Login { user: "{i} of {{n}", ip: "10.0.{i}.1", ok: i = 2, n: i * 10, ms: i, took: 5s * i }
  expect Any { user: "1 of {n}", ip: "10.0.1.1", ok: false, n: 10, ms: 1.0, took: 5s }
  expect Any { user: "2 of {n}", ip: "10.0.2.1", ok: true, n: 20, ms: 2.0, took: 10s }
}
test "many at once" for any {
  7 times Login { user: "x" }
  expect 3 Any
  expect 4 Any { user: "x" }
}
test "a deadline is due when time has reached it" for silent {
  Beat { device: "p" }
  at 89999ms Unread { x: 1 }
  expect none
  at 90s Unread
  expect Silent { device: "p" }
}
test "what comes at the deadline breaks the silence, what comes on the line behind it comes too late" for silent {
  2 times every 90s Beat { device: "p" }
  expect none
  at 180s Login
  expect Silent { device: "p" }
  Beat { device: "p" }
}
test "a watch begins with the test" for fresh {
  at 29s Beat { device: "too early" }
  at 30s Beat { device: "p" }
  expect Fresh { device: "p" }
}
test "other rules don't count" for silent {
  3 times Login
}
test "several rules" for brute, any {
  4 times every 1s Login { ok: i = 4 }
  expect 3 Any
  expect Brute
  expect Any
}
test "nothing" for brute {
}
END
expect "what passes" 0 "10 passed, 0 failed" test good.ens
equal "nothing else is said" "10 passed, 0 failed" "$out$err"
expect "one of them" 0 "1 passed, 0 failed" test --run "several" good.ens
expect "some of them" 0 "2 passed, 0 failed" test --run "*s of * kind*" good.ens
expect "none of them" 0 "no tests with such a title" test --run "severe*" good.ens
rules none.ens </dev/null
expect "no tests" 0 "no tests" test none.ens
expect "standard input" 0 "10 passed" test - <good.ens
expect "check takes them" 0 "4 rules, 1 warning" check good.ens
ensue check --dump tables good.ens
with=$out
ensue check --dump tables none.ens
equal "tests are not in the tables" "$out" "$with"

cat >strings.ens <<'END'
event Login from "logins" { user: string, ip: ip, n: int, seen: time? }
rule any
  match  a: Login
  emit   Any { user: a.user, ip: a.ip, seen: a.seen }
rule seldom
  match  a: Login[n > 0]
  limit  1 per 1h
  emit   Seldom { n: a.n }
fn side(x) = if x > 2 then "last" else "first"
test "expressions in the strings of a repeated line" for any {
  3 times Login { user: "{side(i)} {i % 2} {{", ip: "10.0.0.{i + 1}", seen: "2026-01-05T08:00:0{i}Z" }
  expect Any { user: "first 1 {", ip: "10.0.0.2", seen: "2026-01-05T08:00:01Z" }
  expect Any { user: "first 0 {", ip: "10.0.0.3" }
  expect Any { user: "last 1 {", ip: "10.0.0.4" }
}
test "other lines have no i" for any {
  Login { user: "{i} {}" }
  expect Any { user: "{i} {}" }
}
test "what limit held back" for seldom {
  3 times every 1s Login { n: i }
  at 2h Login { n: 4 }
  expect Seldom { n: 1, _suppressed: null }
  expect Seldom { n: 4, _suppressed: 2 }
}
END
expect "strings, and what limit held back" 0 "3 passed, 0 failed" test strings.ens
sed 's/_suppressed: 2/_suppressed: 3/' strings.ens >held.ens
expect "another number was held back" 1 "  ! _suppressed  3         2" test held.ens

# ---- what fails

rules bad.ens <<'END'
test "a field differs" for brute {
  4 times every 1s  Login { ip: "192.0.2.7" }
  at 9s             Login { user: "ann", ip: "192.0.2.7", ok: true }
  expect Brute { tries: 3, ip: "192.0.2.7", since: null }
}
test "nothing comes" for brute {
  2 times every 1s  Login { ip: "192.0.2.7" }
  at 9s             Login { ip: "192.0.2.7", ok: true }
  expect Brute { tries: 2, took: 9s }
}
test "another comes" for brute, any {
  Login { user: "ann" }
  expect Brute { user: "bob" }
}
test "fewer come" for any {
  2 times Login
  expect 3 Any
}
test "one comes where none is expected" for silent {
  Beat { device: "p" }
  wait 2m
  expect none
}
test "some are left" for silent {
  3 times Beat { device: "p{i}" }
  wait 2m
}
test "no address" for any {
  300 times Login { ip: "10.0.0.{i}" }
}
test "no null" for any {
  3 times Login { user: if i < 3 then "a" else null }
}
END
ensue test bad.ens
equal "failures: exit code" 1 "$code"
equal "failures: nothing on standard error" "" "$err"
equal "failures: side by side" 'FAILED a field differs
bad.ens:22:3: the `Brute` that came at 9s is not the one expected
           expected     got
  ! tries  3            4
    ip     "192.0.2.7"  "192.0.2.7"
  ! since  null         "2026-01-05T08:00:00.000000Z"
    user                "ann"
    took                9s

FAILED nothing comes
bad.ens:27:3: expected `Brute`, but nothing came
           expected  got
  ! tries  2
  ! took   9s
    `brute`: 2 begun, 0 complete, 0 emitted, 2 still open
      the furthest (ip "192.0.2.7") began at 0s and took 2 fail
      at 9s not taken as `hit: Login[ok]`: the repetition before it has 2 of 3
      at 9s not taken as `fail: Login[not ok]`: this does not hold: `not ok`

FAILED another comes
bad.ens:31:3: expected `Brute`, but `Any` came at 0s
          expected  got
  ! user  "bob"     "ann"
    ip              "::"
    ok              false
    n               null
    ms              0.0
    took            0s
    at              "2026-01-05T08:00:00.000000Z"

FAILED fewer come
bad.ens:35:3: expected 3 `Any`, but only 2 came
    `any`: 2 begun, 2 complete, 2 emitted, 0 still open

FAILED one comes where none is expected
bad.ens:40:3: expected none, but `Silent` came at 1m30s
            expected  got
    device            "p"

FAILED some are left
bad.ens:42:6: no line expects what came: `Silent` came at 1m30s, and 2 more behind it
            expected  got
    device            "p1"

FAILED no address
bad.ens:47:21: `ip` would be "10.0.0.256", which is no address

FAILED no null
bad.ens:50:19: `user` is null here, and its type allows none

0 passed, 8 failed' "$out"

# ---- how far a rule came

cat >far.ens <<'END'
event Login from "logins" { user: string, ip: ip, ok: bool }
event Pay from "pays" { user: string, amount: float }
event Ship from "ships" { user: string }
event Failed = Login[not ok]
rule brute
  key    ip
  match  fail: Failed{5,} -> hit: Login[ok]
  within 1m
  emit   Brute { ip }
rule pay
  key    user
  match  a: Login[ok] -> within 10s p: Pay[amount > 100.0] -> after 5s s: Ship
  where  p.time - a.time > 2s
  within 1h
  emit   Paid { user }
rule quiet
  key    user
  match  a: Login -> not Pay -> not Ship for 5s -> b: Login[ok and a.ip != ip]
  within 1h
  emit   Quiet { user }
rule direct
  match  a: Login , b: Pay{1,2} , Ship
  where  sum(b.amount) > 10.0
  within 1h
  emit   Direct {}
END

# far NAME RULE TYPE LINES: what is said behind the counts when TYPE does not come
far() {
	cp far.ens one.ens
	printf 'test "far" for %s {\n%s\n  expect %s\n}\n' "$2" "$4" "$3" >>one.ens
	ensue test one.ens
	said=$(printf '%s\n' "$out" | sed -n 's/^      //p')
	[ -n "$said" ] || said=$out$err
}
far "an event too late" brute Brute '  5 times every 1s Login { ip: "192.0.2.7" }
  at 61s Login { ip: "192.0.2.7", ok: true }'
equal "an event too late" 'the furthest (ip "192.0.2.7") began at 0s and took 5 fail; at 1m1s the rule'"'"'s `within` was over
at 1m1s not taken as `hit: Login[ok]`: the rule'"'"'s `within` is over
at 1m1s not taken as `fail: Failed`: this does not hold: the filter `Failed`' "$said"
far "no event" brute Brute '  5 times every 1s Login
  wait 2m'
equal "no event" 'the furthest (ip "::") began at 0s and took 5 fail; at 2m4s the rule'"'"'s `within` was over' "$said"
far "none began" brute Brute '  Login { ok: true }'
equal "none began" 'at 0s not taken as `fail: Failed`: this does not hold: the filter `Failed`' "$said"
far "of another key" brute Brute '  5 times every 1s Login { ip: "192.0.2.7" }
  Login { ip: "192.0.2.8", ok: true }'
equal "of another key" 'the furthest (ip "192.0.2.7") began at 0s and took 5 fail' "$said"
far "conditions and the limit of an arrow" pay Paid '  Login { ok: true }
  at 1s Pay { amount: 200 }
  at 3s Pay { amount: 20 }
  at 30s Pay { amount: 200 }'
equal "conditions and the limit of an arrow" 'the furthest (user "") began at 0s and took a; at 30s it was over
at 1s not taken as `p: Pay[amount > 100.0]`: this does not hold: `p.time - a.time > 2s`
at 3s not taken as `p: Pay[amount > 100.0]`: this does not hold: `amount > 100.0`
at 30s not taken as `p: Pay[amount > 100.0]`: the `within` of its arrow is over' "$said"
far "too early" pay Paid '  Login { ok: true }
  at 5s Pay { amount: 200 }
  at 6s Ship'
equal "too early" 'the furthest (user "") began at 0s and took a, p
at 6s not taken as `s: Ship`: its `after` is not over' "$said"
far "used up" pay "2 Paid" '  Login { ok: true }
  at 5s Pay { amount: 200 }
  at 16s Ship'
equal "used up" 'the furthest (user "") began at 0s and took a, p; at 16s a match had used it up' "$said"
far "not silent for long enough" quiet Quiet '  Login { ok: true }
  at 5s Login { ok: true, ip: "192.0.2.7" }'
equal "not silent for long enough" 'the furthest (user "") began at 0s and took a
at 5s not taken as `b: Login[ok and a.ip != ip]`: the time of the `not` before it is not over' "$said"
far "a not that is broken" quiet Quiet '  Login { ok: true }
  at 1s Pay
  at 9s Login { ok: true, ip: "192.0.2.7" }'
equal "a not that is broken" 'the furthest (user "") began at 0s and took a; at 1s it was over
at 1s not taken as `b: Login[ok and a.ip != ip]`: this event is one that a `not` before it forbids' "$said"
far "a repetition that where holds back" direct Direct '  Login
  Pay { amount: 3 }
  Ship'
equal "a repetition that where holds back" 'the furthest began at 0s and took a, b; at 0s it was over
at 0s not taken as `Ship`: what `where` asks of the repetition before it does not hold
at 0s not taken as `b: Pay`: another event came between' "$said"
far "not the very next" direct Direct '  Login
  3 times Pay { amount: 30 }'
equal "not the very next" 'the furthest began at 0s and took a, 2 b; at 0s it was over
at 0s not taken as `Ship`: another event came between
at 0s not taken as `b: Pay`: the repetition has had its most' "$said"

far "too many to look at" pay Paid '  6000 times Login { user: "ann", ok: true }'
equal "too many to look at" 'there are too many partial matches to look at each' "$said"

rules wrong.ens <<'END'
test "wrong" for brute {
  Logn
}
END
expect "a file that does not compile is a failure" 1 "did you mean" test wrong.ens
contains "its count" "$out" "0 passed, 1 failed"
contains "it is named" "$out" "FAILED wrong.ens does not compile"
expect "a file that is not there" 3 "can't be read" test missing.ens
contains "a file that is not there: not 'no tests'" "-$out" "0 passed, 0 failed"

# ---- folders

mkdir -p tree/a/deep tree/b tree/.hidden
cp good.ens tree/a/deep/good.ens
cp bad.ens tree/b/bad.ens
cp wrong.ens tree/.hidden/wrong.ens
echo 'no rules' >tree/notes.txt
echo 'event A from "a" { n: int }' >tree/common.ens
ln -s .. tree/a/up
expect "a folder" 1 "10 passed, 8 failed" test tree
contains "a folder: names of files" "$out" "tree/b/bad.ens:22:3"
expect "files and folders" 0 "20 passed, 0 failed" test tree/a/ good.ens
mkdir empty
expect "an empty folder" 0 "no tests" test empty

# ---- for machines

expect "JUnit" 1 "10 passed, 9 failed" test --junit out.xml good.ens bad.ens wrong.ens
xml=$(cat out.xml)
contains "JUnit: totals" "$xml" '<testsuites tests="19" failures="8" errors="1">'
contains "JUnit: a file" "$xml" '<testsuite name="bad.ens" tests="8" failures="8" errors="0">'
contains "JUnit: one that passed" "$xml" '<testcase classname="good.ens" name="several rules"/>'
contains "JUnit: one that failed" "$xml" '<failure message="expected `Brute`, but nothing came">bad.ens:27:3: '
contains "JUnit: markup is escaped" "$xml" '&quot;192.0.2.7&quot;'
contains "JUnit: one that does not compile" "$xml" '<testcase classname="wrong.ens" name="compiles">
      <error message='
if command -v python3 >/dev/null; then
	equal "JUnit: it is XML" 19 "$(python3 -c 'import xml.dom.minidom as m; print(len(m.parse("out.xml").getElementsByTagName("testcase")))' 2>&1)"
fi
expect "JUnit: a file that can't be written" 3 "can't be written" test --junit nowhere/out.xml good.ens
expect "JUnit: the results are told all the same" 3 "10 passed" test --junit nowhere/out.xml good.ens

ensue test --format json --run "a field differs" bad.ens
equal "JSON: exit code" 1 "$code"
equal "JSON: a failure" '{"file":"bad.ens","line":19,"title":"a field differs","rules":["brute"],"passed":false,"failure":{"line":22,"col":3,"message":"the `Brute` that came at 9s is not the one expected","fields":[{"name":"tries","expected":"3","got":"4","differs":true},{"name":"ip","expected":"\"192.0.2.7\"","got":"\"192.0.2.7\"","differs":false},{"name":"since","expected":"null","got":"\"2026-01-05T08:00:00.000000Z\"","differs":true},{"name":"user","expected":"","got":"\"ann\"","differs":false},{"name":"took","expected":"","got":"9s","differs":false}],"rules":""}}' "$out"
ensue test --format json --run "several" good.ens
equal "JSON: one that passed" '{"file":"good.ens","line":63,"title":"several rules","rules":["brute","any"],"passed":true}' "$out"
ensue test --format json wrong.ens
equal "JSON: one that does not compile, on one line" 1 "$(printf '%s\n' "$out" | wc -l | tr -d ' ')"
contains "JSON: its messages" "$out" '"passed":false,"messages":[{"code":"E0202"'

# ---- parameters and computed fields

printf '%s\n' 'param n: int = 5' 'event A from "a" { x: int, y: int = x * 2 }' 'rule r' '  match a: A[y > n]' '  emit  M { y: a.y }' \
	'test "computed" for r {' '  A { x: 2 }' '  expect none' '  A { x: n }' '  expect M { y: 2 * n }' '}' >settings.ens
expect "parameters and computed fields" 0 "1 passed, 0 failed" test settings.ens
expect "a parameter of the command line" 1 "0 passed, 1 failed" test --set n=3 settings.ens
expect "a setting of no parameter" 1 "no rule file declares a parameter" test --set m=3 settings.ens

# ---- what comes late

cat >late.ens <<'END'
event Slow from "slow" where event = "Slow" { n: int, id: int?, at: time } time at lateness 10s unique id for 1m
event Kept from "slow" where event = "Kept" { n: int, at: time } time at late accept
event Fast from "fast" { n: int, at: time } time at late drop
rule slow
  match a: Slow
  emit  Slowly { n: a.n, at: a.time }
rule kept
  match a: Kept
  emit  Keep { n: a.n, at: a.at, time: a.time }
rule fast
  match a: Fast
  emit  Fastly { n: a.n }
rule both
  match a: Fast -> b: Slow
  within 1m
  emit  Both { a: a.n, b: b.n }
rule silent
  match a: Slow -> not Slow for 30s
  emit  Silent { n: a.n }
test "what may still come is waited for" for slow {
  at 1s Slow { n: 1 }
  expect none
  at 10s Slow { n: 3 }
  expect none
  at 9s arriving 11s Slow { n: 2 }
  expect Slowly { n: 1 }
  at 19s Slow { n: 4 }
  expect Slowly { n: 2, at: "2026-01-05T08:00:09Z" }
  wait 1s
  expect Slowly { n: 3 }
  wait 1h
  expect Slowly { n: 4 }
}
test "exactly as late as may be, and later" for slow {
  at 20s Slow { n: 1 }
  at 15s arriving 25s Slow { n: 2 }
  at 15s arriving 25001ms Slow { n: 3 }
  wait 1m
  expect Slowly { n: 2 }
  expect Slowly { n: 1 }
}
test "late accept: the earliest time that is still in time" for kept {
  at 5s arriving 30s Kept { n: 1 }
  wait 1m
  expect Keep { n: 1, at: "2026-01-05T08:00:05Z", time: "2026-01-05T08:00:20Z" }
}
test "late drop, and no waiting without lateness" for fast {
  at 20s Fast { n: 1 }
  expect Fastly { n: 1 }
  at 19s arriving 20s Fast { n: 2 }
  at 20s arriving 20s Fast { n: 3 }
  expect Fastly { n: 3 }
}
test "a rule waits for the slowest stream it reads" for both {
  at 8s Slow { n: 1 }
  at 9s Fast { n: 1 }
  at 12s Slow { n: 2 }
  at 10s arriving 14s Slow { n: 3 }
  expect none
  at 19s arriving 20s Slow { n: 4 }
  expect Both { a: 1, b: 3 }
}
test "an absence waits as long for what may break it" for silent {
  at 10s Slow { n: 1 }
  wait 39999ms
  expect none
  wait 1ms
  expect Silent { n: 1 }
  at 1h Slow { n: 2 }
  at 3620s arriving 3629s Slow { n: 3 }
  at 3659999ms Fast
  expect none
  at 3660s Fast
  expect Silent { n: 3 }
}
test "repeats" for slow {
  2 times every 1s Slow { n: i, id: 7 }
  at 61s Slow { n: 3, id: 7 }
  2 times Slow { n: 4 }
  wait 10s
  expect Slowly { n: 1 }
  expect Slowly { n: 3 }
  expect 2 Slowly { n: 4 }
}
test "several, each as late" for slow {
  3 times every 2s Slow { n: i }
  at 1s arriving 6s  Slow { n: 9 }
  at 3s arriving 7s  2 times every 1s Slow { n: 10 + i }
  wait 1m
  expect Slowly { n: 1 }
  expect Slowly { n: 9 }
  expect Slowly { n: 2 }
  expect Slowly { n: 11 }
  expect Slowly { n: 3 }
  expect Slowly { n: 12 }
}
END
expect "what comes late" 0 "8 passed, 0 failed" test late.ens

# ---- no real time, and many tests

awk 'BEGIN { for (i = 0; i < 1000; i++) printf "test \"t%d\" for brute {\n  3 times every 1s Login { ip: \"192.0.2.7\" }\n  at 9s Login { ip: \"192.0.2.7\", ok: true }\n  expect Brute { tries: 3 }\n  wait 52w\n}\n", i }' |
	rules many.ens
expect "a thousand tests of a year each" 0 "1000 passed, 0 failed" test many.ens
rules long.ens <<'END'
test "many events" for any {
  100000 times every 1s Login { user: "u{i}", ip: "10.0.0.1" }
  expect 100000 Any
}
END
expect "a hundred thousand events on one line" 0 "1 passed" test long.ens
finish
