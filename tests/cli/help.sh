#!/bin/sh
# `ensue help CODE`: every message has a page with its title and an example.  (That each example shows its code is
# tested by tests/docs.)
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
sed -n 's/^X(ENS_[A-Z_0-9]*, "\([EW][0-9]*\)", [A-Z_]*, "\(.*\)")$/\1: \2/p' "$ENSUE_SOURCE/dsl/diag.def" >"$work/titles"
[ "$(wc -l <"$work/titles")" -gt 70 ] && pass "the list of messages is read" || fail "the list of messages is read"
while IFS= read -r title; do
	ensue help "${title%%:*}"
	first=$(printf '%s\n' "$out" | head -n 1)
	lines=$(printf '%s\n' "$out" | grep -c '^    .')
	if [ "$code" != 0 ] || [ "$first" != "$title" ]; then
		fail "$title" "got:" "$first" "$err"
	elif [ "$lines" -eq 0 ]; then
		fail "$title" "its page has no example"
	elif ! grep -q '^```[a-z]* '"${title%%:*}"'$' "$ENSUE_SOURCE/docs/messages.md"; then
		fail "$title" "its example is not marked with its code, so nothing tests it"
	else
		pass "$title"
	fi
done <"$work/titles"
ensue help E0203
equal "a whole page" 'E0203: a field that the event type does not have

Declare it among the fields of the event, or look for a slip in its name.

For example:

    event Login from "logins" { user: string, ip: ip, ok: bool, n: int, score: float }
    event Order from "orders" { user: string, total: float, at: time }
    rule r
      match a: Login
      emit  M { user: a.usr }' "$out"
first=$out
ensue help e0203
equal "in small letters" "$first" "$out"
expect "a code that there is none of" 2 'there is no message `E9999`' help E9999
finish
