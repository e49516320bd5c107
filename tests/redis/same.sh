#!/bin/sh
# The same events give the same emissions from files and from Redis, whatever their arrival within the lateness, however the
# streams interleave, whatever is read at once (tests/redis/same.py).
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
. "$ENSUE_SOURCE/tests/redis/lib.sh"
cd "$work" || exit 99
start_redis
export ENSUE
for seed in 1 2; do
	timeout 240 python3 "$ENSUE_SOURCE/tests/redis/same.py" "$url" "$seed" >same.out 2>&1
	code=$?
	sed "s/^\(ok\|FAILED\) /&seed $seed: /" same.out
	passed=$((passed + $(grep -c '^ok ' same.out)))
	[ "$code" = 0 ] || fail "seed $seed" "$(tail -n 5 same.out)"
done
finish
