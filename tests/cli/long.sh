#!/bin/sh
# Matches of 300,000 events on a stack of 256 KiB: nothing recurses over the length of the input, and what a match takes of memory
# and time is in proportion to it.
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
cd "$work" || exit 99

# Sanitizers need a stack of their own.
! sanitized || exit 77

awk 'BEGIN {
	print "{\"event\":\"S\",\"t\":0}"
	for (i = 1; i <= 300000; i++)
		printf "{\"event\":\"%s\",\"t\":%d,\"x\":%d}\n", i % 2 ? "A" : "B", i, i % 1000
	print "{\"event\":\"C\",\"t\":300001}"
}' >events.ndjson

# long NAME EVENTS PATTERN: one match, of so many events
long() {
	{
		for type in A B C S; do
			echo "event $type from \"in\" { t: time(ms), x: int? } time t"
		done
		printf 'rule r\n  match   %s\n  within  1h\n  emit    M { n: count(), l: list(a.x) }\n' "$3"
	} >r.ens
	code=0
	(
		ulimit -s 256 -t 60
		exec "$ENSUE" run r.ens --input events.ndjson --quiet
	) >out 2>err || code=$?
	equal "$1: exit 0" 0 "$code"
	equal "$1: one match" 1 "$(grep -c . out)"
	contains "$1: of all its events" "$(cut -c 1-40 out)" "\"n\":$2,"
}

long "a repetition" 150002 's: S -> a: A+ -> c: C'
long "either, greedy" 300002 's: S -> a: (A | B)+ greedy -> c: C'
long "a group" 300002 's: S -> (a: A , b: B)+ -> c: C'
long "groups in groups" 300002 's: S -> (((((a: A)+ , b: B)+)+)+)+ -> c: C'
long "the newest" 150002 'last s: S -> a: A+ -> c: C'
long "a trailing absence" 150001 's: S -> a: A+ -> not B[x = 1001]'
finish
