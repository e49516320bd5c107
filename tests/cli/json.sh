#!/bin/sh
# `json FIELD` and `as "a.b" or "c"` in files: objects and texts, NDJSON and CSV, dead letters, tests, canonical form.
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
cd "$work" || exit 99
cat >rules.ens <<'END_OF_RULES'
event Change from "cdc" where `source.table` = "accounts" json payload {
  account : int    as "after.id" or "before.id"
  city    : string? as "after.address.city"
  op      : string
}

rule changed
  match a: Change
  emit  Changed { account: a.account, city: a.city, op: a.op }

test "fields are given by their names" for changed {
  Change { account: 7, op: "u" }
  expect Changed { account: 7, city: null }
}
END_OF_RULES
# body OP AFTER BEFORE
body() {
	printf '{"op":"%s","source":{"table":"accounts"},"after":%s,"before":%s}' "$@"
}
escaped() {
	sed 's/"/\\"/g'
}
changes() {
	printf '%s\n' "$out" | sed -n 's/^{"_event":"Changed",\(.*\),"_rule".*/\1/p'
}
want='"account":7,"city":"Düren","op":"c"
"account":8,"city":null,"op":"d"'
{
	printf '{"id":1,"payload":%s}\n' "$(body c '{"id":7,"address":{"city":"Düren"}}' null)"
	printf '{"id":2,"payload":%s}\n' "$(body d null '{"id":8}')"
} >objects.ndjson
ensue run rules.ens --input objects.ndjson
equal "objects in lines" "$want" "$(changes)"
{
	printf '{"id":1,"payload":"%s"}\n' "$(body c '{"id":7,"address":{"city":"Düren"}}' null | escaped)"
	printf '{"id":2,"payload":"%s"}\n' "$(body d null '{"id":8}' | escaped)"
} >texts.ndjson
ensue run rules.ens --input texts.ndjson
equal "texts in lines" "$want" "$(changes)"
{
	echo 'id,payload'
	printf '1,"%s"\n' "$(body c '{"id":7,"address":{"city":"Düren"}}' null | sed 's/"/""/g')"
	printf '2,"%s"\n' "$(body d null '{"id":8}' | sed 's/"/""/g')"
} >rows.csv
ensue run rules.ens --input rows.csv
equal "a column of CSV" "$want" "$(changes)"

{
	printf '{"payload":"{\\"op\\":"}\n'
	printf '{"payload":[]}\n'
	printf '{"payload":%s}\n' "$(body u '{"id":"7"}' null)"
	printf '{"payload":{"op":"u","source":{"table":"other"},"after":{"id":"x"}}}\n'
	printf '{"payload":%s}\n' "$(body u '{"id":9}' null)"
} >bad.ndjson
ensue run rules.ens --input bad.ndjson
equal "what is good goes on" '"account":9,"city":null,"op":"u"' "$(changes)"
contains "no JSON" "$err" "bad.ndjson:1: bad_entry: payload: the text is not valid JSON"
contains "no object" "$err" "bad.ndjson:2: bad_entry: payload: the text is not a JSON object"
contains "another type" "$err" 'bad.ndjson:3: bad_value: account: "7" is not an int (it is read from "after.id" or "before.id" of the object in "payload")'
case $err in
*bad.ndjson:4*) fail "an event of another table is nobody's" "$err" ;;
*) pass "an event of another table is nobody's" ;;
esac
expect "tests" 0 "1 passed" test rules.ens
ensue fmt - <rules.ens
printf '%s\n' "$out" >formatted.ens
ensue fmt - <formatted.ens
equal "formatting twice gives the same" "$(cat formatted.ens)" "$out"
ensue run formatted.ens --input objects.ndjson
equal "formatted, it is the same" "$want" "$(changes)"
finish
