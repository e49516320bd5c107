#!/bin/sh
# Accepted and rejected rule texts, with exactly what the compiler says: tests/lang/*.test
#
#   == a sentence that names the case
#   rule text
#   -- says            exactly what `ensue check rules.ens` says, its closing line left out; nothing: nothing is said
#   -- graph, -- ast, -- tables   exactly what --dump says
#
# A case without sections must be accepted without a message.  The exit code must be 1 if an error is said, else 0.
# `run.sh --update [FILE]...` writes what is said now into the files (read the difference before you keep it);
# `run.sh FILE...` runs only these.
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
update=
if [ "${1:-}" = --update ]; then
	update=1
	shift
fi
[ $# -gt 0 ] || set -- "$ENSUE_SOURCE"/tests/lang/*.test
from=$PWD

# split FILE: case NNN into NNN.name, NNN.ens, NNN.says ...; its sections' order in NNN.order
split() {
	awk '
		/^== / { n++; base = sprintf("%03d", n); print substr($0, 4) > (base ".name"); out = base ".ens"; printf "" > out; printf "" > (base ".order"); next }
		/^-- (says|graph|ast|tables)$/ { out = base "." $2; printf "" > out; print $2 > (base ".order"); next }
		n { print > out }
		!n { print > "head" }
	' "$1"
}

# without the last line break and the empty lines at the end, which stand between cases
trimmed() {
	awk '/^$/ { blank = blank "\n"; next } { printf "%s%s\n", blank, $0; blank = "" }' "$1"
}

# actual SECTION: what is said now, in the file "got"; the exit code in $code
actual() {
	case $1 in
	says)
		ensue check rules.ens
		sed '/^rules\.ens: [0-9]* rules\{0,1\}, /d' "$work/.err" >got.raw
		;;
	*)
		ensue check --dump "$1" rules.ens
		cp "$work/.out" got.raw
		;;
	esac
	trimmed got.raw >got
}

run_case() {
	name="$file: $(cat "$1.name")"
	trimmed "$1.ens" >rules.ens
	sections=$(cat "$1.order")
	case " $(echo $sections) " in
	" says"*) ;;
	*) sections="says $(echo " $sections " | sed 's/ says / /')" ;;
	esac
	for section in $sections; do
		actual "$section"
		[ -e "$1.$section" ] && trimmed "$1.$section" >want || : >want
		[ -z "$update" ] || cp got "$1.$section"
		if [ "$section" = says ]; then
			want_code=0
			! grep -q '^rules\.ens:[0-9:]* error ' got || want_code=1
		fi
		if [ "$code" != "$want_code" ]; then
			fail "$name" "exit code $code, expected $want_code" "$(cat got)"
		elif [ -n "$update" ] || cmp -s want got; then
			pass "$name$([ "$section" = says ] || echo " ($section)")"
		else
			fail "$name ($section)" "$(diff want got)"
		fi
	done
	[ -z "$update" ] || {
		echo "== $(cat "$1.name")"
		cat rules.ens
		for section in $sections; do
			[ -s "$1.$section" ] || continue
			echo "-- $section"
			cat "$1.$section"
		done
		echo
	} >>new
}

for path; do
	case $path in
	/*) ;;
	*) path=$from/$path ;;
	esac
	file=$(basename "$path")
	mkdir "$work/$file" && cp "$path" "$work/$file/cases" && cd "$work/$file" || exit 99
	split cases
	duplicate=$(cat ./*.name | sort | uniq -d)
	equal "$file: each name once" "" "$duplicate"
	[ ! -e head ] || cp head new
	for order in [0-9]*.order; do
		run_case "${order%.order}"
	done
	[ -z "$update" ] || cat new >"$path"
done
finish
