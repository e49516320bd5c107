"""Runs the `ensue` command on one rule file and one list of events, and reads back which events matched."""
import collections
import json
import os
import subprocess
import tempfile

Outcome = collections.namedtuple("Outcome", "kind matches text")  # kind: ok | unsupported | refused | crashed


class Command:
    """`ensue run RULES --input FILE --at-end ...` in a private folder, which is removed on exit."""

    def __init__(self, path, timeout_s=20):
        self.path, self.timeout_s = path, timeout_s
        self.folder = tempfile.TemporaryDirectory(prefix="ensue-conformance-")
        self.rules = os.path.join(self.folder.name, "rules.ens")
        self.input = os.path.join(self.folder.name, "events.ndjson")

    def run(self, rules, events, at_end):
        with open(self.rules, "w", encoding="utf-8") as f:
            f.write(rules)
        with open(self.input, "w", encoding="utf-8") as f:
            f.writelines(json.dumps(e) + "\n" for e in events)
        argv = [self.path, "run", self.rules, "--input", self.input, "--at-end", at_end]
        try:
            done = subprocess.run(argv, capture_output=True, text=True, timeout=self.timeout_s, check=False)
        except subprocess.TimeoutExpired:
            return Outcome("crashed", None, f"no end after {self.timeout_s} s")
        except UnicodeDecodeError as e:
            return Outcome("crashed", None, f"output is not UTF-8: {e}")
        if done.returncode == 1 and "E0900" in done.stderr:
            return Outcome("unsupported", None, done.stderr)
        if done.returncode == 1:
            return Outcome("refused", None, done.stderr)
        if done.returncode != 0:
            return Outcome("crashed", None, f"exit {done.returncode}\n{done.stderr}")
        return read(done)


def read(done):
    matches = []
    for line in done.stdout.splitlines():
        try:
            matches.append(sorted(int(n) for n in json.loads(line)["_events"]))
        except (ValueError, KeyError, TypeError):
            return Outcome("crashed", None, f"not an emission with _events: {line}")
    return Outcome("ok", sorted(matches), done.stderr)


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
