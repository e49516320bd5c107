"""Runs the `ensue` command on one rule file and one list of events, and reads back which events matched."""
import collections
import datetime
import functools
import json
import os
import subprocess
import tempfile

# What the command answers to what it can't do yet: of the compiler, of `run`.
NOT_YET = ("E0900", "but not run yet")
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)

# kind: ok | unsupported | refused | crashed; matches: sorted lists of event numbers; emissions: as printed
Outcome = collections.namedtuple("Outcome", "kind matches text emissions", defaults=[None])
# kind: its type; start, end: us; fields: as they are in the JSON
Emission = collections.namedtuple("Emission", "rule key kind events start end suppressed fields")


class Command:
    """`ensue run RULES --input FILE --at-end ...` in a private folder, which is removed on exit."""

    def __init__(self, path, timeout_s=20, options=()):
        self.path, self.timeout_s, self.options = path, timeout_s, list(options)
        self.allowed = set()  # warnings not to be told
        self.folder = tempfile.TemporaryDirectory(prefix="ensue-conformance-")
        self.rules = os.path.join(self.folder.name, "rules.ens")
        self.input = os.path.join(self.folder.name, "events.ndjson")

    def run(self, rules, events, at_end):
        return self.run_lines(rules, [json.dumps(e) + "\n" for e in events], at_end)

    def run_lines(self, rules, lines, at_end):
        with open(self.rules, "w", encoding="utf-8") as f:
            f.write(rules)
        with open(self.input, "w", encoding="utf-8") as f:
            f.writelines(lines)
        argv = [self.path, "run", self.rules, "--input", self.input, "--at-end", at_end, *self.options]
        argv += [word for code in sorted(self.allowed) for word in ("--allow", code)]
        try:
            done = subprocess.run(argv, capture_output=True, text=True, timeout=self.timeout_s, check=False)
        except subprocess.TimeoutExpired:
            return Outcome("crashed", None, f"no end after {self.timeout_s} s")
        except UnicodeDecodeError as e:
            return Outcome("crashed", None, f"output is not UTF-8: {e}")
        if done.returncode == 1 and any(text in done.stderr for text in NOT_YET):
            return Outcome("unsupported", None, done.stderr)
        if done.returncode == 1:
            return Outcome("refused", None, done.stderr)
        if done.returncode != 0:
            return Outcome("crashed", None, f"exit {done.returncode}\n{done.stderr}")
        return read(done)


def read(done):
    lines = done.stdout.splitlines()
    try:
        emissions = [emission(o) for o in json.loads("[" + ",".join(lines) + "]")]
    except (ValueError, KeyError, TypeError, AttributeError):
        return Outcome("crashed", None, f"not all are emissions with _events:\n{done.stdout}")
    return Outcome("ok", sorted(e.events for e in emissions), done.stderr, emissions)


def emission(o):
    return Emission(o["_rule"], tuple(o.get("_key", {}).values()), o["_event"], sorted(int(n) for n in o["_events"]),
                    micros(o["_start"]), micros(o["_end"]), o.get("_suppressed", 0),
                    {name: v for name, v in o.items() if name[0] != "_"})


@functools.lru_cache(maxsize=100000)
def micros(text):
    """Microseconds of a time as emissions have it."""
    whole, _, part = text.rstrip("Z").partition(".")
    at = datetime.datetime.fromisoformat(whole + "+00:00")
    return int((at - EPOCH) / datetime.timedelta(seconds=1)) * 10**6 + int((part + "000000")[:6])


def agrees(case, got):
    """Is the outcome what the case expects? `expected`: the multiset of matches; `emitted`, where the case has it (one rule,
    one key): the emissions in order, by the members that it gives."""
    if got.kind != "ok" or got.matches != sorted(sorted(m) for m in case["expected"]):
        return False
    if "emitted" not in case:
        return True
    return len(got.emissions) == len(case["emitted"]) and all(
        all(value == {"event": e.kind, "events": e.events, "start": e.start / 1000, "end": e.end / 1000,
                      "suppressed": e.suppressed, "fields": e.fields}[name] for name, value in expected.items())
        for e, expected in zip(got.emissions, case["emitted"]))


def show(events):
    """The events on a few lines: number, type where several, name, price, other members, time in ms."""
    out = []
    for n, e in enumerate(events, 1):
        rest = " ".join(f"{k}={json.dumps(v)}" for k, v in e.items() if k not in ("t", "name", "price", "event"))
        kind = e["event"] + ":" if "event" in e else ""
        price = e.get("price")
        price = f"{price:g}" if isinstance(price, (int, float)) else "-"
        out.append(f"{n}: {kind}{e.get('name')}{price}@{e.get('t')}{' ' + rest if rest else ''}")
    return "   ".join(out)
