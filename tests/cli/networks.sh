#!/bin/sh
# `in` with networks, addresses and fields side by side: what it finds, and when it is null.
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
cd "$work" || exit 99
cat >rules.ens <<'END_OF_RULES'
event Hit from "hits" { n: int, ip: ip?, home: ip? }
rule inside
  match h: Hit[ip in ("10.0.0.0/8", home, "192.0.2.7", "fc00::/7")]
  emit  Inside { n: h.n }
rule outside
  match h: Hit[ip not in (home, "10.0.0.0/8")]
  emit  Outside { n: h.n }
END_OF_RULES
cat >in.ndjson <<'END_OF_EVENTS'
{"n":1,"ip":"10.1.2.3","home":"198.51.100.1"}
{"n":2,"ip":"198.51.100.1","home":"198.51.100.1"}
{"n":3,"ip":"192.0.2.7","home":"198.51.100.1"}
{"n":4,"ip":"192.0.2.8","home":"198.51.100.1"}
{"n":5,"ip":"10.1.2.3"}
{"n":6,"ip":"192.0.2.8"}
{"n":7,"home":"10.0.0.1"}
{"n":8,"ip":"fd00::1","home":"fd00::2"}
END_OF_EVENTS
ensue run rules.ens --input in.ndjson
found() {
	printf '%s\n' "$out" | sed -n "s/^{\"_event\":\"$1\",\"n\":\([0-9]*\),.*/\1/p" | tr '\n' ' '
}
equal "in a network, or equal to one of the others" "1 2 3 5 8 " "$(found Inside)"
equal "in none; with a null among them nobody knows" "3 4 8 " "$(found Outside)"
finish
