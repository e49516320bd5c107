# Inputs to begin with, taken from the repository's own texts: sh tests/fuzz/seeds.sh FOLDER [COMMAND]
#
#   FOLDER/rules   every rule text of tests/lang, tests/conformance, docs and patterns, a file each
#   FOLDER/tables  those that COMMAND (the ensue command; none: left out) compiles, compiled
#   FOLDER/lines   the documentation's and the samples' events as files, with a byte in front for the size of blocks
#   FOLDER/reply   answers of a server
#   FOLDER/state   so many events, and a little damage to the state after them
#   FOLDER/rules.dict  the language's words and signs
set -u
LC_ALL=C
export LC_ALL
source=$(cd "$(dirname "$0")/../.." && pwd)
command=${2:-}
mkdir -p "$1/rules" "$1/tables" "$1/lines" "$1/reply" "$1/state" || exit 99
cd "$1" || exit 99

for f in "$source"/tests/lang/*.test; do
	awk -v base="rules/lang-$(basename "$f" .test)" '
		/^== / { if (out) close(out); n++; out = sprintf("%s-%03d.ens", base, n); printf "" > out; next }
		/^-- (says|graph|ast|tables)$/ { if (out) close(out); out = ""; next }
		out { print > out }
	' "$f"
done
for f in "$source"/README.md "$source"/docs/*.md; do
	awk -v base="$(basename "$f" .md)" '
		/^```/ && !open { n++; open = 1; kind = substr($0, 4); sub(/ .*/, "", kind); out = ""
			if (kind == "ens") out = sprintf("rules/%s-%02d.ens", base, n)
			if (kind == "ndjson" || kind == "csv") { out = sprintf("lines/%s-%02d.%s", base, n, kind); printf "%s", (kind == "csv" ? "A" : "@") > out }
			next }
		/^```/ { if (out) close(out); open = 0; out = ""; next }
		out { print > out }
	' "$f"
done
for f in "$source"/patterns/*.ens; do
	cp "$f" rules/
done
for f in "$source"/patterns/*.ndjson; do
	{ printf @; head -n 20 "$f"; } >"lines/$(basename "$f")"
done
# A rule text is a JSON string; awk undoes the escapes that these have.
for f in "$source"/tests/conformance/cases/*.jsonl; do
	awk -v base="rules/case-$(basename "$f" .jsonl)" '
		match($0, /"rules": "([^"\\]|\\.)*"/) {
			text = substr($0, RSTART + 10, RLENGTH - 11)
			gsub(/\\n/, "\n", text); gsub(/\\t/, "\t", text); gsub(/\\"/, "\"", text); gsub(/\\\\/, "\\", text)
			out = sprintf("%s-%03d.ens", base, ++n); printf "%s", text > out; close(out)
		}' "$f"
done
(cd rules && awk -f "$source/tests/lang/places.awk" "$source/tests/lang/places.txt")
find rules -size 0 -exec rm {} +

if [ -n "$command" ]; then
	for f in rules/*.ens; do
		out=tables/$(basename "$f" .ens).ensc
		"$command" compile -o "$out" "$f" >/dev/null 2>&1
	done
fi

now='*2\r\n$10\r\n1700000000\r\n$6\r\n123456\r\n'
one='*2\r\n$3\r\n5-1\r\n*4\r\n$1\r\nn\r\n$2\r\n17\r\n$1\r\ns\r\n$3\r\nabc\r\n'
# shellcheck disable=SC2059
{
	printf "@$now*2\r\n*2\r\n\$2\r\nin\r\n*1\r\n$one*2\r\n\$5\r\nother\r\n*1\r\n*2\r\n\$3\r\n7-0\r\n*2\r\n\$1\r\nx\r\n\$3\r\n1.5\r\n" >reply/entries
	printf "\001$now*-1\r\n" >reply/nothing
	printf "\002$now-LOADING wait\r\n" >reply/error
	printf "\003-NOPERM time\r\n-NOPERM xread\r\n" >reply/refused
}

for n in 001 006 024 062 143; do # octal
	printf "\\$n" >"state/after-$n"
	printf "\\$n\\100\\000\\001\\001\\020\\000\\002\\005\\060\\000\\003\\000" >"state/damaged-$n"
done

{
	sed -n 's/^X([A-Z_0-9]*, \("[a-z_]*"\), [A-Z]*)$/\1/p' "$source/dsl/words.def"
	sed -n 's/^X([A-Z_0-9]*, \("[a-z_0-9]*"\), .*/\1/p' "$source/runtime/function.def"
	cat "$source/tests/fuzz/rules.dict"
} | sort -u >rules.dict
