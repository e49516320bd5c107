#!/bin/sh
# `import`: where files are looked for, once each, circles, and that no path leaves the folder of the first rule file.
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
mkdir -p "$work/in/lib/deep" "$work/out" && cd "$work/in" || exit 99
cat >lib/events.ens <<'END'
param least: int = 2
event Login from "logins" { user: string, ok: bool, time: time }
event Unused from "others" { user: string }
END
cat >lib/filters.ens <<'END'
import "events.ens"
import "deep/more.ens"
event Failed = Login[not ok]
END
cat >lib/deep/more.ens <<'END'
import "../events.ens"
fn more(n) = n > least
END
cat >rules.ens <<'END'
import "lib/filters.ens"
import "lib/events.ens"
rule many
  key    user
  match  a: Failed+
  where  more(count(a))
  within 1m
  emit   Many { user, n: count(a) }
END
for i in 1 2 3; do
	printf '{"user":"ann","ok":false,"time":"2026-01-05T08:00:0%sZ"}\n' $i
done >in.ndjson
expect "each file once, relative to the file that imports it" 0 "rules.ens: 1 rule, no problems" check rules.ens
ensue run rules.ens --input in.ndjson
equal "rules with imports run" '{"_event":"Many","user":"ann","n":3' "${out%%,\"_rule*}"
ensue compile rules.ens -o rules.ensc --set least=1
ensue run rules.ensc --input in.ndjson
equal "and compile; a parameter may be imported" '{"_event":"Many","user":"ann","n":2' "${out%%,\"_rule*}"
(cd / && "$ENSUE" check "$work/in/rules.ens") >"$work/said" 2>&1
equal "from another folder" "$work/in/rules.ens: 1 rule, no problems" "$(cat "$work/said")"
code=0
"$ENSUE" check - <rules.ens >"$work/said" 2>&1 || code=$?
equal "rules on standard input import from where one stands" "0 standard input: 1 rule, no problems" "$code $(cat "$work/said")"
expect "an imported file may stand on the command line, too" 0 "no problems" check rules.ens lib/events.ens
expect "in any order; then it is judged like any other" 0 "1 warning" check lib/../lib/events.ens rules.ens --allow-import .

echo 'event Bad from "b" { x: it }' >lib/bad.ens
printf 'import "lib/bad.ens"\n' | cat - rules.ens >bad.ens
expect "a mistake in an imported file has its place there" 1 "lib/bad.ens:1:25: error E0301" check bad.ens

printf 'event Other from "o" { user: string }\n' >lib/other.ens
printf 'import "other.ens"\nfn half(n) = n / 2\n' >lib/unused.ens
printf 'import "lib/unused.ens"\n' | cat - rules.ens >unused.ens
expect "an import that brings nothing that is used" 0 "unused.ens:1:8: warning W0202: nothing that this file declares is used" check unused.ens
printf 'import "lib/unused.ens"\n' | cat - rules.ens | sed 's/Failed+/Failed+ -> Other/' >used.ens
expect "what a file imports itself counts" 0 "used.ens: 1 rule, no problems" check used.ens --allow W0221 --allow W0225
printf 'rule other\n  match Other\n  emit  T {}\n' >>lib/unused.ens
expect "and rules do" 0 "unused.ens: 2 rules, no problems" check unused.ens

# what NAME PART [ARG...]: the import of NAME is refused with PART at its place
what() {
	_import=$1 _says=$2
	shift 2
	printf 'rule r\n  match A[x > n]\n  emit T {}\nimport "%s"\n' "$_import" >what.ens
	ensue check what.ens "$@"
	equal "$_import: exit 1" 1 "$code"
	equal "$_import: $_says" "what.ens:4:8: error E0213: \"$_import\" $_says" "$(printf '%s\n' "$err" | head -n 1)"
	equal "$_import: nothing else is said" "what.ens: 1 rule, 1 error" "$(printf '%s\n' "$err" | tail -n 1)"
}
outside="lies outside the folder of the first rule file; --allow-import DIR lets files of other folders in"
echo 'event A from "a" { x: int }' >../out/a.ens
echo 'param n: int = 1' >>../out/a.ens
what "nothing.ens" "can't be read: No such file or directory"
what "lib" "is no regular file"
what "rules.ensc" "is a compiled table file; only rule text can be imported"
what "../out/a.ens" "$outside"
what "$work/out/a.ens" "$outside"
what "lib/../../out/a.ens" "$outside"
ln -s ../out/a.ens link.ens
what "link.ens" "$outside"
ln -s ../out folder
what "folder/a.ens" "$outside"
mkfifo pipe.ens
what "pipe.ens" "is no regular file"
ln -s loop.ens loop.ens
what "loop.ens" "can't be read: Too many levels of symbolic links"
mkdir ../inner && echo 'event A from "a" { x: int }' >../inner/a.ens
what "../inner/a.ens" "$outside" --allow-import ../out --allow-import "$work/inn"

printf 'import "../out/a.ens"\nrule r\n  match A[x > n]\n  emit T {}\n' >rules2.ens
expect "an allowed folder" 0 "no problems" check rules2.ens --allow-import ../inner --allow-import ../out
expect "for run" 0 "" run rules2.ens --allow-import "$work/out" --input in.ndjson
expect "for compile" 0 "" compile rules2.ens --allow-import "$work/out/../out/" -o rules2.ensc
expect "for explain" 0 "rule r" explain rules2.ens --allow-import ../out
expect "for explain: not without" 1 "lies outside" explain rules2.ens
expect "for graph" 0 "match" graph rules2.ens --allow-import ../out
expect "for graph: not without" 1 "lies outside" graph rules2.ens
expect "for list" 0 "import ../out/a.ens" list rules2.ens --allow-import ../out
expect "for test" 0 "no tests" test rules2.ens --allow-import ../out
expect "not for a folder that is not there" 1 "lies outside" check rules2.ens --allow-import "$work/none"

echo 'import "c2.ens"' >c1.ens
echo 'import "lib/c3.ens"' >c2.ens
echo 'import "../c1.ens"' >lib/c3.ens
cat rules.ens >>c1.ens
expect "a circle is told with its chain" 1 "in a circle: c1.ens imports c2.ens imports lib/c3.ens imports c1.ens" check c1.ens
expect "at the import that closes it" 1 "lib/c3.ens:1:8: error E0213" check c1.ens
echo 'import "self.ens"' >self.ens
expect "a file that imports itself" 1 "self.ens imports self.ens" check self.ens
awk 'BEGIN { for (i = 0; i < 300; i++) { f = "chain" i ".ens"; printf "import \"chain%d.ens\"\n", i + 1 > f; close(f) } }'
expect "a chain without end" 1 "more than 256 files import each other" check chain0.ens
awk 'BEGIN { for (i = 0; i < 1001; i++) { f = "many" i ".ens"; printf "event E%d from \"e\" where x = 1 { x: int }\n", i > f; close(f); printf "import \"many%d.ens\"\n", i > "many.ens" } }'
expect "very many files" 1 "at most 1000 files can be imported" check many.ens
: >empty.ens
printf 'import "empty.ens"\n' | cat - rules.ens >rules3.ens
expect "an empty file" 1 "empty.ens:1:1: error E0101" check rules3.ens
head -c 17000000 /dev/zero | tr '\0' '#' >large.ens
what "large.ens" "is larger than 16 MiB, the most a rule file may have: split it"
expect "no name" 1 "here stands the name of a file" check - <<'END'
import ""
END
finish
