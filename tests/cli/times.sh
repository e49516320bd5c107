#!/bin/sh
# The forms of a time in texts (CSV) and in JSON: which are read, and as what; what is wrong with the others.
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
cd "$work" || exit 99

# rules TYPE: an event with a field of that type as its time
rules() {
	printf 'event E from "e" { at: %s } time at\nrule r\n  match e: E\n  emit M { t: e.time }\n' "$1" >rules.ens
}
# comes FILE: the time that the one event of it has, or why there is none
comes() {
	rm -f dead
	ensue run rules.ens --input "$1" --dead dead
	printf '%s%s' "$(printf '%s' "$out" | sed -n 's/.*"t":"\([^"]*\)".*/\1/p')" \
		"$(sed -n 's/.*"_reason":"\([^"]*\)".*/\1/p' dead)"
}
# read_as TYPE VALUE EXPECTED: a text and a number of JSON are one time, down to the last digit
read_as() {
	rules "$1"
	printf 'at\n"%s"\n' "$2" >in.csv
	case $2 in
	[0-9][0-9][0-9][0-9]-*) printf '{"at":"%s"}\n' "$2" >in.ndjson ;;
	*) printf '{"at":%s}\n' "$2" >in.ndjson ;;
	esac
	equal "$1: $2" "$3 $3" "$(comes in.csv) $(comes in.ndjson)"
}
t=2026-01-05T08:00:00

# dates
read_as time 2026-01-05T08:00:00Z $t.000000Z
read_as time "2026-01-05 08:00:00z" $t.000000Z
read_as time 2026-01-05T09:30:00.5+01:30 $t.500000Z
read_as time 2026-01-04T20:00:00-12:00 $t.000000Z
read_as time 2026-01-06T07:59:00.1234569+23:59 $t.123456Z
for zone in +24:00 +01:60 +0130 +01 " CET" "[Europe/Berlin]" ""; do
	read_as time "$t$zone" bad_value
done
for date in 2026-01-05 2026-01-05T08:00Z 2026-02-29T08:00:00Z 2026-13-05T08:00:00Z 2026-01-05T24:00:00Z 2026-01-05T08:60:00Z \
	2026-01-05T08:00:00,5Z 2026-01-05T08:00:00.Z; do
	read_as time $date bad_value
done
read_as time 2016-12-31T23:59:60.5Z 2017-01-01T00:00:00.500000Z
read_as time 2017-01-01T00:59:60+01:00 2017-01-01T00:00:00.000000Z
read_as time 2016-12-31T12:30:60Z bad_value
read_as time 2016-12-31T23:59:61Z bad_value

# numbers: of what, the type says, else how great they are
read_as time 99999999999 5138-11-16T09:46:39.000000Z
read_as time 100000000000 1973-03-03T09:46:40.000000Z
read_as time 99999999999999 5138-11-16T09:46:39.999000Z
read_as time 100000000000000 1973-03-03T09:46:40.000000Z
read_as time 99999999999999999 5138-11-16T09:46:39.999999Z
read_as time 100000000000000000 1973-03-03T09:46:40.000000Z
read_as time 1767600000.1234567 $t.123456Z
read_as time 1.7676e9 $t.000000Z
read_as 'time(s)' 1767600000.9999999 $t.999999Z
read_as 'time(s)' 100000000000 5138-11-16T09:46:40.000000Z
read_as 'time(ms)' 1767600000123.4569 $t.123456Z
read_as 'time(ms)' 5 1970-01-01T00:00:00.005000Z
read_as 'time(us)' 1767600000123456.9 $t.123456Z
read_as 'time(ns)' 1767600000123456999 $t.123456Z
read_as 'time(ns)' 2026-01-05T08:00:00Z $t.000000Z
read_as time 1e300 bad_value
read_as time 99999999999999999999 bad_value
rules time
for value in nan inf -inf 0x10 yesterday; do
	printf 'at\n%s\n' $value >in.csv
	equal "no number: $value" bad_value "$(comes in.csv)"
	printf '{"at":"%s"}\n' $value >in.ndjson
	equal "nor in JSON" bad_value "$(comes in.ndjson)"
done
printf '{"at":NaN}\n' >in.ndjson
equal "JSON has no NaN" bad_entry "$(comes in.ndjson)"
printf '{"at":"1767600000"}\n' >in.ndjson
equal "a number in quotes" bad_value "$(comes in.ndjson)"
contains "a number in quotes: what is right" "$(cat dead)" "in JSON a number stands without quotes"
printf 'at,x\n,1\n' >in.csv
equal "an empty text" missing_field "$(comes in.csv)"

# the bounds
read_as time 1970-01-01T00:00:00Z 1970-01-01T00:00:00.000000Z
read_as time 9999-12-31T23:59:59.999999Z 9999-12-31T23:59:59.999999Z
for time in 1969-12-31T23:59:59.999999Z 1970-01-01T00:30:00+01:00 -1 -0.0000001 9999-12-31T23:59:60Z 9999-12-31T23:00:00-01:00; do
	read_as time $time bad_time
done
read_as 'time(s)' 253402300800 bad_time
finish
