#!/bin/sh
# Strings with expressions in braces, and `meta`, as emissions show them.
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
cd "$work" || exit 99
cat >rules.ens <<'END'
param limit: int = 2
event Login from "logins" { user: string, ip: ip, load: float, agent: string?, ok: bool, time: time }
rule told
  key    user
  match  fail: Login[not ok]{limit}
  within 1m
  meta   { severity: "high", link: "https://w/{user}", limit, agent: last(fail).agent }
  emit   Told { text: "{user} \"{count(fail)}\" {{x} {last(fail).ip}", load: "{sum(fail.load)}",
                took: "{last(fail).time - first(fail).time}", last: "{last(fail).time}", none: "<{last(fail).agent}>",
                all: "{if count(fail) = limit then \"all {\" else \"-\"}\u{e9}\n" }
END
cat >in.ndjson <<'END'
{"user":"ann{b}","ok":false,"load":0.5,"ip":"192.0.2.7","time":"2026-01-05T08:00:00Z"}
{"user":"ann{b}","ok":false,"load":0.25,"ip":"::1","time":"2026-01-05T08:00:30.5Z"}
END
ensue run rules.ens --input in.ndjson
equal "the emission" '{"_event":"Told","text":"ann{b} \"2\" {x} ::1","load":"0.75","took":"30s500ms","last":"2026-01-05T08:00:30.500000Z","none":null,"all":"all {é\n","_rule":"told","_id":"X","_key":{"user":"ann{b}"},"_start":"2026-01-05T08:00:00.000000Z","_end":"2026-01-05T08:00:30.500000Z","_events":[1,2],"severity":"high","link":"https://w/ann{b}","limit":2,"agent":null}' \
	"$(printf '%s\n' "$out" | sed 's/"_id":"[^"]*"/"_id":"X"/')"
ensue run rules.ens --input in.ndjson --no-provenance
contains "without provenance meta is last, too" "$out" '30.500000Z","severity":"high"'
ensue compile rules.ens -o rules.ensc
ensue run rules.ens --input in.ndjson
once=$out
ensue run rules.ensc --input in.ndjson
equal "tables say the same" "$once" "$out"
finish
