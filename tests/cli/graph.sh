#!/bin/sh
# `ensue graph`: each format whole, what edges say, hostile names, and Graphviz: there, failing, not there.
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
cd "$work" || exit 99
cat >one.ens <<'EOF'
event Login from "logins" { user: string, ok: bool }
rule slips
  key     user
  match   fail: Login[not ok]{2,} -> hit: Login[ok and user != "a\"<b>\\"]
  within  1m
  emit    Slip { user }
EOF
cat >want.ascii <<'EOF'
[0] start
     |
     v
[1] fail: Login[not ok]
     |-- 2: -> --> [1]
     | 1: -> if fail at least 2 times
     v
[2] hit: Login[ok and user != "a\"<b>\\"]
     |
     v
match
EOF
cat >want.dot <<'EOF'
digraph "slips" {
  node [shape=box, style=rounded, fontname="sans-serif"];
  edge [fontname="sans-serif", fontsize=11];
  s0 [shape=circle, label="start"];
  match [shape=doublecircle, label="match"];
  s1 [label="fail: Login[not ok]"];
  s2 [label="hit: Login[ok and user != \"a\\\"<b>\\\\\"]"];
  s0 -> s1;
  s1 -> s2 [label="1: ->\lif fail at least 2 times\l"];
  s1 -> s1 [label="2: ->"];
  s2 -> match;
}
EOF
cat >want.mermaid <<'EOF'
flowchart TD
  s0(("start"))
  s1("fail: Login[not ok]")
  s2("hit: Login[ok and user != #34;a#92;#34;#60;b#62;#92;#92;#34;]")
  match((("match")))
  s0 --> s1
  s1 -->|"1: -#62;<br/>if fail at least 2 times"| s2
  s1 -->|"2: -#62;"| s1
  s2 --> match
EOF
for format in ascii dot mermaid; do
	ensue graph one.ens slips --format $format
	equal "$format" "$(cat want.$format)" "$out"
	equal "$format: nothing else is said" "" "$err"
done
ensue graph one.ens
equal "the only rule, in characters" "$(cat want.ascii)" "$out"

cat >more.ens <<'EOF'
event A from "a" { n: int, k: string }
rule ways
  match a: A[n = 1] -> (x: A[n = 2] | (y: A[n = 3] ->> z: A)) , (p: A[n = 4] & q: A[n = 5])
  where z.n > 7
  within session 1h
  emit  M { k: a.k }
rule limits
  match not A[n = 0] for 1m -> a: A[n = 1]{2,3} -> not A[n = 9] -> after 1s within 5s b: A[n = 2]+ until A[n = 8]
  where count(b) > 1
  within 1h
  emit  M { k: "" }
rule ends
  match a: A[n = 1] -> (b: A[n = 2] -> c: A[n = 3]){2,4} -> not A[n = 4]
  within 1h
  emit  M { k: "" }
rule very
  match a: A , not A[n = 2] -> b: A[n = 3] -> not A for 30s
  emit  M { k: "" }
EOF
ensue graph more.ens ways
contains "branches have one number" "$out" "|-- 1: -> --> [3]"
contains "the other one" "$out" "| 1: ->
     v
[2] x"
contains "any later, with where" "$out" "| ->>
     v
[4] z: A where z.n > 7"
contains "parts" "$out" "1: , if not taken yet"
contains "all parts" "$out" "2: if all parts taken
     v
match"
ensue graph more.ens limits
contains "an absence before" "$out" "| not A[n = 0] for 1m"
contains "limits, counts and absences" "$out" "1: -> after 1s, within 5s, if a at least 2 times, not A[n = 9]"
contains "a maximum" "$out" "if a fewer than 3 times --> [1]"
contains "until" "$out" "until A[n = 8]"
contains "an exit guard" "$out" "1: if count(b) > 1"
ensue graph more.ens ends
contains "rounds" "$out" "if the group fewer than 4 times --> [2]"
contains "an absence until the end" "$out" "not A[n = 4] until the scope ends"
ensue graph more.ens very
contains "the very next" "$out" "-> , not A[n = 2]"
contains "a timed absence at the end" "$out" "not A for 30s"

printf 'event A from "a" { n: int }\nrule `x\033[31m"y` "t"\n  match `a\001b]"`: A -> b: A\n  within 1m\n  emit M { n: b.n }\n' >hostile.ens
for format in ascii dot mermaid; do
	ensue graph hostile.ens --format $format
	equal "$format: hostile names" 0 "$code"
	equal "$format: no control characters" "" "$(printf '%s' "$out" | tr -d '\n' | tr -cd '\000-\037\177')"
done
ensue explain hostile.ens
equal "explain: no control characters" "" "$(printf '%s' "$out" | tr -d '\n' | tr -cd '\000-\037\177')"

# a Graphviz of our own: shows that it was given the drawing and asked for SVG
mkdir bin empty
cat >bin/dot <<'EOF'
#!/bin/sh
echo "<svg>$1"
cat
EOF
chmod +x bin/dot
path=$PATH
PATH=$work/bin:$path
ensue graph one.ens --format svg
equal "svg: what Graphviz makes of it" "<svg>-Tsvg
$(cat want.dot)" "$out"
printf '#!/bin/sh\nexit 3\n' >bin/dot
expect "Graphviz fails" 3 '`dot` failed' graph one.ens --format svg
PATH=$work/empty
"$ENSUE" graph one.ens --format svg 2>err
code=$?
PATH=$path
equal "no Graphviz: exit 3" 3 "$code"
contains "no Graphviz: the package to install" "$(cat err)" "install the package graphviz"

expect "several rules: which?" 2 "the file has 4 rules" graph more.ens
expect "a rule that is not there" 1 'did you mean `ways`?' graph more.ens way
expect "unknown format" 2 "one of ascii, dot, mermaid, svg" graph one.ens --format png
expect "no file" 2 "no rule file" graph
expect "too many words" 2 "too many words" graph one.ens slips more
finish
