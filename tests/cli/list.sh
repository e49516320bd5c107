#!/bin/sh
# `ensue list`: one line for each declaration and output; also of files that are not right.
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
cd "$work" || exit 99
cat >events.ens <<'EOF'
# a comment
## One login attempt.
event Login from "logins", "more" { user: string, ok: bool }
event Failed = Login[not ok]
event Slip to "alerts"
EOF
cat >rules.ens <<'EOF'
rule slips "Failures, \"then\" a success"
  key     user
  match   fail: Failed{2,} -> hit: Login[ok]
  within  1m
  emit    Slip { user }
  emit    Seen to "seen" { user }

rule other
  match   a: Login
  emit    Slip { user: a.nothing }
EOF
ensue list events.ens rules.ens
equal "exit 0" 0 "$code"
equal "nothing else is said" "" "$err"
equal "all of it, in order" 'events.ens:3: event Login from "logins", "more"  # One login attempt.
events.ens:4: filter Failed = Login[not ok]
events.ens:5: output Slip to "alerts"
rules.ens:1: rule slips "Failures, \"then\" a success"
rules.ens:5: output Slip, by slips
rules.ens:6: output Seen to "seen", by slips
rules.ens:8: rule other
rules.ens:10: output Slip, by other' "$out"
cat >layers.ens <<'EOF'
rule top
  match   b: Middle
  emit    Top to hash "tops:{b.n}" { n: b.n }
rule middle
  match   a: Found
  derive  Middle { n: a.n }
rule bottom
  match   a: Login[nothing = 1]
  derive  Found { n: 1 }
EOF
ensue list layers.ens
equal "layers" "layers.ens:1: rule top in layer 2
layers.ens:3: output Top to hash \"tops:{b.n}\", by top
layers.ens:4: rule middle in layer 1
layers.ens:6: output Middle derived, by middle
layers.ens:7: rule bottom
layers.ens:9: output Found derived, by bottom" "$out"
equal "layers: names are for check" "" "$err"
ensue list - <events.ens
contains "standard input" "$out" "-:4: filter Failed"
printf 'event A from "a" { n: int }\nrule 5\nrule fine\n  match a: A\n  emit M {}\n' >bad.ens
ensue list bad.ens
equal "syntax errors: exit 1" 1 "$code"
contains "syntax errors: what can be read is listed" "$out" "bad.ens:3: rule fine"
contains "syntax errors: they are told" "$err" "bad.ens:2:6: error"
yes 'event A from "a" { n: int }' | head -n 60000 >many.ens
ensue list many.ens
equal "many declarations" "many.ens:60000: event A from \"a\"" "$(printf '%s\n' "$out" | tail -n 1)"
expect "no file" 2 "no rule file" list
expect "a file that is not there" 3 "can't be read" list nowhere.ens
finish
