#!/bin/sh
# Runs the examples of README.md and docs/*.md.  What a fenced block is, its first line says:
#
#   ```ens events      declarations, put in front of the page's later blocks that declare no input event
#   ```ens             rules; `ensue check` must say nothing against them, no warning either (but that
#                      declarations put in front are not used); their tests must pass
#   ```ens failing     such rules, but some of their tests fail
#   ```ens wrong       rules that must not compile
#   ```ens CODE        rules about which `ensue check` says something of that code
#   ```sh CODE         commands that print such rules
#   ```text messages   exactly what `ensue check rules.ens` says about the rules above
#   ```text session    "$ ensue ...", run where the rules above are rules.ens, then exactly what it prints
#   ```text tests      exactly what `ensue test rules.ens` prints for the rules above
#   ```ndjson, ```csv  input, kept
#   ```json output     exactly what `ensue run` prints for the last right rules and the input above
#
# `run.sh --update` writes what is said and printed into the pages instead of comparing.
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
update=${1:-}
cd "$work" || exit 99

# split PAGE: each block into a file NUMBER.LINE.KIND, in order
split() {
	awk '
		/^```/ && !open { kind = substr($0, 4); gsub(/ /, "-", kind); open = 1; n++
			name = sprintf("%03d.%d.%s", n, NR, kind == "" ? "plain" : kind); printf "" > name; next }
		/^```/ { open = 0; close(name); next }
		open { print > name }
		END { if (open) print "unclosed" > "000.0.unclosed" }
	' "$1"
}

# declares_events FILE
declares_events() {
	grep -q '^event .* from ' "$1"
}

# put PAGE LINE FILE: replaces the block that begins at LINE by the file's content
put() {
	awk -v at="$2" -v file="$3" '
		NR == at { print; while ((getline line < file) > 0) print line; skip = 1; next }
		skip && /^```/ { skip = 0 }
		!skip { print }
	' "$1" >page.new && cat page.new >"$1"
}

# same PLACE LINE WANTED GOT: compares two files, or keeps the second for the page's update
same() {
	if [ "$update" = --update ]; then
		cp "$4" "update.$2"
	elif cmp -s "$3" "$4"; then
		pass "$1"
	else
		fail "$1" "$(diff "$3" "$4")"
	fi
}

# session PLACE LINE BLOCK
session() {
	line1=$(head -n 1 "$3")
	set -- "$1" "$2" "$3" ${line1#\$ ensue }
	_place=$1 _line=$2 _block=$3
	shift 3
	ensue "$@"
	{
		printf '%s\n' "$line1"
		cat "$work/.out" "$work/.err"
	} >said
	same "$_place: what it prints" "$_line" "$_block" said
}

# update_page PAGE: from its end to its beginning, so that lines keep their numbers
update_page() {
	for kept in $(ls | sed -n 's/^update\.//p' | sort -rn); do
		put "$1" "$kept" "update.$kept"
		rm "update.$kept"
	done
}

check_page() {
	page=$1
	name=${page#"$ENSUE_SOURCE"/}
	rm -f [0-9][0-9][0-9].* prelude.ens rules.ens good.ens input.*
	: >prelude.ens
	split "$page"
	for block in [0-9][0-9][0-9].*; do
		[ -e "$block" ] || continue
		rest=${block#*.}
		line=${rest%%.*}
		place=$name:$line
		case ${rest#*.} in
		ens-events)
			cp "$block" prelude.ens
			;;
		ens | ens-failing | ens-wrong)
			if declares_events "$block"; then
				cp "$block" rules.ens
			else
				cat prelude.ens "$block" >rules.ens
			fi
			if [ "${rest#*.}" != ens-wrong ]; then
				cp rules.ens good.ens
				ensue check rules.ens
				equal "$place: nothing is wrong" "" "$(printf '%s\n' "$err" | grep -E '(error|warning) [EW][0-9]' | grep -v ' W0202:')"
				ensue test rules.ens
				[ "${rest#*.}" = ens ] && wanted=0 || wanted=1
				equal "$place: its tests" "$wanted" "$code"
			else
				expect "$place: it is wrong" 1 "error" check rules.ens
			fi
			;;
		ens-[EW][0-9]* | sh-[EW][0-9]*)
			wanted=${rest##*-}
			if [ "${rest#*.}" = "sh-$wanted" ]; then
				sh "$block" >rules.ens
			elif declares_events "$block"; then
				cp "$block" rules.ens
			else
				cat prelude.ens "$block" >rules.ens
			fi
			ensue check rules.ens
			contains "$place: it shows $wanted" "$err" " $wanted: "
			;;
		text-tests)
			ensue test rules.ens
			same "$place: the tests" "$line" "$block" "$work/.out"
			;;
		text-messages)
			ensue check rules.ens
			same "$place: the messages" "$line" "$block" "$work/.err"
			;;
		text-session)
			session "$place" "$line" "$block"
			;;
		ndjson | csv)
			rm -f input.*
			cp "$block" "input.${rest#*.}"
			;;
		json-output)
			ensue run good.ens --input input.*
			equal "$place: exit code of the run" 0 "$code"
			same "$place: the output" "$line" "$block" "$work/.out"
			;;
		unclosed) fail "$name: a block is not closed" ;;
		esac
	done
	update_page "$page"
}

for page in "$ENSUE_SOURCE"/README.md "$ENSUE_SOURCE"/docs/*.md; do
	check_page "$page"
done
finish
