#!/bin/sh
# `ensue run --redis` against servers and keys that are not as they should be: said as such, exit 3.
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
. "$ENSUE_SOURCE/tests/redis/lib.sh"
cd "$work" || exit 99
cat >rules.ens <<'END'
event A from "in" { n: int }
rule r
  match a: A
  emit  M to "out" { n: a.n }
END

# refused NAME PART URL: the worker ends by itself with exit 3 and says PART
refused() {
	start refused "$ENSUE" run rules.ens --redis "$3" --job test --give-up 2s ${password:+--password-file "$password"}
	ended "$pid" 30
	text=$(cat refused.log)
	if [ "$code" != 3 ]; then
		fail "$1" "exit code $code, expected 3" "$text"
		return
	fi
	if printf '%s\n' "$text" | grep -qi -e "$2"; then
		pass "$1"
	else
		fail "$1" "expected to be said: $2" "$text"
	fi
}

refused "no server at the socket" "nothing.sock" "unix://$work/nothing.sock"
refused "no server at the port" "127.0.0.1" "redis://127.0.0.1:1/0"

start_redis --requirepass secret --rename-command XADD '' --rename-command XRANGE XRANGE
refused "no password" "NOAUTH\|password" "$url"
kill -TERM "$redis_pid"
ended "$redis_pid"
rm -f "$sock"

start_redis --requirepass secret
password=missing.password
refused "a password file that is not there" "missing.password can't be read" "$url"
password=
kill -TERM "$redis_pid"
ended "$redis_pid"
rm -f "$sock"

printf 'wrong\n' >wrong.password
printf 'secret\n' >right.password
start_redis --requirepass secret
password=wrong.password
refused "a wrong password" "WRONGPASS\|password" "$url"
password=
REDISCLI_AUTH=secret
export REDISCLI_AUTH
cli xadd in '*' n 1 >/dev/null
start good "$ENSUE" run rules.ens --redis "$url" --job test --password-file right.password
good=$pid
wait_entries "the right password" out 1
kill -TERM "$good"
ended "$good"
equal "the right password: exit 0" 0 "$code"
unset REDISCLI_AUTH
kill -TERM "$redis_pid"
ended "$redis_pid"
rm -f "$sock"

# over TCP, on the first free port of a few
for port in $((20000 + $$ % 20000)) $((20000 + ($$ + 7919) % 20000)); do
	start redis redis-server --port "$port" --bind 127.0.0.1 --unixsocket "$sock" --save '' --dir "$work" --requirepass secret
	redis_pid=$pid
	until_true 10 server_answers && break
	ended "$redis_pid"
done
refused "a wrong password, over TCP" "WRONGPASS\|password" "redis://:wr0ng@127.0.0.1:$port/0"
case $(cat refused.log) in
*wr0ng*) fail "a password is never printed" "$(cat refused.log)" ;;
*) pass "a password is never printed" ;;
esac
REDISCLI_AUTH=secret
export REDISCLI_AUTH
cli xadd in '*' n 1 >/dev/null
start good "$ENSUE" run rules.ens --redis "redis://:secret@127.0.0.1:$port/0" --job test
good=$pid
wait_entries "the right password, over TCP" out 1
kill -TERM "$good"
ended "$good"
equal "the right password, over TCP: exit 0" 0 "$code"
unset REDISCLI_AUTH
kill -TERM "$redis_pid"
ended "$redis_pid"
rm -f "$sock"

start_redis --rename-command XREAD ''
refused "a server without XREAD" "XREAD" "$url"
kill -TERM "$redis_pid"
ended "$redis_pid"
rm -f "$sock"

start_redis --rename-command TIME ''
refused "a server without a command that a script runs" "lacks a command.*lease" "$url"
kill -TERM "$redis_pid"
ended "$redis_pid"
rm -f "$sock"

start_redis
cli set in text >/dev/null
refused "a source that is not a stream" "\`*in\`*.*stream" "$url"
cli del in >/dev/null
cli set out text >/dev/null
refused "an output that is not a stream" "\`*out\`*.*stream" "$url"
cli del out >/dev/null
cli set 'ensue:{in}:test:0:head' text >/dev/null
refused "state that is not a hash" "ensue:{in}:test:0:head" "$url"
cli flushall >/dev/null
cli acl setuser default on nopass '~*' '+@all' '-xread' >/dev/null
refused "no permission" "NOPERM\|permission" "$url"
cli xadd in '*' n 1 >/dev/null
cli acl setuser default on nopass '~*' '+@all' '-xadd' >/dev/null
refused "no permission for what a script does" "does not permit.*commit.*ACL SETUSER" "$url"
cli acl setuser default on nopass '~*' '+@all' >/dev/null

# a key that changes its type while the worker runs
cli xadd in '*' n 1 >/dev/null
start worker "$ENSUE" run rules.ens --redis "$url" --job live
worker=$pid
wait_entries "it runs" out 1
cli del in >/dev/null
cli set in text >/dev/null
ended "$worker" 30
equal "the source is replaced while it runs: exit 3" 3 "$code"
finish
