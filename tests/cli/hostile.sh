#!/bin/sh
# Rule files that grow, and rule files made to hurt: what they cost.
#
# Growth is judged by ratios: tenfold the rules may take tenfold the work and memory and a quarter more.  Hostile files
# end with exit 1, a message of the compiler's own at a place, and within 128 MiB; for the time there is a bound of processor
# time that only something worse than linear can reach, since other things run beside the tests.
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
cd "$work" || exit 99

# Sanitizers take many times the memory and time: there only what is said is judged.
judged=1
! sanitized || judged=

# rules N: rules of ten lines, each with conditions of its own
rules() {
	awk -v n="$1" 'BEGIN {
		print "event Login from \"logins\" { user: string, ip: ip, ok: bool, n: int }"
		print "event Order from \"orders\" { user: string, item: string, price: float, n: int }"
		for (i = 0; i < n; i++) {
			printf "rule r%d \"rule number %d\"\n", i, i
			printf "  key     user\n"
			printf "  match   fail: Login[not ok and n > %d]{3,} -> hit: Login[ok] -> o: Order[item != \"none%d\"]\n", i % 100, i
			printf "  where   o.n = hit.n or\n          o.price > %d.5 and\n          count(fail) > %d\n", i % 500, i % 7
			printf "  within  %dm\n  having  count(fail) < %d\n", i % 60 + 1, i % 9 + 10
			printf "  emit    Found%d to \"alerts\" { user, tries: count(fail),\n    since: first(fail).time, price: o.price }\n", i
		}
	}'
}

# cost COMMAND...: runs it within 4 GiB of address space and 20 s of processor time; $code, $ms of its own processor time
# and $kib of memory at its peak (what `time` and the kernel say).
cost() {
	code=0
	(
		ulimit -t 20
		[ -z "$judged" ] || ulimit -v 4194304
		exec python3 -c 'import os, resource, subprocess, sys
code = subprocess.call(sys.argv[2:])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
with open(sys.argv[1], "w") as f:
    print(int((used.ru_utime + used.ru_stime) * 1000), used.ru_maxrss, file=f)
sys.exit(code if code >= 0 else 128 - code)' cost "$@"
	) >"$work/.out" 2>"$work/.err" || code=$?
	out=$(cat "$work/.out")
	err=$(cat "$work/.err")
	read -r ms kib <cost
}

# at_most NAME LIMIT VALUE
at_most() {
	if [ "$3" -le "$2" ]; then
		pass "$1"
	else
		fail "$1" "at most $2, got $3"
	fi
}

grows() {
	for n in 1000 10000 20000; do
		rules "$n" >"many$n.ens"
		cost "$ENSUE" check "many$n.ens"
		equal "$n rules compile" 0 "$code"
		eval "ms$n=$ms kib$n=$kib"
		echo "$n rules: $ms ms, $kib KiB"
	done
	[ -n "$judged" ] || return
	at_most "1000 rules of ten lines: memory" 204800 "$kib1000"
	at_most "1000 rules of ten lines: four times the time that is wanted, in ms" 2000 "$ms1000"
	at_most "ten times the rules, ten times the memory" $((kib1000 * 125 / 10)) "$kib10000"
	at_most "twice the rules, twice the memory" $((kib10000 * 25 / 10)) "$kib20000"
	# the smaller one is measured in tens of milliseconds: hence a factor of two
	at_most "twenty times the rules, not forty times the time" $((ms1000 * 40 + 400)) "$ms20000"
}

# hostile NAME SAID: file hostile.ens is refused with SAID somewhere, at a place
hostile() {
	cost "$ENSUE" check hostile.ens
	equal "$1: exit 1" 1 "$code"
	contains "$1: says" "$err" "$2"
	case $err in
	*.ens:[1-9]*) pass "$1: where" ;;
	*) fail "$1: where" "$err" ;;
	esac
	[ -n "$judged" ] || return
	at_most "$1: memory in KiB" 131072 "$kib"
	at_most "$1: processor time in ms" 3000 "$ms"
}

# repeated N TEXT
repeated() {
	yes -- "$2" | head -n "$1" | tr -d '\n'
}

# in_match BEFORE N TEXT AFTER: a rule with these in its pattern
in_match() {
	printf 'event A from "a" { n: int, s: string }\nrule r\n  match a: %s' "$1"
	repeated "$2" "$3"
	printf '%s\n  emit M { n: a.n }\n' "$4"
}

grows

in_match 'A[n = ' 10000000 '(' '1]' >hostile.ens
hostile "ten million brackets" "more than 256 levels"
in_match 'A[' 3000000 'not ' 'true]' >hostile.ens
hostile "three million times not" "more than 256 levels"
in_match 'A[' 500000 'if true then true else ' 'true]' >hostile.ens
hostile "ifs in elses" "more than 256 levels"
in_match '' 10000000 '(' 'A' >hostile.ens
hostile "ten million groups" "more than 256 levels"
in_match 'A[n = 1' 1000000 ' or n = 1' ']' >hostile.ens
hostile "a million times or" "more than 1000 operators"
in_match 'A[n = n' 6000000 '+n' ']' >hostile.ens
hostile "six million sums" "more than 1000 operators"
in_match 'A' 3000000 ' -> A' '' >hostile.ens
hostile "three million steps" 'the `match` clause is too large'
in_match 'A' 6000000 '|A' '' >hostile.ens
hostile "six million alternatives" 'the `match` clause is too large'
in_match 'A[n in (1' 7000000 ',1' ')]' >hostile.ens
hostile "a list of seven millions" 'the `match` clause is too large'
in_match 'A' 5000 ' -> A?' '' >hostile.ens
hostile "five thousand steps that may be left out" "ways to go on"
in_match 'A' 999 '|A[n = 5]' " -> ($(repeated 999 'A[n = 4] | ')A)" >hostile.ens
hostile "a thousand alternatives" "side by side"
{
	printf 'event A from "a" { n: int }\nrule r\n  match (A'
	awk 'BEGIN { for (i = 0; i < 1000; i++) printf "|A[n=%d]", i; printf ") -> (A"; for (i = 0; i < 1000; i++) printf "|A[n=%d]", i }'
	printf ')\n  within 1m\n  emit M {}\n'
} >hostile.ens
hostile "a thousand alternatives behind a thousand" "need more than"
in_match 'A' 200 '->A' '{2,1000000000}{2,3}' >hostile.ens
hostile "a repetition of a repetition" "E01"
{
	printf 'event A from "a" {'
	awk 'BEGIN { for (i = 0; i < 1000000; i++) printf "f%d:int,", i }'
	printf '}\n'
} >hostile.ens
hostile "a million fields" 'this `event` is too large'
yes 'event A { n: int }' | head -n 800000 >hostile.ens
hostile "eight hundred thousand declarations" "comes from nowhere"
{
	in_match 'A' 0 '' ''
	yes ' where n=1' | head -n 1000000
} >hostile.ens
hostile "a million clauses" "given twice"
yes x | head -n 8000000 >hostile.ens
hostile "eight million lines of nothing" "begins no declaration"
repeated 8000000 '""' >hostile.ens
hostile "eight million empty strings" "begins no declaration"

# the recovery inside blocks and brackets: a mistake in each part
{
	printf 'event A from "a" {'
	repeated 1500000 'n int, m '
	printf '}\n'
} >hostile.ens
hostile "very many wrong fields" 'expected `:`'
{
	in_match 'A' 0 '' ''
	printf '  emit M {'
	repeated 2000000 'a b, '
	printf '}\n'
} >hostile.ens
hostile "two million wrong values" "expected an operator"
in_match 'A' 1000000 ' -> A[n = ]' '' >hostile.ens
hostile "a million wrong conditions" "expected a value"
{
	in_match 'A' 0 '' ''
	printf 'test "x" for r {\n'
	yes 'A {' | head -n 2000000
} >hostile.ens
hostile "braces of a test that are never closed" "this bracket is never closed"
{
	in_match 'A' 0 '' ''
	printf 'test "x" for r {\n'
	yes 'A 5' | head -n 2000000
} >hostile.ens
hostile "two million wrong lines of a test" "lines of a test are"
yes 'rule r AND' | head -n 1000000 >hostile.ens
hostile "a million titles without quotes" "is a string"
{
	printf 'event A from '
	repeated 5000000 'a:b'
	printf ' { n: int }\n'
} >hostile.ens
hostile "a stream without quotes of 15 MB" "here stands a string"
{
	printf 'select x\n'
	yes 'where a == b && c' | head -n 700000
} >hostile.ens
hostile "a long file of another language" "begins no declaration"

# functions that would grow: doubling, tripling, along a chain, in a circle
{
	printf 'fn f0(x) = x + x\n'
	awk 'BEGIN { for (i = 1; i < 200; i++) printf "fn f%d(x) = f%d(x) + f%d(x)\n", i, i - 1, i - 1 }'
	in_match 'A[f199(n) > 0]' 0 '' ''
} >hostile.ens
hostile "functions that double two hundred times" "E0310"
{
	printf 'fn f0(x) = x\n'
	awk 'BEGIN { for (i = 1; i < 20000; i++) printf "fn f%d(x) = f%d(x) + 1\n", i, i - 1 }'
	in_match 'A[f19999(n) > 0]' 0 '' ''
} >hostile.ens
hostile "a chain of twenty thousand functions" "E0310"
{
	awk 'BEGIN { for (i = 0; i < 20000; i++) printf "fn f%d(x) = f%d(x)\n", i, (i + 1) % 20000 }'
	in_match 'A[f0(n) > 0]' 0 '' ''
} >hostile.ens
hostile "a circle of twenty thousand functions" "E0310"
{
	printf 'fn big(x) = x'
	repeated 900 ' + x'
	printf '\n'
	in_match 'A[n in (0' 60000 ', big(n)' ')]'
} >hostile.ens
hostile "sixty thousand calls of a large function" "E0310"

# parameters, strings with values in them, long strings
{
	printf 'param many: int = 1000000000\n'
	in_match 'A' 200 '->A' '{many,many}{many}'
} >hostile.ens
hostile "a repetition of a repetition, by parameters" "E01"
{
	printf 'param many: int = 1000000001\n'
	in_match '(A{many} -> A)' 0 '' '{many}'
} >hostile.ens
hostile "a repetition beyond the largest" "E0403"
{
	in_match 'A' 0 '' '' | sed '$d'
	printf '  emit M { s: "{'
	repeated 60000 '('
	printf 'a.n}" }\n'
} >hostile.ens
hostile "brackets in a string's value" "more than 256 levels"
{
	in_match 'A' 0 '' '' | sed '$d'
	printf '  emit M { s: "'
	repeated 16000 '{a.n'
	printf '" }\n'
} >hostile.ens
hostile "braces in a string that are never closed" "E0604"
{
	in_match 'A' 0 '' '' | sed '$d'
	printf '  emit M { s: "'
	repeated 12000 '{a.q}'
	printf '" }\n'
} >hostile.ens
hostile "twelve thousand wrong values in a string" "more than 200 parts"
in_match 'A[s = "' 16000000 'x' '"]' >hostile.ens
hostile "a string of 16 MB" "at most 65536"
in_match 'A[s = "' 7000000 '\q' '"]' >hostile.ens
hostile "seven million bad escapes" "there is no escape"
in_match 'A[`' 16000000 'x' '` = 1]' >hostile.ens
hostile "a name of 16 MB" "at most 65536"
in_match 'A[s matches "((((((((a{1,1000}){1,1000}){1,1000}){1,1000}){1,1000}){1,1000}){1,1000}){1,1000})"]' 0 '' '' >hostile.ens
hostile "a regular expression that would be huge" "E0305"

# imports: circles and chains, of files that a file names
awk 'BEGIN { for (i = 0; i < 10000; i++) { f = "chain" i ".ens"; printf "import \"chain%d.ens\"\n", i + 1 > f; close(f) } }'
cp chain0.ens hostile.ens
hostile "a chain of ten thousand files" "more than 256 files import each other"
awk 'BEGIN { for (i = 0; i < 900; i++) { f = "ring" i ".ens"; for (k = 0; k < 900; k++) printf "import \"ring%d.ens\"\n", k > f; close(f) } }'
cp ring0.ens hostile.ens
hostile "nine hundred files that all import each other" "E0213"
awk 'BEGIN { for (i = 0; i < 700000; i++) print "import \"ring0.ens\"" }' >hostile.ens
hostile "seven hundred thousand imports" "more than 65536 declarations"

in_match 'A{1,1000000000}' 0 '' '' | sed 's/n: a.n/n: first(a).n/' >large.ens
cost "$ENSUE" check large.ens
equal "a thousand million times: compiles" 0 "$code"
[ -z "$judged" ] || at_most "a thousand million times: memory in KiB" 16384 "$kib"
{
	printf 'event A from "a" { n: int }\nrule r\n  match A[n in (0'
	awk 'BEGIN { for (i = 1; i < 65536; i++) printf ", %d", i }'
	printf ')]\n  emit M {}\n'
} >large.ens
cost "$ENSUE" check large.ens
equal "a list of 65,536: compiles" 0 "$code"
[ -z "$judged" ] || at_most "a list of 65,536: memory in KiB" 131072 "$kib"
finish
