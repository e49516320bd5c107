#!/bin/sh
# `param` and `--set`: the declared value, another one from the command line, and values that are none.
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
cd "$work" || exit 99
cat >rules.ens <<'END'
param tries: int = 2
param span: duration = 1m
param who: string = "ann"
param from: time = "2026-01-05T08:00:00Z"
param net: ip = "192.0.2.7"
param share: float = 0.5
param on: bool = true
event Login from "logins" { user: string, ip: ip, load: float, time: time }
rule many
  key    user
  match  a: Login[user = who and ip = net and time >= from and load > share and on]{tries}
  within span
  emit   Many { user, tries, span, share, on, n: count(a) }
END
login() {
	printf '{"user":"%s","ip":"%s","load":%s,"time":"2026-01-05T08:00:%sZ"}\n' "$1" "$2" "$3" "$4"
}
{
	login ann 192.0.2.7 0.6 01
	login ann 192.0.2.7 0.6 02
	login ann 192.0.2.7 0.6 03
	login bob 192.0.2.7 0.6 03
	login bob 192.0.2.8 0.2 04
	login bob 192.0.2.8 0.2 30
} >in.ndjson

# found ARG...: members of the emissions, up to those that Ensue adds
found() {
	ensue run "$@" --input in.ndjson
	printf '%s\n' "$out" | sed 's/,"_rule".*/}/'
}
equal "the declared values" '{"_event":"Many","user":"ann","tries":2,"span":60,"share":0.5,"on":true,"n":2}' "$(found rules.ens)"
equal "an int" '{"_event":"Many","user":"ann","tries":3,"span":60,"share":0.5,"on":true,"n":3}' "$(found rules.ens --set tries=3)"
equal "the last of two counts" "$(found rules.ens --set tries=3)" "$(found rules.ens --set tries=9 --set tries=3)"
equal "a string, an address, a float" '{"_event":"Many","user":"bob","tries":2,"span":60,"share":-0.1,"on":true,"n":2}' \
	"$(found rules.ens --set who=bob --set net=192.0.2.8 --set share=-0.1)"
equal "a duration" "" "$(found rules.ens --set who=bob --set net=192.0.2.8 --set share=0 --set span=25s)"
equal "a bool" "" "$(found rules.ens --set on=false)"
equal "a time" '{"_event":"Many","user":"ann","tries":2,"span":60,"share":0.5,"on":true,"n":2}' "$(found rules.ens --set from=2026-01-05T08:00:02Z)"
equal "a time behind the events" "" "$(found rules.ens --set from=2026-01-05T08:00:03Z)"

expect "explained" 0 "3 times" explain rules.ens --set tries=3
expect "explained: an unknown name" 1 'did you mean `tries`?' explain rules.ens --set trie=3
expect "drawn" 0 "at least 3 times" graph rules.ens --set tries=3
expect "drawn: no value of its type" 1 "this is no value of type" graph rules.ens --set tries=x
expect "listed all the same" 0 "rule many" list rules.ens --set tries=3
expect "tested" 1 "no value of type" test rules.ens --set tries=x

ensue compile rules.ens --set tries=3 -o rules.ensc
equal "tables keep the value" "$(found rules.ens --set tries=3)" "$(found rules.ensc)"
expect "tables take no other" 2 "--set has its place where it is compiled" run rules.ensc --set tries=2 --input in.ndjson

expect "no value" 2 "write it as NAME=VALUE" check rules.ens --set tries
expect "no name" 2 "write it as NAME=VALUE" check rules.ens --set =3
expect "an unknown name" 1 'did you mean `tries`?' check rules.ens --set trie=3
for bad in tries=x tries=1.5 tries=-9223372036854775808 span=30 span= on=1 from=now net=10.0.0.0/8 share=much; do
	expect "a value that is none: $bad" 1 "--set $bad: this is no value of type" check rules.ens --set "$bad"
done
expect "as JSON" 1 '"code":"E0212"' check --format json rules.ens --set tries=x
expect "it reaches checks" 1 "negative number" check rules.ens --set tries=-1
finish
