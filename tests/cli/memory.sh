#!/bin/sh
# What `ensue explain` says that a rule keeps, against what the process takes: how much it grows from 10,000 keys to 100,000.
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
cd "$work" || exit 99

# keeps.py ENSUE KINDS PARTIALS MORE [TEXT...]: rule r.ens, for each key an event of each of KINDS.  Then a key has so many
# partial matches, which took so many events besides their first ones, and keeps texts of so many bytes.  Where partial
# matches share their events, PARTIALS is the number of these.  Prints how many
# bytes that is for each key by what is said, and how many are taken.
cat >keeps.py <<'EOF'
import array
import fcntl
import re
import subprocess
import sys
import termios
import time

ensue, kinds, partials, more = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
texts = [int(n) for n in sys.argv[5:]]
said = " ".join(subprocess.run([ensue, "explain", "r.ens"], stdout=subprocess.PIPE, text=True, check=True).stdout.split())


def number(pattern):
    found = re.search(pattern, said)
    return int(found.group(1)) if found else 0


def by_what_is_said():
    event, first_inside = number(r"and (\d+) for each event taken"), "for each event taken after the first" in said
    period = number(r"each period of `limit`: (\d+) bytes")
    out = partials * (number(r"each partial match: (\d+) bytes") + number(r"collects: (\d+) bytes") + number(r"at least (\d+) in all"))
    out += 2 * partials * number(r"however many partial matches it is in: (?:\d+ to )?(\d+) bytes")  # at most, with the room
    out += (more + (0 if first_inside else partials)) * event
    out += sum(n + number(r"its length and (\d+) bytes") for n in texts)
    if partials or not period:
        out += number(r"while anything is open: (\d+) bytes") + number(r"and (\d+) for the key itself") + len("k000000")
    return out + period + (len("k000000") if period else 0)


class Run:
    """The rule on events that are written into its standard input."""

    def __init__(self):
        self.time = 0
        self.child = subprocess.Popen([ensue, "run", "r.ens", "--input", "-", "--quiet"], stdin=subprocess.PIPE,
                                      stdout=subprocess.DEVNULL)

    def feed(self, keys):
        for kind in kinds:
            self.time += 1000
            self.child.stdin.write("".join(
                f'{{"event":"{kind}","t":{self.time},"k":"k{i:06}","x":{i},"s":"twenty bytes of text"}}\n' for i in keys).encode())
        self.child.stdin.flush()

    def waits(self):
        """Has it read and done all, so that it sleeps until there is more?"""
        left = array.array("i", [0])
        fcntl.ioctl(self.child.stdin, termios.FIONREAD, left)
        with open(f"/proc/{self.child.pid}/stat", encoding="ascii") as f:
            return left[0] == 0 and f.read().rsplit(")", 1)[1].split()[0] == "S"

    def resident(self):
        end = time.monotonic() + 60
        while not self.waits():
            time.sleep(0.01)
            if self.child.poll() is not None or time.monotonic() > end:
                sys.exit("the run ended, or does not come to an end of its input")
        with open(f"/proc/{self.child.pid}/status", encoding="ascii") as f:
            return int(re.search(r"VmRSS:\s*(\d+) kB", f.read()).group(1)) * 1024


run = Run()
run.feed(range(10000))
few = run.resident()
run.feed(range(10000, 100000))
many = run.resident()
run.child.stdin.close()
if run.child.wait():
    sys.exit("the run failed")
print(by_what_is_said(), (many - few) // 90000)
EOF

# keeps NAME KINDS PARTIALS MORE TEXTS RULE
keeps() {
	{
		for type in A B C; do
			echo "event $type from \"$type\" { t: time(ms), k: string, x: int, s: string } time t"
		done
		printf 'rule r\n  key k\n%s\n' "$6"
	} >r.ens
	# shellcheck disable=SC2086 # a number each
	if ! python3 keeps.py "$ENSUE" "$2" "$3" "$4" $5 >kept 2>kept.err; then
		fail "$1" "$(cat kept kept.err)"
		return
	fi
	read -r said taken <kept
	if [ $((taken * 100)) -ge $((said * 80)) ] && [ $((taken * 100)) -le $((said * 120)) ]; then
		pass "$1: $said bytes for each key are told, $taken are taken"
	else
		fail "$1" "bytes for each key that are told: $said, taken: $taken"
	fi
}

# Sanitizers take memory of their own.
! sanitized || exit 77

keeps "one step" A 1 0 '' '  match a: A -> b: B
  within 1h
  emit M {}'
keeps "an absence" A 1 0 '' '  match a: A -> not B for 1h
  emit M {}'
keeps "an absence that is remembered" CA 1 0 '' '  match not C for 500ms -> a: A -> b: B
  within 1h
  emit M {}'
keeps "numbers" A 1 0 '' '  match a: A -> b: B[x > a.x]
  within 1h
  emit M { x: a.x, t: a.t }'
keeps "a text" A 1 0 20 '  match a: A -> b: B[s = a.s]
  within 1h
  emit M {}'
keeps "a repetition, four times open" AAAA 4 6 '' '  match a: A{3,} -> b: B[x > last(a).x]
  within 1h
  emit M { n: count(a), s: sum(a.x) }'
keeps "a repetition whose events are shared" AAAA 9 0 '' '  match a: A{3,} -> b: B
  within 1h
  emit M { n: count(a), s: sum(a.x) }'
keeps "the newest" AAAA 4 6 '' '  match last a: A -> b: A{5}
  within 1h
  emit M { n: count(b) }'
keeps "branches" ABBB 4 0 '' '  match all a: A ->> b: B ->> c: C
  within 1h
  emit M { x: b.x }'
keeps "lists" AAAA 4 6 '' '  match a: A+ -> b: B[x > last(a).x]
  within 1h
  emit M { l: list(a.x) }'
keeps "lists of what is shared" AAAA 4 0 '' '  match a: A+ -> b: B
  within 1h
  emit M { l: list(a.x) }'
keeps "a group" ABA 2 2 '' '  match g: (a: A -> b: B){2,} -> c: C
  within 1h
  emit M { n: count(g) }'
keeps "a session" A 1 0 '' '  match a: A -> not B
  within session 1h
  emit M {}'
keeps "skip" AAB 2 2 '' '  match all a: A -> b: B -> c: C
  within 1h
  skip past last
  emit M {}'
keeps "limit" A 0 0 '' '  match a: A
  limit 1 per 1h
  emit M {}'
keeps "limit by" A 0 0 '' '  match a: A
  limit 1 per 1h by a.x
  emit M {}'
keeps "once" A 0 0 '' '  match a: A
  having a.x >= 0 once
  emit M {}'
finish
