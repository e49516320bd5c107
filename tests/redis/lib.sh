# A private redis-server for a test: on a Unix socket in $work, without a port, saving nothing.
# Source it after tests/lib.sh.

sock=$work/redis.sock
url=unix://$sock

if ! command -v redis-server >/dev/null || ! command -v redis-cli >/dev/null; then
	echo "FAILED redis-server and redis-cli are needed: apt-get install redis-server redis-tools"
	echo "0 passed, 1 failed"
	exit 1
fi

cli() {
	redis-cli -s "$sock" "$@"
}

server_answers() {
	[ "$(cli ping 2>/dev/null)" = PONG ] || cli ping 2>/dev/null | grep -q NOAUTH
}

# start_redis [OPTION...]: its process ID in $redis_pid.
start_redis() {
	start redis redis-server --port 0 --unixsocket "$sock" --save '' --appendonly no --dir "$work" "$@"
	redis_pid=$pid
	if ! until_true 10 server_answers; then
		fail "the private redis-server comes up" "$(cat "$work/redis.log")"
		finish
	fi
}

# has_entries STREAM N: true when it has at least N entries.
has_entries() {
	[ "$(cli xlen "$1" 2>/dev/null)" -ge "$2" ] 2>/dev/null
}

# has_read HEAD STREAM: true when the job of that head has committed that it read the stream's last entry.
has_read() {
	_last=$(cli xrevrange "$2" + - count 1 | head -n 1 | tr -d '\r')
	[ -n "$_last" ] && [ "$(cli hget "$1" "src:$2" | cut -d ' ' -f 2)" = "$_last" ]
}

# wait_entries NAME STREAM N [SECONDS]: waits until STREAM has N entries; says so as a case only if it fails.
wait_entries() {
	until_true "${4:-15}" has_entries "$2" "$3" && return 0
	fail "$1" "stream $2 has $(cli xlen "$2") entries, expected $3" "$(tail -n 20 "$work"/*.log)"
	return 1
}

# start_worker NAME RULES [OPTION...]: `ensue run` on the private server; process ID in $pid, log in $work/NAME.log.
start_worker() {
	worker_name=$1 worker_rules=$2
	shift 2
	start "$worker_name" "$ENSUE" run "$worker_rules" --redis "$url" --job "${job:-test}" "$@"
}

# expire_lease JOB STREAM: what the server's clock does to a killed worker's lease within ten seconds; the next worker need
# not wait for it.
expire_lease() {
	cli hset "ensue:{$2}:$1:0:head" until 0 >/dev/null
}

# emitted STREAM FIELD: that field of every entry, one a line
emitted() {
	cli xrange "$1" - + | awk -v f="$2" 'p == f { print } { p = $0 }'
}

# stop_worker PID NAME: it is asked to end, and ends in order
stop_worker() {
	kill -TERM "$1"
	ended "$1"
	equal "$2: SIGTERM: exit 0" 0 "$code"
}
