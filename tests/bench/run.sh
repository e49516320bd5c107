#!/bin/sh
# `make bench`: raw drain, `ensue run` over the same stream, their ratio; the engine alone; memory.  docs/benchmarks.md.
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
. "$ENSUE_SOURCE/tests/redis/lib.sh"
entries=${BENCH_ENTRIES:-2000000}
events=${BENCH_EVENTS:-10000000}
keys=${BENCH_KEYS:-100000}
rounds=${BENCH_ROUNDS:-3}
lines=${BENCH_LINES:-4000000}
programs=$ENSUE_BUILD/tests/bench
cd "$work" || exit 99

stop() {
	echo "bench: $1" >&2
	exit 1
}

cat >rules.ens <<'END'
event Login from "bench:logins" { user: string, ip: ip, ok: bool, agent: string, port: int }
rule brute_force
  key     ip
  match   fail: Login[not ok]{5,} -> hit: Login[ok]
  within  1m
  emit    BruteForce to "bench:alerts" { ip, user: hit.user, tries: count(fail) }
END

echo "machine: $(getconf _NPROCESSORS_ONLN) cores, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), redis $(redis-server --version | sed 's/.*v=\([^ ]*\).*/\1/')"
"$programs/engine" speed "$events" "$keys" || stop "the engine failed"
"$programs/engine" plain "$events" "$keys" || stop "the engine failed"
"$programs/engine" small "$events" "$keys" || stop "the engine failed"
"$programs/shared" 1000000 "$rounds" || stop "shared matches failed"
"$programs/engine" memory "$events" 1000 || stop "the engine failed"

"$programs/engine" order "$events" "$keys" || stop "the engine failed"
"$programs/engine" rules "$((events / 10))" "$keys" || stop "the engine failed"
"$programs/engine" waiting "$((events / 10))" || stop "the engine failed"
"$programs/engine" absences 1000000 || stop "the engine failed"

# lines_once LATENESS DISORDER_US: processor time of `ensue run --input` in hundredths of a second, in $spent
lines_once() {
	sed "s/port: int }/port: int, at: time(us) } time at lateness $1/" rules.ens >lines.ens
	"$programs/feed" "$lines" "$keys" "$2" >lines.ndjson || stop "no events"
	spent=$( (ensue run -q lines.ens --input lines.ndjson; [ "$code" = 0 ] || echo "$err" >&2; times) |
		awk '{ n = split($0, t, /[ ms]+/); s = t[1] * 60 + t[2] + t[3] * 60 + t[4] } END { printf "%d", s * 100 }')
	[ "${spent:-0}" -gt 0 ] || stop "ensue run failed on files"
}
lines_once 0s 0
in_order=$spent
lines_once 99s 99000000
awk -v a="$in_order" -v b="$spent" -v n="$lines" 'BEGIN {
	printf "ensue run --input, %d lines: in order %.2f M/s, out of order with 990,000 waiting %.2f M/s of processor time, ratio %.2f\n",
		n, n / a / 1e4, n / b / 1e4, a / b }'
rm lines.ndjson

start_redis
"$programs/feed" "$entries" "$keys" | cli --pipe >feed.log 2>&1 || stop "$(cat feed.log)"
[ "$(cli xlen bench:logins)" = "$entries" ] || stop "the stream has $(cli xlen bench:logins) entries, not $entries"

# milliseconds of the server's clock
server_ms() {
	set -- $(cli time)
	echo $(($1 * 1000 + $2 / 1000))
}

# the detection that the stream's last entry completes is there
seen_last() {
	cli xrevrange bench:alerts + - count 1 | grep -qx 192.0.2.1
}

# drain_once: entries/s in $rate
drain_once() {
	"$programs/drain" "$sock" bench:logins >drain.log || stop "the drain failed: $(cat drain.log)"
	cat drain.log
	rate=$(sed -n 's/.*: *\([0-9][0-9]*\) *entries\/s.*/\1/p' drain.log | tail -n 1)
}

# run_once JOB: entries/s in $rate
run_once() {
	cli del bench:alerts >/dev/null
	began=$(server_ms)
	job=$1 start_worker "$1" rules.ens
	worker=$pid
	until_true 600 seen_last || stop "the last detection did not come: $(cat "$1.log")"
	took=$(($(cli xrevrange bench:alerts + - count 1 | head -n 1 | cut -d - -f 1) - began))
	resident=$(sed -n 's/^VmHWM:[ \t]*\([0-9]*\) kB/\1/p' "/proc/$worker/status")
	kill -TERM "$worker"
	ended "$worker"
	[ "$code" = 0 ] || stop "ensue run ended with $code: $(cat "$1.log")"
	rate=$((entries * 1000 / took))
	echo "ensue run: $entries entries, $(cli xlen bench:alerts) emissions in $took ms: $rate entries/s, $((resident / 1024)) MiB at most"
}

best_drain=1
best_run=0
round=1
while [ "$round" -le "$rounds" ]; do
	drain_once
	[ "$rate" -le "$best_drain" ] || best_drain=$rate
	run_once "bench$round"
	[ "$rate" -le "$best_run" ] || best_run=$rate
	round=$((round + 1))
done
awk -v run="$best_run" -v drain="$best_drain" 'BEGIN {
	printf "best of each: ensue run %d entries/s, raw drain %d entries/s, ratio %.2f\n", run, drain, run / drain }'
