#!/bin/sh
# `ensue fmt`: the canonical form of every construct, what --check and --diff say, files that stay as they are; and for all
# rule texts of the tests and the documentation, as they are and mutated: formatting twice changes nothing more, nothing is
# lost, and the tables are the same.
#
# `fmt.sh SEED COUNT` looks at COUNT mutated texts of that seed in place of the 300 of every run.
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
seed=${1:-1}
count=${2:-300}
cd "$work" || exit 99

# formats NAME: standard input up to a line `--`, formatted, is what follows that line; and that is canonical.
formats() {
	awk 'f { print > "want" } /^--$/ { f = 1; next } !f { print > "given" }'
	ensue fmt - <given
	equal "$1" "$(cat want)" "$out$err"
	ensue fmt --check - <want
	equal "$1: canonical" "0" "$code$out$err"
	rm -f given want
}

formats "clauses in one order, their words in one column" <<'END'
event A from "a" {n:int,s : string}
rule   r "title"
 emit   X{n:a.n,s}
 meta { severity: "high" }
 on timeout emit T { step: step() }
 within 1m
 where a.n>1 and b.n<2
 match a:A->b:A
 emit Y to "y" { }
 key  s
--
event A from "a" { n: int, s: string }

rule r "title"
  key     s
  match   a: A -> b: A
  where   a.n > 1 and b.n < 2
  within  1m
  emit    X { n: a.n, s }
  emit    Y to "y" {}
  on timeout emit T { step: step() }
  meta    { severity: "high" }
END

formats "the rest of the clauses" <<'END'
rule r
  top 3 by -n
  limit (3) per 10m by (user)
  having  n>100 once
  skip to  first a
  reset on ( A|B[n=1] )
  window hopping 5m  every 1m revise (d+1m)
  derive D { a.* }
  from r :A , B[n>1]
  key user? , u:A.x=B.y
--
rule r
  from    r: A, B[n > 1]
  key     user?, u: A.x = B.y
  top     3 by -n
  window  hopping 5m every 1m revise (d + 1m)
  having  n > 100 once
  skip    to first a
  reset   on (A | B[n = 1])
  limit   3 per 10m by user
  derive  D { a.* }
END

formats "what the parser passes over" <<'END'
rule r
  top 3 by -n { a:1 , # one
    b [ (c) }
  match a:A
--
rule r
  match   a: A
  top     3 by -n {a: 1,  # one
            b[(c)}
END

formats "patterns" <<'END'
rule r
  match all a:A[not ok]{5,}greedy until (B|A[n=1]) ,not B ->> x:(A|B)? -> within(s.p-s.t) C+ relaxed -> after 2s within (5s) D{2 , 3} -> 2 of(A&B) ->not (B|C)for(3s)
--
rule r
  match   all a: A[not ok]{5,} greedy until (B | A[n = 1]) ,
          not B ->>
          x: (A | B)? -> within (s.p - s.t) C+ relaxed ->
          after 2s within 5s D{2,3} ->
          2 of (A & B) ->
          not (B | C) for 3s
END

formats "declarations" <<'END'
import   "common.ens"
param  threshold:int=5


fn pace( km,h )=if (h>0) then km/h else 0
event F=Login[ not ok ]
event Out to  "out"
event Login from "auth:logins",
  "auth:old" where (kind="x") and n>1 json payload { user:string
  ip:ip?, t:time( ms )=time(at) as "a.b"or "c.d", }
  time t sent t2
  late to "late"
table Account from "accounts" key id,b { id: int, b: string } delete when (op="d")
--
import "common.ens"
param threshold: int = 5

fn pace(km, h) = if h > 0 then km / h else 0
event F = Login[not ok]
event Out to "out"

event Login from "auth:logins", "auth:old" where kind = "x" and n > 1 json payload {
  user : string
  ip   : ip?
  t    : time(ms) = time(at) as "a.b" or "c.d"
} time t sent t2 late to "late"

table Account from "accounts" key id, b { id: int, b: string } delete when op = "d"
END

formats "options that do not fit behind the fields" <<'END'
event E from "e" { n: int } time at lateness 5s late to "a-stream-with-a-rather-long-name" idle 10s unique n for 10m sharded by n
--
event E from "e" {
  n : int
}
  time at
  lateness 5s
  late to "a-stream-with-a-rather-long-name"
  idle 10s
  unique n for 10m
  sharded by n
END

formats "tests" <<'END'
test "t" for r ,s{ start "2026-01-05T08:00:00Z"
5 times every 1s Login{user:"ann{i}"
ok : false}
 at 9s arriving 20s Login{ok:true}
 Login

 wait 30m
 expect 3 X{n:5}
 expect none}
--
test "t" for r, s {
  start "2026-01-05T08:00:00Z"
  5 times every 1s    Login { user: "ann{i}", ok: false }
  at 9s arriving 20s  Login { ok: true }
                      Login

  wait 30m
  expect 3 X { n: 5 }
  expect none
}
END

formats "parentheses: only those that change something" <<'END'
fn f(a, b) = ((a + b)) * (a * b) - (a - (b - 1)) + (-(1)) - (-(-a))
fn g(a, b) = not (a in (1, (2))) and (a or b) and (a and b) or ((a) is null) = true
fn h(a) = (if a then 1 else 2) + max((a), (if a then 1 else 2)) + a[(1)]
rule r
  match (A) -> (b: B -> c: C)
  within (5m)
--
fn f(a, b) = (a + b) * (a * b) - (a - (b - 1)) + -1 - -(-a)
fn g(a, b) = not a in (1, 2) and (a or b) and (a and b) or (a is null) = true
fn h(a) = (if a then 1 else 2) + max(a, if a then 1 else 2) + a[1]

rule r
  match   (A) -> (b: B -> c: C)
  within  5m
END

formats "literals and names stay as they are written" <<'END'
fn f(`a b`) = 1_000 + 2.50e3 + 90s + `a b` + "\x41\u{e9}#" + `match`
--
fn f(`a b`) = 1_000 + 2.50e3 + 90s + `a b` + "\x41\u{e9}#" + `match`
END

formats "comments stay where they belong" <<'END'


# of the file


## A login.
event Login from "l" { # fields
  ## the user
  user:string,   # who


  # address
  ip : ip ,
} # behind
# of the rule
rule r # title
  # of emit
  emit X { a:1, # one
     b : 2
     # end of items
  } # behind emit
  where a.n=1 and # first
    (b.n=2 # second
     or b.n=3)
  match a:A[
    # inner
    n=1] -> b:A
  # end of rule
# next
event B from "b" { n: int }
# end of file
--
# of the file

## A login.
event Login from "l" {  # fields
  ## the user
  user : string  # who

  # address
  ip   : ip
}  # behind

# of the rule
rule r  # title
  match   a: A[
            # inner
            n = 1] ->
          b: A
  where   a.n = 1 and  # first
          (b.n = 2  # second
            or b.n = 3)
  # of emit
  emit    X {
    a: 1  # one
    b: 2
    # end of items
  }  # behind emit
  # end of rule

# next
event B from "b" { n: int }
# end of file
END

formats "a comment that comes to stand alone documents nothing" <<'END'
event E from "e" {
  a: int # one
  , ## two
  b: int
}
--
event E from "e" {
  a : int  # one
  # two
  b : int
}
END

# long lines
{
	echo 'rule r'
	printf '  where a.n = 1'
	for i in 1 2 3 4 5 6 7 8 9; do printf ' and x.name%s between %s and 1000' $i $i; done
	printf '\n  emit X {'
	for i in 1 2 3 4 5 6 7 8 9; do printf ' name%s: first(step%s).name,' $i $i; done
	echo ' }'
} >long.ens
ensue fmt long.ens
contains "a long condition breaks behind its ands" "$(cat long.ens)" "  where   a.n = 1 and
          x.name1 between 1 and 1000 and
          x.name2"
contains "a long emission: an item a line" "$(cat long.ens)" "  emit    X {
    name1: first(step1).name
    name2"
printf '\357\273\277event E from "e" { n: int }\r\n\r\nrule r\r\n  match a: E # c\r\n' >crlf.ens
ensue fmt crlf.ens
equal "other line ends, and the mark at the beginning" "event E from \"e\" { n: int }

rule r
  match   a: E  # c" "$(cat crlf.ens)"

# files
printf 'rule r\n  match a:A\n' >rough.ens
printf 'rule r\n  match   a: A\n' >good.ens
cp rough.ens kept.ens
expect "--check names what would change" 1 "rough.ens" fmt --check good.ens rough.ens
equal "--check names nothing else" "rough.ens" "$out$err"
equal "--check changes nothing" "$(cat kept.ens)" "$(cat rough.ens)"
ensue fmt --check good.ens
equal "--check: all is well" "0" "$code$out$err"
ensue fmt --diff good.ens rough.ens
equal "--diff" "--- rough.ens
+++ rough.ens
@@ -1,2 +1,2 @@
 rule r
-  match a:A
+  match   a: A" "$out$err"
equal "--diff: exit 0" 0 "$code"
equal "--diff changes nothing" "$(cat kept.ens)" "$(cat rough.ens)"
expect "--check --diff: exit 1" 1 "+  match   a: A" fmt --check --diff rough.ens
printf 'rule r\n  match a:A' >cut.ens
expect "--diff: a last line without an end" 0 "\\ No newline at end of file" fmt --diff cut.ens
chmod 640 rough.ens
ln -s rough.ens link.ens
ensue fmt link.ens
equal "in place, through a link" "0$(cat good.ens)" "$code$out$err$(cat rough.ens)"
equal "the link is still one" "rough.ens" "$(readlink link.ens)"
equal "permissions stay" "-rw-r-----" "$(ls -l rough.ens | cut -c 1-10)"
equal "nothing is left beside it" "" "$(ls | grep 'ens\.......$')"
touch -d 2020-01-01 good.ens
ensue fmt good.ens
equal "a canonical file is not written" "" "$(find good.ens -newermt 2020-01-02)"
printf 'rule r\n  match a:A\n  within\n' >wrong.ens
cp wrong.ens kept.ens
cp cut.ens second.ens
expect "errors: messages, exit 1" 1 "wrong.ens:3:9: error" fmt wrong.ens second.ens
equal "a file with errors stays" "$(cat kept.ens)" "$(cat wrong.ens)"
equal "the other file is formatted all the same" "$(cat good.ens)" "$(cat second.ens)"
ensue fmt - <wrong.ens
equal "errors: nothing on standard output" "1" "$code$out"
expect "no such file" 3 "nowhere.ens can't be read" fmt nowhere.ens
mkfifo pipe.ens
start writer cp cut.ens pipe.ens
expect "no regular file" 3 "no regular file" fmt pipe.ens

# differs: the files of texts/ whose formatted form in once/ does not compile to the same tables
differs() {
	for file in texts/*.ens; do
		other=once/${file#texts/}
		cmp -s "$file" "$other" && continue
		"$ENSUE" compile "$file" -o a.ensc 2>/dev/null || continue
		{ "$ENSUE" compile "$other" -o b.ensc 2>/dev/null && cmp -s a.ensc b.ensc; } || echo "$file"
	done
}

# all_texts NAME LEAST: the properties, for the files in texts/; at least so many change
all_texts() {
	rm -rf once
	cp -r texts once
	ensue fmt once/*.ens
	[ "$code" -le 1 ] && pass "$1: each is formatted or has errors" || fail "$1: each is formatted or has errors" "$err"
	formatted=0
	for file in texts/*.ens; do
		cmp -s "$file" "once/${file#texts/}" || formatted=$((formatted + 1))
	done
	[ "$formatted" -ge "$2" ] && pass "$1: enough of them change" || fail "$1: enough of them change" "only $formatted"
	ensue fmt --check once/*.ens
	equal "$1: formatting again changes nothing" "" "$out"
	equal "$1: nothing is lost" "" "$(python3 "$texts_py" compare texts once)"
	equal "$1: the same tables" "" "$(differs)"
}

texts_py=$ENSUE_SOURCE/tests/cli/fmt_texts.py
mkdir texts
python3 "$texts_py" collect "$ENSUE_SOURCE" texts
all_texts "texts of the tests and the documentation" 200
mv texts pool
mkdir texts
python3 "$texts_py" mutate pool texts "$seed" "$count"
all_texts "mutated texts, seed $seed" $((count / 5))
finish
