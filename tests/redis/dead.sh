#!/bin/sh
# `ensue dead`: letters listed, shown, put back; with one format for every reason.
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
. "$ENSUE_SOURCE/tests/redis/lib.sh"
cd "$work" || exit 99
start_redis

expect "no jobs" 0 "0 dead letters" dead list --redis "$url"

# rules that take `amount` for an int, and then as it is
for type in int float; do
	cat >"$type.ens" <<END
event Pay from "pay" where event = "Pay" { user: string, amount: $type, at: time(s) } time at late to "pay:late"
event Note from "pay" where event = "Note" { user: string, at: time(s) } time at
rule paid
  match a: Pay
  emit  Paid to "paid" { user: a.user, amount: string(a.amount) }
rule noted
  match a: Note
  emit  Noted to "noted" { user: a.user }
END
done
dead=ensue:{pay}:shop:0:dead
pay() {
	cli xadd pay '*' "$@" | tr -d '\r'
}
first=$(pay event Pay user ann amount 1.5 at 1000 _id own _own 3 _field ours)
second=$(pay event Pay user bob amount 2.5 at 1000 extra x)
good=$(pay event Pay user cy amount 3 at 1000)
pay event Pay amount 4 at 1000 >/dev/null
late=$(pay event Note user late at 999)
pay event Pay user latepay amount 5 at 999 >/dev/null
cut=$(pay event Pay user dora amount "$(printf '%02000d' 0).5" at 1000)
job=shop start_worker one int.ens
one=$pid
wait_entries "dead letters" "$dead" 5
wait_entries "late letters" pay:late 1

ensue dead list --redis "$url" --job shop
equal "list: exit 0" 0 "$code"
equal "list: a line for each, then their sum" "6" "$(printf '%s\n' "$out" | wc -l | tr -d ' ')"
contains "list: the sum" "$out" "5 dead letters: 3 bad_value, 1 late, 1 missing_field"
contains "list: reason, stream, entry, field, detail" "$out" "  bad_value  pay $first  amount: \"1.5\" is not an int"
contains "list: how late" "$out" "  late  pay $late  at: the event's time, 1970-01-01T00:16:39.000000Z, is before 1970-01-01T00:16:40.000000Z, the earliest that is still in time"
equal "list: the newest first" bad_value "$(printf '%s\n' "$out" | sed -n '1s/^[^ ]*  \([a-z_]*\) .*/\1/p')"
ensue dead list --redis "$url" --limit 2 --reason bad_value
contains "list: a limit and a reason; all jobs" "$out" "  shop  bad_value  pay $cut  "
contains "list: what is left out is said" "$out" "3 dead letters: 3 bad_value; the newest 2 are shown"
equal "list: no more than the limit" 3 "$(printf '%s\n' "$out" | wc -l | tr -d ' ')"
expect "list: a job that is not there" 0 "0 dead letters" dead list --redis "$url" --job nobody
expect "list: another stream" 0 "1 dead letter: 1 late" dead list --redis "$url" --key pay:late

# IDs of letters by reason
letters() {
	"$ENSUE" dead list --redis "$url" --job shop --reason "$1" --limit 1000 | sed -n 's/^\([0-9]*-[0-9]*\) .*/\1/p'
}
letter=$(letters bad_value | tail -n 1)
ensue dead show "$letter" --redis "$url" --job shop
equal "show: all of it" "letter $letter in $dead
  _reason: bad_value
  _detail: \"1.5\" is not an int
  _stream: pay
  _id: $first
  _field: amount
  event: Pay
  user: ann
  amount: 1.5
  at: 1000
  _id: own
  _own: 3
  _field: ours" "$out"
ensue dead show --reason late --redis "$url" --job shop
contains "a late event's letter has what its type declares, not what told its type" "$out" "  _id: $late
  _field: at
  _cut: true
  user: late
  at: 1970-01-01T00:16:39.000000Z"
ensue dead show --reason missing_field --redis "$url" --job shop
contains "show: by reason" "$out" "  _field: user"
expect "show: a letter that is not there" 3 "there is no dead letter 1-1" dead show 1-1 --redis "$url" --job shop

# not mended: it comes back as a new letter
expect "replay one" 0 "1 of 1 put back" dead replay "$letter" --redis "$url" --job shop
until_true 15 eval '[ "$(letters bad_value | head -n 1)" != "$(letters bad_value | tail -n 1)" ] && [ "$(letters bad_value | wc -l)" = 3 ]'
equal "what is not mended comes back" 3 "$(letters bad_value | wc -l | tr -d ' ')"
kill -TERM "$one"
ended "$one"

# one entry's stream is trimmed: its letter has it whole; the one that was cut stays
cli xtrim pay maxlen 0 >/dev/null
ensue dead replay --reason bad_value --redis "$url" --job shop
equal "what can't be put back: exit 3" 3 "$code"
contains "what can't be put back is named" "$err" "letter $(letters bad_value) stays"
contains "the others are" "$out" "2 of 3 put back into their streams"
equal "as they were, whatever their names" "event Pay user bob amount 2.5 at 1000 extra x event Pay user ann amount 1.5 at 1000 _id own _own 3 _field ours" \
	"$(echo $(cli xrange pay - + | grep -v '^[0-9]*-[0-9]*.\{0,1\}$'))"

# mended: they are taken
job=mended start_worker two float.ens
two=$pid
wait_entries "mended entries are taken" paid 3
equal "mended: both" "1.5 2.5" "$(echo $(cli xrange paid - + | awk 'p == "amount" { print } { p = $0 }' | tail -n 2 | sort))"
kill -TERM "$two"
ended "$two"

# replay from the stream while the entry is there: whole, though the letter was cut
cli del pay "$dead" >/dev/null
whole=$(pay event Pay user eve amount "$(printf '%02000d' 0).5" at 1000)
job=shop start_worker three int.ens
three=$pid
wait_entries "a cut letter" "$dead" 1
kill -TERM "$three"
ended "$three"
expect "replay --all" 0 "1 of 1 put back" dead replay --all --redis "$url" --job shop
equal "an entry that is still there is put back whole" 2002 "$(cli xrevrange pay + - count 1 | awk 'p == "amount" { print length($0) } { p = $0 }' | tr -d '\r')"
expect "nothing is left" 0 "0 of 0 put back" dead replay --all --redis "$url" --job shop

# an emission that could not be appended is a letter, too
cat >out.ens <<'END'
event Ping from "ping" { n: int }
rule pong
  match a: Ping
  emit  Pong to "pong" { n: a.n }
END
dead=ensue:{ping}:full:0:dead
cli xadd pong 18446744073709551615-18446744073709551615 last one >/dev/null
cli xadd ping '*' n 7 >/dev/null
job=full start_worker full out.ens
full=$pid
wait_entries "a parked emission" "$dead" 1
expect "a parked emission" 0 "  emission_failed  pong  " dead list --redis "$url" --job full
kill -TERM "$full"
ended "$full"
expect "it can't be put back yet" 3 "exhausted" dead replay --all --redis "$url" --job full
equal "its letter is still there" 1 "$(cli xlen "$dead" | tr -d '\r')"
cli del pong >/dev/null
expect "its stream is mended" 0 "1 of 1 put back" dead replay --all --redis "$url" --job full
equal "the emission, whole" "_event Pong n 7 _rule pong" "$(echo $(cli xrange pong - + | sed -n 2,7p))"

# pages, and wrong keys
cli eval "for i = 1, 1234 do redis.call('xadd', 'many', i .. '-1', '_reason', i % 2 == 0 and 'late' or 'future', '_stream', 's', '_id', i .. '-0', '_own', 1, 'n', i) end" 0 >/dev/null
expect "many letters" 0 "1234 dead letters: 617 late, 617 future; the newest 20 are shown" dead list --redis "$url" --key many
expect "many put back" 0 "617 of 617 put back" dead replay --reason late --redis "$url" --key many
equal "in their order" "2 4 6" "$(echo $(cli xrange s - + count 3 | awk 'p == "n" { print } { p = $0 }'))"
equal "all of them" 617 "$(cli xlen s | tr -d '\r')"
cli set text x >/dev/null
expect "a key that is no stream" 3 "WRONGTYPE" dead list --redis "$url" --key text
finish
