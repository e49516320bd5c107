#!/bin/sh
# `json FIELD` on Redis: entries whose field holds the event as JSON text; dead letters where it does not; long texts.
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
. "$ENSUE_SOURCE/tests/redis/lib.sh"
cd "$work" || exit 99
start_redis
cat >rules.ens <<'END_OF_RULES'
event Change from "cdc" where `source.table` = "accounts" json payload {
  account : int    as "after.id" or "before.id"
  city    : string? as "after.address.city"
  op      : string
}
rule changed
  match a: Change
  emit  Changed to "changed" { account: a.account, city: a.city, op: a.op }
END_OF_RULES
dead=ensue:{cdc}:test:0:dead

change() {
	cli xadd cdc '*' id 5 payload "$1" op outside >/dev/null
}
start_worker w1 rules.ens
w1=$pid
change '{"op":"c","source":{"table":"accounts"},"before":null,"after":{"id":7,"address":{"city":"D\u00fcren"}}}'
change '{"op":"d","source":{"table":"accounts"},"before":{"id":8},"after":null}'
change '{"op":"d","source":{"table":"others"},"before":{"id":"x"},"after":null}'
wait_entries "events out of JSON" changed 2
equal "the first name that is there" "7
8" "$(emitted changed account)"
equal "members, not the entry's own fields" "c
d" "$(emitted changed op)"
equal "escapes" "Düren" "$(emitted changed city | head -n 1)"

change '{"op":"c",'
wait_entries "a dead letter" "$dead" 1
equal "no JSON: the reason" bad_entry "$(emitted "$dead" _reason)"
equal "no JSON: which field" payload "$(emitted "$dead" _field)"
equal "no JSON: in words" "the text is not valid JSON" "$(emitted "$dead" _detail)"
cli xadd cdc '*' op c >/dev/null # where the field is missing `where` can't hold: it is nobody's

# longer than any other value may be
{
	printf '{"op":"long","source":{"table":"accounts"},"after":{"id":9},"unread":"'
	head -c 300000 /dev/zero | tr '\0' x
	printf '"}'
} >long.json
cli -x xadd cdc '*' payload <long.json >/dev/null
wait_entries "a long text" changed 3
equal "a long text" "long" "$(emitted changed op | tail -n 1)"
equal "an entry without the field is nobody's" 1 "$(cli xlen "$dead")"
kill -TERM "$w1"
ended "$w1"
equal "SIGTERM: exit 0" 0 "$code"
finish
