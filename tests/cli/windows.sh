#!/bin/sh
# Rules with `window` in explain, graph, list and fmt.
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
cd "$work" || exit 99

# rule_of WINDOW [CLAUSE]: rules.ens with one rule
rule_of() {
	cat >rules.ens <<END
event View from "web:views" { url: string, status: int, ms: float }
event Slow = View[ms > 1000.0]

rule r "A title"
  from    v: View[status > 0], Slow
  key     url
  where   url like "/a*"
  window  $1
  having  n > 2
  emit    M to "out" { url, n: count(), errors: count(v[status >= 500]), slowest: max(v.ms), users: set(v.status) }
END
}
# told: what explain says, on one line
told() {
	ensue explain rules.ens
	printf '%s' "$out" | tr '\n' ' ' | tr -s ' '
}

rule_of 'hopping 1m every 7s revise 5m'
text=$(told)
for said in '- `v`: View[status > 0 and url like "/a*"], from "web:views"' '- Slow[url like "/a*"], from "web:views"' \
	'Each value of `url` has a state of its own' 'A window lasts 1m, and one begins every 7s' 'up to 9 of them' \
	'Windows without events are not told.' 'Events that come up to 5m too late change a window' \
	'- M to "out", with url, n, errors, slowest, users but only if `count() > 2` holds (`having`).' \
	'Of each window that is not complete' 'how many events there were in all' 'the different values of `v.status`, at most 1000' \
	'It is forgotten when the window is complete, and the time for late ones, 5m.'; do
	contains "hopping: $said" "$text" "$said"
done
case $text in
*'match'*) fail "no word of matches" "$text" ;;
*) pass "no word of matches" ;;
esac
# says WINDOW PART...: explain says each part of such a window
says() {
	rule_of "$1"
	text=$(told)
	shift
	for said; do
		contains "$said" "$text" "$said"
	done
}
says 'tumbling 1d empty forget after 30d' 'windows of 1d each, by the clocks of UTC' 'Windows without events are told, too, for every key that was seen' \
	'What has had no events for 4w2d is forgotten.'
says 'sliding 10m' 'At each event it looks at the events of the last 10m' 'Of each event of the window what these are made of' \
	'when the last of its events is no longer in the window'
says 'session 30m max 8h' 'as long as the next event comes within 30m of the one before, and no longer than 8h'
says '100 events' '100 events that follow one another are a window' 'however long they take to come'
says '100 events every 10' 'Each time that 10 more events have come, it looks at the last 100.'
says 'running forget after 1h' 'At each event it looks at all events since the first of the key.'

rule_of 'running'
cat >>rules.ens <<'END'
  reset   on Slow
  limit   1 per 1h
END
sed 's/having  n > 2/& once/' rules.ens >once.ens && mv once.ens rules.ens
text=$(told)
for said in 'After Slow the window of its key begins anew' 'At most 1 is told within 1h (`limit`) for each key' \
	'holds and did not the time before for the key (`having ... once`).' 'It is kept for ever.'; do
	contains "running: $said" "$text" "$said"
done

rule_of 'session 30m max 8h revise 1m'
ensue graph rules.ens
equal "ascii" '[1] v: View[status > 0 and url like "/a*"]
     |-- --> window

[2] Slow[url like "/a*"]
     |
     v
window session 30m max 8h revise 1m' "$out"
ensue graph --format dot rules.ens
contains "dot: the window" "$out" '  match [shape=box, label="window session 30m max 8h revise 1m"];'
contains "dot: an input" "$out" '  s2 -> match;'
case $out in
*start*) fail "dot: no start" "$out" ;;
*) pass "dot: no start" ;;
esac
ensue graph --format mermaid rules.ens
contains "mermaid: the window" "$out" '  match["window session 30m max 8h revise 1m"]'
contains "mermaid: an input" "$out" '  s1 --> match'
rule_of 'tumbling 1d zone "UTC" empty forget after 30d'
ensue graph rules.ens
contains "the window with its options" "$out" 'window tumbling 1d zone "UTC" empty forget after 4w2d'

ensue list rules.ens
contains "list" "$out" 'rule r "A title"'
ensue compile rules.ens -o one.ensc
cat >loose.ens <<'END'
event View from "web:views" { url: string, status: int, ms: float }
event Slow = View[ms > 1000.0]
rule r "A title"
 emit M to "out" { url, n: count(), errors: count(v[status >= 500]), slowest: max(v.ms), users: set(v.status) }
 having n > 2
 window tumbling   1d   zone "UTC"  empty forget after 30d
 where url like "/a*"
 key url
 from v:View[status>0],Slow
END
ensue fmt loose.ens
equal "fmt" "$(cat rules.ens)" "$(cat loose.ens)"
ensue compile loose.ens -o two.ensc
cmp -s one.ensc two.ensc
equal "fmt: the same tables" 0 $?

finish
