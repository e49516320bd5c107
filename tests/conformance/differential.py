#!/usr/bin/env python3
"""Random rules over short random streams: the `ensue` command against reference.py, default `match`.

  differential.py [--ensue PATH] [--seeds A-B] [--seconds N] [--jobs N] [--save FILE]
  differential.py --self [--seeds A-B]    no command: every default match of the reference must also be an
                                          assignment of its `match all`
A seed always gives the same case. A difference is minimised (events dropped, pattern simplified, times kept)
and printed with its seed; where one other reading of an open corner (reference.READINGS) gives the command's
answer, its name is printed too. --save appends the minimised cases as JSON lines, expected being the
reference's answer. Exit code 1 when there are differences."""
import argparse
import collections
import copy
import itertools
import json
import multiprocessing
import os
import random
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import reference  # noqa: E402  (the flag above must come first)
from harness import Command, show  # noqa: E402

NAMES = "abcd"
DURATIONS = [5, 10, 20, 30, 50]
SCOPES = [20, 30, 50, 80, 120]
STEPS = [0, 5, 5, 10, 10, 10, 15, 20, 30, 30, 40]


# ------------------------------------------------------------------------------------------- making a case
# Nodes are dicts, so that a case can be copied, cut down and printed:
#   step {kind,name,type,cond}  group {kind,items:[(arrow,node)]}  alt/and {kind,parts}  not {kind,type,cond,dur}
# A positive node may carry rep {text, word, greedy, until}. An arrow is {kind, after, within}.

class Maker:
    def __init__(self, seed):
        self.r = random.Random(seed)
        self.count = 0
        self.begun = False  # behind the first element, where there is a `prev`
        self.steps = []  # names usable in later conditions
        r = self.r
        self.types = ["E", "F"] if r.random() < 0.2 else ["E"]
        self.filter = r.random() < 0.15
        self.keyed = r.random() < 0.2
        self.scope = self.make_scope()
        self.letters = NAMES[:r.choice([2, 3, 4, 4])]

    def chance(self, p):
        return self.r.random() < p

    def make_scope(self):
        x = self.r.random()
        if x < 0.35:
            return None
        if x < 0.72:
            return f"{self.r.choice(SCOPES)}ms"
        if x < 0.88:
            return f"{self.r.randint(2, 8)} events"
        text = f"session {self.r.choice(DURATIONS)}ms"
        return text + f" max {self.r.choice(SCOPES)}ms" if self.chance(0.3) else text

    def make_type(self):
        if self.filter and self.chance(0.3):
            return "G"
        return self.r.choice(self.types)

    def condition(self, own=None):
        r = self.r
        names = r.sample(self.letters, 2 if self.chance(0.35) else 1)
        out = [f'name = "{names[0]}"' if len(names) == 1 else f'(name = "{names[0]}" or name = "{names[1]}")']
        if self.chance(0.06):
            out = []
        if self.chance(0.2):
            out.append(f"price {r.choice(['<', '>=', '!='])} {r.randint(0, 4)}")
        if self.steps and self.chance(0.25):
            s = r.choice(self.steps)
            out.append(r.choice([
                f"price <= last({s}).price", f"price > last({s}).price", f"price != first({s}).price",
                f"count({s}) >= {r.randint(1, 2)}", f"sum({s}.price) >= {r.randint(1, 5)}",
                f"price >= avg({s}.price)", f"price <= max({s}.price)", f"price > min({s}.price)"]))
        if self.begun and self.chance(0.05):
            out.append("(prev.price is null or price >= prev.price)")
        if own and self.chance(0.15):
            out.append(r.choice([f"sum({own}.price) + price <= {r.randint(3, 8)}", f"count({own}) < {r.randint(1, 3)}",
                                 f"(last({own}).price is null or price >= last({own}).price)"]))
        return " and ".join(out)

    def step(self, repeated=False):
        self.count += 1
        name = f"s{self.count}"
        node = {"kind": "step", "name": name, "type": self.make_type(), "cond": self.condition(name if repeated else None)}
        self.steps.append(name)
        return node

    def repetition(self, single, p):
        if not self.chance(p):
            return None
        r = self.r
        text = r.choice(["?", "?", "*", "+", "+", "{2}", "{2,3}", "{1,2}", "{2,}", "{,2}"])
        word = r.choice(["", "relaxed", "consecutive", "combinations"]) if self.chance(0.8) else "relaxed"
        if word == "combinations" and text in ("*", "+", "{2,}") and self.chance(0.5):
            word = "relaxed"
        greedy = single and self.chance(0.35)
        until = [self.make_type(), self.condition()] if single and text != "?" and self.chance(0.15) else None
        return {"text": text, "word": "" if text == "?" else word, "greedy": greedy, "until": until}

    def arrow(self, limits=True):
        r = self.r
        kind = r.choices(["->", ",", "->>"], [60, 20, 20])[0]
        out = {"kind": kind, "after": None, "within": None}
        if limits and kind != "," and self.chance(0.15):
            if self.chance(0.5):
                out["after"] = r.choice(DURATIONS)
            else:
                out["within"] = r.choice(DURATIONS)
            if out["after"] and self.chance(0.2):
                out["within"] = out["after"] + r.choice([5, 10, 30])
        return out

    def absence(self):
        return {"kind": "not", "type": self.make_type(), "cond": self.condition(),
                "dur": self.r.choice(DURATIONS) if self.chance(0.45) else None}

    def element(self, depth):
        x = self.r.random()
        if x < 0.68 or depth > 2:
            single = self.repetition(True, 0.42)
            node = self.step(repeated=single is not None)
            if single:
                node["rep"] = single
            return node
        if x < 0.78:
            parts = [self.step() if self.chance(0.8) or depth > 1 else self.group(depth + 1, False)
                     for _ in range(self.r.choice([2, 2, 3]))]
            node = {"kind": "alt", "parts": parts}
        elif x < 0.87:
            node = {"kind": "and", "parts": [self.step() for _ in range(self.r.choice([2, 2, 3]))]}
        else:
            return self.group(depth + 1, True)
        rep = self.repetition(False, 0.15)
        if rep:
            node["rep"] = rep
        return node

    def group(self, depth, repeat):
        node = {"kind": "group", "items": self.sequence(depth, self.r.choice([1, 2, 2, 3]))}
        rep = self.repetition(False, 0.6) if repeat else None
        if rep:
            node["rep"] = rep
        return node

    def sequence(self, depth, length):
        items = []
        for i in range(length):
            if i and self.chance(0.15):
                absence = self.absence()
                kind = "->" if absence["dur"] or self.chance(0.7) else ","
                items.append([{"kind": kind, "after": None, "within": None}, absence])
                if self.chance(0.08):
                    items.append([{"kind": "->", "after": None, "within": None}, self.absence()])
            items.append([self.arrow() if items else None, self.element(depth)])
            self.begun = self.begun or depth == 0
        return items

    def where(self, items):
        """A conjunct or two over the steps that stand outside groups."""
        r, out = self.r, []
        plain = [n for _, n in items if n["kind"] == "step"]
        for n in r.sample(plain, min(len(plain), r.choice([1, 1, 2]))):
            if n.get("rep") and n["rep"]["text"] != "?":
                out.append(r.choice([f"sum({n['name']}.price) >= {r.randint(1, 6)}", f"count({n['name']}) >= {r.randint(1, 3)}",
                                     f"last({n['name']}).price >= {r.randint(1, 3)}", f"count({n['name']}) != 1"]))
            else:
                before = [m["name"] for m in plain[:plain.index(n)] if not m.get("rep")]
                out.append(f"{n['name']}.price >= {r.choice(before)}.price" if before else f"{n['name']}.price >= 1")
        return " and ".join(out) or None

    def case(self):
        r = self.r
        lead = self.absence() if self.chance(0.08) else None
        items = self.sequence(0, r.choice([1, 2, 2, 3, 3, 4]))
        if lead:
            lead["dur"] = lead["dur"] or (None if (self.scope or "").startswith("session") else r.choice(DURATIONS))
            items[0][0] = {"kind": r.choice(["->", "->", "->>"]), "after": None, "within": None}
            items.insert(0, [None, lead])
        if self.chance(0.2):
            last = self.absence()
            if self.scope is None and not last["dur"] and self.chance(0.6):
                last["dur"] = r.choice(DURATIONS)
            kind = "->" if last["dur"] or (self.scope and self.chance(0.6)) else ","
            items.append([{"kind": kind, "after": None, "within": None}, last])
        where = self.where(items) if self.chance(0.12) else None
        takes = None
        if self.chance(0.15):
            takes = list(self.types)
        events, t = [], 1000
        for _ in range(r.randint(5, 14)):
            t += r.choice(STEPS)
            e = {"t": t, "name": r.choice(self.letters), "price": float(r.randint(0, 4))}
            if len(self.types) > 1:
                e["event"] = r.choice(self.types)
            if self.keyed:
                e["k"] = r.choice("xy")
            if self.chance(0.02):
                del e["price"]
            events.append(e)
        return {"types": self.types, "filter": self.filter, "keyed": self.keyed, "scope": self.scope, "takes": takes, "where": where,
                "items": items, "events": events, "at_end": r.choice(["flush", "hold"])}


def arrow_text(a):
    out = a["kind"]
    if a["after"]:
        out += f" after {a['after']}ms"
    if a["within"]:
        out += f" within {a['within']}ms"
    return out


def ref_text(type_name, cond):
    return f"{type_name}[{cond}]" if cond else type_name


def node_text(n):
    if n["kind"] == "not":
        return "not " + ref_text(n["type"], n["cond"]) + (f" for {n['dur']}ms" if n["dur"] else "")
    if n["kind"] == "step":
        out = f"{n['name']}: " + ref_text(n["type"], n["cond"])
    elif n["kind"] == "group":
        out = "(" + items_text(n["items"]) + ")"
    else:
        out = "(" + (" | " if n["kind"] == "alt" else " & ").join(node_text(p) for p in n["parts"]) + ")"
    rep = n.get("rep")
    if rep:
        out += rep["text"] + (" " + rep["word"] if rep["word"] else "") + (" greedy" if rep["greedy"] else "")
        out += " until " + ref_text(*rep["until"]) if rep["until"] else ""
    return out


def items_text(items):
    return " ".join((arrow_text(a) + " " if a else "") + node_text(n) for a, n in items)


def rules_text(case):
    out = []
    for t in case["types"]:
        which = f' where event = "{t}"' if len(case["types"]) > 1 else ""
        out.append(f'event {t} from "in"{which} {{\n  t     : time(ms)\n  name  : string\n  price : float?\n'
                   + ("  k     : string\n" if case["keyed"] else "") + "} time t")
    if case["filter"]:
        out.append(f"event G = {case['types'][-1]}[price >= 2]")
    out.append("rule r")
    if case["takes"]:
        out.append("  from    " + ", ".join(case["takes"]))
    if case["keyed"]:
        out.append("  key     k")
    out.append("  match   " + items_text(case["items"]))
    if case["where"]:
        out.append(f"  where   {case['where']}")
    if case["scope"]:
        out.append(f"  within  {case['scope']}")
    out.append("  emit    M {}\n")
    return "\n".join(out)


# ------------------------------------------------------------------------------------------ cutting it down

def smaller(case):
    """Cases one step simpler than this one, the boldest cuts first."""
    n = len(case["events"])
    for size in (n // 2, n // 4, 1):
        if size:
            for i in range(0, n, size):
                yield {**case, "events": case["events"][:i] + case["events"][i + size:]}
    for items in smaller_items(case["items"]):
        yield {**case, "items": items}
    if case["scope"]:
        yield {**case, "scope": None}
    if case["takes"]:
        yield {**case, "takes": None}
    if case["where"]:
        yield {**case, "where": None}
    if case["filter"]:
        yield {**case, "filter": False}
    if case["keyed"]:
        plain = [{k: v for k, v in e.items() if k != "k"} for e in case["events"]]
        yield {**case, "keyed": False, "events": plain}
    if len(case["types"]) > 1 and "F[" not in rules_text(case) + "F":
        plain = [{k: v for k, v in e.items() if k != "event"} for e in case["events"] if e["event"] == "E"]
        yield {**case, "types": ["E"], "events": plain}


def smaller_items(items):
    for i, (arrow, node) in enumerate(items):
        rest = items[:i] + items[i + 1:]
        if rest:
            if i == 0:
                rest = [[None, rest[0][1]]] + rest[1:]
            yield rest
        if node["kind"] == "group" and not node.get("rep"):
            inner = copy.deepcopy(node["items"])
            inner[0][0] = arrow
            yield items[:i] + inner + items[i + 1:]
        if arrow and (arrow["after"] or arrow["within"]):
            yield items[:i] + [[{"kind": arrow["kind"], "after": None, "within": None}, node]] + items[i + 1:]
        for simple in smaller_node(node):
            yield items[:i] + [[arrow, simple]] + items[i + 1:]


def smaller_node(n):
    rep = n.get("rep")
    if rep:
        yield {k: v for k, v in n.items() if k != "rep"}
        if rep["until"]:
            yield {**n, "rep": {**rep, "until": None}}
        if rep["greedy"]:
            yield {**n, "rep": {**rep, "greedy": False}}
        if rep["word"]:
            yield {**n, "rep": {**rep, "word": ""}}
    if n["kind"] in ("alt", "and"):
        for p in n["parts"]:
            yield p
        if len(n["parts"]) > 2:
            for i in range(len(n["parts"])):
                yield {**n, "parts": n["parts"][:i] + n["parts"][i + 1:]}
        for i, p in enumerate(n["parts"]):
            for simple in smaller_node(p):
                yield {**n, "parts": n["parts"][:i] + [simple] + n["parts"][i + 1:]}
    elif n["kind"] == "group":
        for items in smaller_items(n["items"]):
            yield {**n, "items": items}
    else:
        parts = n["cond"].split(" and ")
        if len(parts) > 1 and "between" not in n["cond"]:
            for i in range(len(parts)):
                yield {**n, "cond": " and ".join(parts[:i] + parts[i + 1:])}
        if n["kind"] == "not" and n["dur"]:
            yield {**n, "dur": None}
        if n["type"] != "E":
            yield {**n, "type": "E"}


def expected_of(case, **more):
    try:
        return reference.matches(rules_text(case), case["events"], case["at_end"], **more)
    except (reference.Unsupported, reference.TooBig, RecursionError):
        return None


def differs(command, case):
    """(expected, outcome) when both sides answer and the answers differ, else None."""
    expected = expected_of(case)
    if expected is None or not case["events"]:
        return None
    got = command.run(rules_text(case), case["events"], case["at_end"])
    if got.kind in ("refused", "unsupported") or (got.kind == "ok" and got.matches == expected):
        return None
    return expected, got


def same_kind(command, case, reading):
    """Does this case differ, and is it explained as the bigger one was?"""
    both = differs(command, case)
    return both and (both[1].kind != "ok" or other_reading(case, both[1].matches) == reading)


def minimise(command, case, reading, seconds=10):
    until = time.monotonic() + seconds
    again = True
    while again and time.monotonic() < until:
        again = False
        for simple in smaller(case):
            if same_kind(command, simple, reading):
                case, again = simple, True
                break
    return case


def other_reading(case, got):
    """The readings, one or two of them, that would have to be others for the reference to answer `got`."""
    other = {name: not value for name, value in reference.READINGS.items()}
    for names in [*itertools.combinations(other, 1), *itertools.combinations(other, 2)]:
        if expected_of(case, readings={name: other[name] for name in names}) == got:
            return " and ".join(names)
    return None


# ------------------------------------------------------------------------------------------------- running

COMMAND = None


def start_worker(path):
    global COMMAND
    COMMAND = Command(path)


def try_seed(seed):
    case = Maker(seed).case()
    expected = expected_of(case)
    if expected is None:
        return seed, "outside", None
    got = COMMAND.run(rules_text(case), case["events"], case["at_end"])
    if got.kind in ("refused", "unsupported"):
        return seed, got.kind, got.text
    if got.kind == "ok" and got.matches == expected:
        return seed, "same", len(expected)
    reading = other_reading(case, got.matches) if got.kind == "ok" else None
    case = minimise(COMMAND, case, reading)
    expected, got = differs(COMMAND, case)
    return seed, "different", (case, expected, got, reading)


def self_check(seed):
    case = Maker(seed).case()
    first, every = expected_of(case), expected_of(case, mode="all")
    if first is None or every is None:
        return seed, "outside", None
    pool = collections.Counter(map(tuple, every))
    pool.subtract(map(tuple, first))
    if any(v < 0 for v in pool.values()):
        return seed, "different", (case, every, first, None)
    return seed, "same", len(first)


def parse_seeds(text):
    a, _, b = text.partition("-")
    return range(int(a), int(b or a) + 1)


def report(seed, detail, own):
    case, expected, got, reading = detail
    kind = f"\nother reading of an open corner: {reading}" if reading else ""
    if own:
        answer = f"match all {expected}\ndefault   {got}"
    else:
        answer = f"expected {expected}\ngot      {got.matches if got.kind == 'ok' else got.kind + ': ' + got.text.strip()}"
    print(f"DIFFERENT seed {seed}  ({case['at_end']}){kind}\n{rules_text(case).rstrip()}\n{show(case['events'])}\n{answer}\n",
          flush=True)


def main():
    ap = argparse.ArgumentParser(description="random differential test of ensue against the reference")
    ap.add_argument("--ensue", default=os.environ.get("ENSUE", "ensue"))
    ap.add_argument("--seeds", default="1-2000")
    ap.add_argument("--seconds", type=float, default=0, help="stop after so long")
    ap.add_argument("--jobs", type=int, default=2)
    ap.add_argument("--self", action="store_true", dest="own")
    ap.add_argument("--max", type=int, default=20, help="stop after so many differences")
    ap.add_argument("--save", help="append minimised differences here")
    args = ap.parse_args()
    until = time.monotonic() + args.seconds if args.seconds else None
    tally, refusals, matched, differences = collections.Counter(), collections.Counter(), 0, 0
    work = self_check if args.own else try_seed
    begin = None if args.own else start_worker
    with multiprocessing.Pool(args.jobs, begin, () if args.own else (args.ensue,)) as pool:
        for seed, kind, detail in pool.imap_unordered(work, parse_seeds(args.seeds), chunksize=8):
            tally[kind] += 1
            if kind == "same":
                matched += detail > 0
            elif kind in ("refused", "unsupported"):
                refusals[next((w for w in detail.replace("[", " ").replace("]", " ").replace(":", " ").split()
                               if w.startswith("E0")), detail[:60])] += 1
            elif kind == "different":
                differences += 1
                report(seed, detail, args.own)
                if args.save:
                    with open(args.save, "a", encoding="utf-8") as f:
                        case = detail[0]
                        f.write(json.dumps({"id": f"differential/{seed}", "rules": rules_text(case), "events": case["events"],
                                            "at_end": case["at_end"], "expected": detail[1]}) + "\n")
            if differences >= args.max or (until and time.monotonic() > until):
                pool.terminate()
                break
    counts = ", ".join(f"{v} {k}" for k, v in sorted(tally.items()))
    codes = "; refused: " + ", ".join(f"{v} {k}" for k, v in refusals.most_common()) if refusals else ""
    print(f"{counts} ({matched} of the same have matches){codes}")
    return 1 if differences else 0


def in_own_folder():
    """Workers that are stopped in the middle leave their folders: they are in this one."""
    with tempfile.TemporaryDirectory(prefix="ensue-differential-") as folder:
        tempfile.tempdir = folder
        return main()


if __name__ == "__main__":
    sys.exit(in_own_folder())
