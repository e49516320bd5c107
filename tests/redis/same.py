"""The same events give the same emissions, from files and from Redis, in whatever order within the lateness they come, however
the streams interleave and whatever is read at once.

  same.py URL SEED     exit 0 and a line for each comparison, or exit 1

Called by tests/redis/same.sh, with ENSUE and the redis-cli on PATH.
"""
import json
import os
import random
import signal
import subprocess
import sys
import time

ENSUE = os.environ["ENSUE"]
SECOND = 1000000
START = 1767600000 * SECOND
LATENESS = {"web": 2 * SECOND, "shop": 5 * SECOND, "pay": 0}
STREAM = {"View": "web", "Cart": "shop", "Paid": "pay", "EndW": "web", "EndS": "shop", "EndP": "pay"}
RULES = """
event View from "web" where event = "View" { user: string, n: int, at: time(us) } time at lateness 2s
event EndW from "web" where event = "EndW" { at: time(us) } time at
event Cart from "shop" where event = "Cart" { user: string, n: int, at: time(us) } time at lateness 5s unique n for 1h
event EndS from "shop" where event = "EndS" { at: time(us) } time at
event Paid from "pay" where event = "Paid" { user: string, n: int, at: time(us) } time at
event EndP from "pay" where event = "EndP" { at: time(us) } time at

rule bought
  key    user
  match  v: View -> c: Cart -> p: Paid
  within 30s
  emit   Bought to "out" { user, v: v.n, c: c.n, p: p.n, took: p.time - v.time }
rule left
  from   View, Cart, Paid
  key    user
  match  c: Cart -> not Paid for 20s
  emit   Left to "out" { user, n: c.n }
rule visit
  from   View, Cart, Paid
  key    user
  match  v: View+ -> not Paid
  within session 15s
  emit   Visit to "out" { user, views: count(v), sum: sum(v.n) }
rule in_a_row
  from   View, Cart
  match  a: View , b: Cart , c: View
  within 1m
  emit   Row to "out" { a: a.n, b: b.n, c: c.n }
rule alone
  key    user
  match  v: View[n % 7 = 0]
  emit   Seven to "out" { user, n: v.n }
"""


# Rules that read the same streams: what they emit comes in one order.
TOGETHER = {"bought": 0, "left": 0, "visit": 0, "in_a_row": 1, "alone": 2}
QUIET = ["-q", "--no-provenance", "--allow", "W0202", "--allow", "W0207"]


def make_events(rng, count):
    """(time, type, user, number), each time once."""
    times = sorted(rng.sample(range(count * SECOND // 2), count))
    events = [(START + t, rng.choice(["View", "View", "View", "Cart", "Cart", "Paid"]), "u%d" % rng.randrange(9), i)
              for i, t in enumerate(times)]
    for e in [e for e in events if e[1] == "Cart" and rng.random() < 0.1]:
        events.append((e[0] + 1, "Cart", e[2], e[3]))  # a producer's repeat, an instant later
    return sorted(events)


def arrival(rng, events):
    """In an order in which nothing is late; repeats stay behind what they repeat."""
    keyed = []
    last = {}
    for e in events:
        key = e[0] + rng.random() * LATENESS[STREAM[e[1]]] * 0.99
        if e[1] == "Cart":
            key = max(key, last.get(e[3], 0) + 0.001)
            last[e[3]] = key
        keyed.append((key, e))
    return [e for _, e in sorted(keyed)]


def end_of_time(events):
    end = max(e[0] for e in events) + 3600 * SECOND
    return [(end, kind) for kind in ("EndP", "EndS", "EndW")]


def as_text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        return json.dumps(value, separators=(",", ":"))
    return str(value)


def by_streams(emissions):
    return sorted(emissions, key=lambda e: TOGETHER[dict(e)["_rule"]])


def from_file(rules, name):
    done = subprocess.run([ENSUE, "run", rules, "--input", name, "--at-end", "hold"] + QUIET, check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60)
    out = []
    for line in done.stdout.decode().splitlines():
        members = json.loads(line, parse_int=str, parse_float=str)
        members.pop("_id")
        out.append(sorted((k, as_text(v)) for k, v in members.items() if v is not None))
    return by_streams(out)


def write_file(name, events, ends):
    with open(name, "w", encoding="utf-8") as f:
        for t, kind, user, n in events:
            print(json.dumps({"event": kind, "user": user, "n": n, "at": t}), file=f)
        for t, kind in ends:
            print(json.dumps({"event": kind, "at": t}), file=f)


class Redis:
    def __init__(self, sock):
        self.command = ["redis-cli", "-s", sock]

    def run(self, *args):
        return subprocess.run(self.command + list(args), check=True, stdout=subprocess.PIPE, timeout=60).stdout.decode()

    def feed(self, lines):
        subprocess.run(self.command, input="\n".join(lines) + "\n", check=True, stdout=subprocess.DEVNULL, timeout=60,
                       universal_newlines=True)

    def all_read(self, job):
        """Has the job committed that it read the last entry of every stream?"""
        head = self.run("hgetall", "ensue:{%s:0}:%s:0:head" % (job, job)).split("\n")
        read = dict(zip(head[::2], head[1::2]))
        return all(read.get("src:" + s, " ").split(" ")[1] == self.run("xrevrange", s, "+", "-", "count", "1").split("\n")[0]
                   for s in STREAM.values())

    def emissions(self):
        out = []
        for _, pairs in json.loads(self.run("--json", "xrange", "out", "-", "+") or "[]"):
            members = {pairs[i]: pairs[i + 1] for i in range(0, len(pairs), 2)}
            members.pop("_id")
            out.append(sorted(members.items()))
        return by_streams(out)


def xadd(event):
    t, kind, user, n = event
    return "xadd %s * event %s user %s n %d at %d" % (STREAM[kind], kind, user, n, t)


def from_redis(redis, url, rules, events, ends, read_size, live, want):
    redis.run("flushall")
    lines = [xadd(e) for e in events] + ["xadd %s * event %s at %d" % (STREAM[kind], kind, t) for t, kind in ends]
    if not live:
        redis.feed(lines)
    worker = subprocess.Popen([ENSUE, "run", rules, "--redis", url, "--job", "same", "--read-size", str(read_size)] + QUIET)
    try:
        for i in range(0, len(lines), 40):
            if live:
                redis.feed(lines[i:i + 40])
        until = time.monotonic() + 30
        while (int(redis.run("xlen", "out")) < want or not redis.all_read("same")) and time.monotonic() < until:
            time.sleep(0.02)
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait(30)
    return redis.emissions()


def compare(name, want, got):
    if want == got:
        print("ok %s" % name)
        return True
    at = next((i for i, (a, b) in enumerate(zip(want, got)) if a != b), min(len(want), len(got)))
    print("FAILED %s\n    emission %d of %d and %d differs:\n    %s\n    %s" % (
        name, at, len(want), len(got), want[at] if at < len(want) else "", got[at] if at < len(got) else ""))
    return False


def per_stream(events):
    """Each stream's events in one piece: the streams interleave as little as they can."""
    return [e for kind in ("pay", "shop", "web") for e in events if STREAM[e[1]] == kind]


def main():
    url, seed = sys.argv[1], int(sys.argv[2])
    rng = random.Random(seed)
    redis = Redis(url[len("unix://"):])
    events = make_events(rng, 600)
    ends = end_of_time(events)
    with open("same.ens", "w", encoding="utf-8") as f:
        f.write(RULES)
    write_file("sorted.ndjson", events, ends)
    want = from_file("same.ens", "sorted.ndjson")
    kinds = {dict(e)["_rule"] for e in want}
    good = compare("every rule has something to say", sorted(kinds), ["alone", "bought", "in_a_row", "left", "visit"])
    for i in range(4):
        came = arrival(rng, events)
        write_file("came.ndjson", came, ends)
        good &= compare("a file in the %d. order" % (i + 1), want, from_file("same.ens", "came.ndjson"))
        for read_size, live in ((1000, False), (rng.randrange(1, 20), False), (100, True)):
            good &= compare("redis in the %d. order, %d at once%s" % (i + 1, read_size, ", live" if live else ""), want,
                            from_redis(redis, url, "same.ens", came, ends, read_size, live, len(want)))
        good &= compare("redis in the %d. order, one stream after the other" % (i + 1), want,
                        from_redis(redis, url, "same.ens", per_stream(came), ends, 50, True, len(want)))
    return 0 if good else 1


sys.exit(main())
