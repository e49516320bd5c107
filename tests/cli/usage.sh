#!/bin/sh
# The command line itself: help, version, and what wrong usage is answered with.
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
cat >"$work/ok.ens" <<'END'
event A from "a" { n: int }
rule r
  match a: A
  emit  M {}
END

expect "no arguments: the list of verbs, exit 2" 2 "usage: ensue VERB"
expect "help" 0 "ensue demo" help
expect "--help" 0 "ensue demo" --help
expect "version" 0 "ensue 0." version
expect "--version" 0 "ensue 0." --version
for verb in check fmt compile test run explain graph list new infer dead demo; do
	expect "$verb --help" 0 "usage: ensue $verb" $verb --help
	expect "help $verb" 0 "usage: ensue $verb" help $verb
	expect "$verb: unknown option" 2 'there is no option `--nonsense`' $verb --nonsense
	expect "$verb: unknown letter" 2 'there is no option `-Z`' $verb -Z
done
expect "unknown verb with a near name" 2 'did you mean `check`?' chekc "$work/ok.ens"
expect "unknown verb" 2 "Verbs: check" frobnicate
expect "an option before the verb" 2 "stands before the verb" --format json check
expect "near option" 2 'did you mean `--format`?' check --formta json "$work/ok.ens"
expect "missing value" 2 "--format needs a value" check "$work/ok.ens" --format
expect "value where there is none" 2 "takes no value" check --quiet=1 "$work/ok.ens"
expect "check without a file" 2 "no rule file" check
expect "check: unknown format" 2 "one of text, json" check --format xml "$work/ok.ens"
expect "check: unknown dump" 2 "one of ast, graph, tables" check --dump pdf "$work/ok.ens"
expect "test without a file" 2 "no rule file" test
expect "test: unknown format" 2 "one of text, json" test --format xml "$work/ok.ens"
expect "fmt without a file" 2 "no rule file" fmt --check
expect "compile without output" 2 "-o rules.ensc" compile "$work/ok.ens"
expect "run without rules" 2 "nor rules with -e" run --input "$work/ok.ens"
expect "run without a source" 2 "--redis" run "$work/ok.ens"
expect "run with two kinds of source" 2 "--input" run "$work/ok.ens" --redis unix:///nowhere --job j --input -
expect "run on Redis without a job" 2 "--job" run "$work/ok.ens" --redis unix:///nowhere
expect "run: bad job name" 2 "--job" run "$work/ok.ens" --redis unix:///nowhere --job 'a b'
expect "run: bad URL" 2 "--redis" run "$work/ok.ens" --redis http://localhost --job j
expect "run: at-end" 2 "flush, hold" run "$work/ok.ens" --input - --at-end later
expect "run: rules and events from standard input" 2 "both" run - --input -
expect "dead without a word" 2 "list, show or replay" dead --redis unix:///nowhere
expect "dead: unknown word" 2 "none of list, show, replay" dead lits --redis unix:///nowhere
expect "dead without a server" 2 "--redis URL" dead list
expect "dead: whose" 2 "--job NAME" dead replay --all --redis unix:///nowhere
expect "dead: which" 2 "--reason CODE, or --all" dead replay --job j --redis unix:///nowhere
expect "dead show: which" 2 "their IDs, or --reason CODE" dead show --job j --redis unix:///nowhere
expect "dead: all or some" 2 "no choice" dead replay --all 1-1 --job j --redis unix:///nowhere
expect "dead: limit" 2 "a number of letters" dead list --limit many --redis unix:///nowhere
expect "dead: no server there" 3 "/nowhere" dead list --redis unix:///nowhere
expect "demo takes no files" 2 "takes no files" demo x
expect "options behind operands" 0 "" check "$work/ok.ens" --quiet
expect "operands behind --" 3 "can't be read" check -- --quiet
ENSUE_REDIS=unix://$work/none ENSUE_JOB=j
export ENSUE_REDIS ENSUE_JOB
expect "variables stand for options" 3 "$work/none" run "$work/ok.ens"
unset ENSUE_REDIS ENSUE_JOB

# all verbs that take rules have these
for verb in check compile test run explain graph list; do
	for option in --set --allow-import --deny --allow; do
		expect "$verb $option" 0 "$option " $verb --help
	done
	expect "$verb --set without a value" 2 "write it as NAME=VALUE" $verb --set n "$work/ok.ens"
	expect "$verb --deny of no warning" 2 "there is no such warning" $verb --deny W9999 "$work/ok.ens"
done

# what --help says and what the documentation says are one thing
missing=
for verb in check fmt compile test run explain graph list infer dead; do
	for option in $("$ENSUE" $verb --help | sed -n 's/^  .*--\([a-z-]*\).*/\1/p'); do
		[ "$option" = help ] && continue
		tr -d '\\' <"$ENSUE_SOURCE/docs/ensue.1" | grep -q -e "--$option" || missing="$missing ensue.1:$option"
		[ $verb != test ] || grep -q -e "--$option" "$ENSUE_SOURCE/docs/testing.md" || missing="$missing testing.md:$option"
		[ $verb != run ] || grep -q -e "--$option" "$ENSUE_SOURCE/docs/running.md" || missing="$missing running.md:$option"
	done
done
equal "every option is documented" "" "$missing"
finish
