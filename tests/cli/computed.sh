#!/bin/sh
# Computed fields as keys, in conditions and emissions; what is null where it must not be.
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
cd "$work" || exit 99
cat >rules.ens <<'END'
event Mail from "m" where domain != "spam.org" {
  email: string
  n: int?
  domain: string = lower(split_part(email, "@", 2))
  twice: int? = n * 2
  text: string = concat(email, "/", domain)
  share: float = 10 / int(split_part(email, "#", 2)) ?? 1.0
  at: time
}  time at
rule pair
  key    domain
  match  a: Mail -> b: Mail[twice > 1 and text != a.text]
  within 1h
  emit   Pair { domain, twice: b.twice, text: b.text, first: a.text, share: b.share }
END
mail() {
	printf '{"email":"%s","n":%s,"at":"2026-01-05T08:00:%sZ"}\n' "$@"
}
{
	mail ann@Example.ORG 1 00
	mail x@spam.org 1 01
	mail x@spam.org 1 02
	mail bob@example.com 3 03
	mail bob@example.org null 04
	mail cid@EXAMPLE.org#5 4 05
	mail bob@example.org 4 06
} >in.ndjson
want='{"_event":"Pair","domain":"example.org","twice":8,"text":"bob@example.org/example.org","first":"ann@Example.ORG/example.org","share":1.0'
ensue run rules.ens --input in.ndjson
equal "a computed field is a key, and is read like any other" "$want" "${out%%,\"_rule*}"
equal "nothing else is found" 1 "$(printf '%s\n' "$out" | wc -l | tr -d ' ')"
once=$out
{
	echo 'email,n,at,domain'
	sed 's/.*"email":"\([^"]*\)","n":\([^,]*\),"at":"\([^"]*\)".*/\1,\2,\3,ignored/; s/,null,/,,/' in.ndjson
} >in.csv
ensue run rules.ens --input in.csv
equal "an entry's own field of that name is not looked at; CSV gives the same" "${once%%,\"_events*}" "${out%%,\"_events*}"

cat >strict.ens <<'END'
event A from "a" { x: int, y: float = 1 / x, time: time }
rule r
  match a: A
  emit T { y: a.y }
END
printf '{"x":%s,"time":"2026-01-05T08:00:00Z"}\n' 0 4 >in.ndjson
ensue run strict.ens --input in.ndjson
equal "the others go on" '{"_event":"T","y":0.25' "${out%%,\"_rule*}"
contains "a null where none may be: a dead letter that says so" "$err" "what is computed for the field is null, but it is not optional"
contains "with the field" "$err" "missing_field: y:"
finish
