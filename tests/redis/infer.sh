#!/bin/sh
# `ensue infer` on a Redis stream: the newest entries; wrong keys.
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
. "$ENSUE_SOURCE/tests/redis/lib.sh"
start_redis
cd "$work" || exit 99
cli xadd auth:logins 1-1 user ann ok true n 5 at 2026-01-05T08:00:00Z >/dev/null
cli xadd auth:logins 2-1 user bob ok false n 6 at 2026-01-05T08:00:00Z ip 192.0.2.7 note '' >/dev/null
ensue infer auth:logins --redis "$url"
equal "exit 0" 0 "$code"
equal "nothing else is said" "" "$err"
equal "a stream" '# Inferred from 2 entries: look through it.
event Logins from "auth:logins" {
  user: string
  ok: bool
  n: int
  at: time
  ip: ip?
  note: string?
}' "$out"
cli eval "for i = 1, 2500 do redis.call('xadd', 'long', i .. '-1', 'n', i <= 1500 and 'old' or i) end" 0 >/dev/null
ensue infer long --redis "$url"
contains "the newest 1,000" "$out" "Inferred from 1000 entries"
contains "not one more" "$out" "  n: int"
cli xadd typed 1-1 event Login n 1 >/dev/null
cli xadd typed 2-1 event Logout n 1 _event x >/dev/null
ensue infer typed --redis "$url"
contains "types that the entries name" "$out" 'event Logout from "typed" where event = "Logout" {
  n: int
  _event: string
}'
printf '%s\nrule r\n  match a: Login -> b: Logout\n  within 1m\n  emit M {}\n' "$out" >typed.ens
expect "it compiles" 0 "no problems" check typed.ens
cli set text x >/dev/null
expect "a key that is no stream" 3 "WRONGTYPE" infer text --redis "$url"
expect "a stream that is not there" 3 "no entry that could be declared" infer nowhere --redis "$url"
finish
