#!/usr/bin/env python3
"""Random rules over short random streams: the `ensue` command against reference.py.

  differential.py [--ensue PATH] [--seeds A-B] [--seconds N] [--jobs N] [--save FILE]
                  [--only LIST] [--without LIST]     constructs; --list names them, left out: all
                  [--option=--no-shared-matches]     of `ensue run`, too
  differential.py --self ...    no command: every match of the reference (without having, limit, timeouts) must also be
                                one of its `match all` without skip
A seed is a rule, tried on STREAMS streams, each of which is a case and has a number: 17.3 is the third of seed 17. A seed
and a set of constructs always give the same cases. In the command the streams of a rule are told apart by one more part of
its key, `b`; every ALONE-th seed has one stream, and its rule is as it is written. Many rules go through one `ensue`
process, each with its own types and stream; compared are, for each rule and key, the emissions in order: type, events,
_start, _end, _suppressed, emitted fields. A difference is minimised (events dropped, clauses, steps and conditions taken out, times kept)
and printed as a case of cases/*.jsonl; where one other reading of an open corner (reference.READINGS) gives the command's
answer, its name is printed too. --save appends the minimised cases as JSON lines, expected being the reference's answer.
Exit code 1 when there are differences."""
import argparse
import collections
import copy
import functools
import gc
import itertools
import json
import multiprocessing
import os
import random
import re
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import reference  # noqa: E402  (the flag above must come first)
from harness import NOT_YET, Command, Outcome, micros, show  # noqa: E402

CONSTRUCTS = {
    "first": "`match`", "last": "`match last`", "all": "`match all`",
    "types": "two event types", "filter": "a named filter", "from": "`from`, with brackets too",
    "keys": "`key`, composite, with nulls",
    "time scope": "`within D`", "events scope": "`within N events`", "session scope": "`within session`, with `max`",
    "repetition": "`? * + {m,n}`", "greedy": "behind a repetition", "until": "behind a repetition",
    "combinations": "behind a repetition",
    "group": "groups, repeated and nested", "group name": "and with a name", "either": "`|`", "and": "`&`",
    "absence": "`not B` between steps", "timed absence": "`for D`", "leading absence": "a `not` first",
    "trailing absence": "a `not` last",
    "arrow limits": "`-> after D within D`", "match limits": "durations from the match",
    "conditions on steps": "that name other steps, and aggregates over them", "own aggregates": "a step's own so far",
    "equal values": "conditions that a step's values are those of another: what waits for them may be indexed",
    "prev": "in conditions", "index": "`a[2]`, `a[-1]`",
    "either of two": "`(A | B)` in `not`, `until`, `reset on`", "named either": "`x: (A | B)`, repeated too",
    "absence in a group": "a `not` at the end of a repeated group",
    "where": "conjuncts over steps, exit guards", "where on groups": "exit guards of repeated groups",
    "having": "a filter of matches", "once": "`having ... once`",
    "skip": "all forms, with `match` and `match all`", "reset": "`reset on`", "limit": "`limit N per D by`",
    "timeout": "`on timeout emit`", "values": "fields in `emit`", "two emits": "a second `emit`",
    "step name": "`step()` in `on timeout emit`", "derive": "a rule over what another derives",
}
# What a rule may have whose matches are shared (runtime/shared.h): nothing looks at two events.
SHARED = frozenset(["all", "types", "filter", "from", "keys", "time scope", "events scope", "repetition", "until", "combinations",
                    "group", "group name", "either", "and", "absence", "either of two", "named either", "having", "once", "limit"])
NAMES = "abcd"
DURATIONS = [5, 10, 20, 30, 50]
SCOPES = [20, 30, 50, 80, 120]
STEPS = [0, 5, 5, 10, 10, 10, 15, 20, 30, 30, 40]
BEGIN = 1000  # ms
SPAN = 150    # ms: how long the streams of a rule last that looks at both their begin and their end
STREAMS, ALONE = 16, 8


# ------------------------------------------------------------------------------------------- making a case
# Nodes are dicts, so that a case can be copied, cut down and printed:
#   step {kind,name,type,cond,or}  group {kind,name,items:[(arrow,node)]}  alt/and {kind,parts}  not {kind,type,cond,or,dur}
# `or` is None, or the (type, condition) of the second of `(A | B)`: of a step that makes it a named either.
# A positive node may carry rep {text, word, greedy, until}. An arrow is {kind, after, within}. Durations are texts.

class Maker:
    def __init__(self, seed, switches=None):
        self.r = random.Random(seed)
        self.switches = frozenset(CONSTRUCTS if switches is None else switches)
        self.count = 0
        self.begun = False  # behind the first element, where there is a `prev`
        self.steps = []   # names usable in later conditions
        self.repeated = []
        self.groups = []
        r = self.r
        self.mode = r.choice([m for m in ("first", "last", "all") if m in self.switches] or ["first"])
        self.entries = ["E", "F"] if self.on("types", 0.2) else ["E"]
        self.types = self.entries  # that patterns name
        self.filter = self.on("filter", 0.15)
        self.keys = r.choice(["k", "k", "k", "k?", "k, h", "k, h?"]) if self.on("keys", 0.2) else None
        self.scope = self.make_scope()
        self.letters = NAMES[:r.choice([2, 2, 3, 3, 4])]

    def chance(self, p):
        return self.r.random() < p

    def on(self, construct, p):
        """Whether to use a construct: never when it is switched off; more often when few are on."""
        return self.r.random() < (min(3 * p, 0.7) if len(self.switches) <= 10 else p) and construct in self.switches

    def make_scope(self):
        x = self.r.random()
        if x < 0.37:
            return f"{self.r.choice(SCOPES)}ms" if "time scope" in self.switches else None
        if x < 0.53:
            return f"{self.r.randint(2, 8)} events" if "events scope" in self.switches else None
        if x < 0.65 and "session scope" in self.switches:
            text = f"session {self.r.choice(DURATIONS)}ms"
            return text + f" max {self.r.choice(SCOPES)}ms" if self.chance(0.3) else text
        return None

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
        if self.steps and self.on("equal values", 0.2):
            out = self.equal_values() + (out if self.chance(0.3) else [])
            r.shuffle(out)
        if self.chance(0.2):
            out.append(f"price {r.choice(['<', '>=', '!='])} {r.randint(0, 4)}")
        if self.steps and self.on("conditions on steps", 0.25):
            s = r.choice(self.steps)
            out.append(r.choice([
                f"price <= last({s}).price", f"price > last({s}).price", f"price != first({s}).price",
                f"count_distinct({s}.price) <= {r.randint(1, 2)}", f"price >= percentile({s}.price, {r.choice([0, 50, 90])})",
                f"count({s}) >= {r.randint(1, 2)}", f"sum({s}.price) >= {r.randint(1, 5)}",
                f"price >= avg({s}.price)", f"price <= max({s}.price)", f"price > min({s}.price)",
                f"time - last({s}).time <= {r.choice(DURATIONS)}ms"]))
        if self.groups and self.on("group name", 0.15):
            out.append(f"count({r.choice(self.groups)}) >= {r.randint(1, 2)}")
        if self.repeated and self.on("index", 0.15):
            out.append(f"price >= ({r.choice(self.repeated)}[{r.choice([1, 2, 3, -1, -2])}].price ?? 1)")
        if self.begun and self.on("prev", 0.05):
            out.append("(prev.price is null or price >= prev.price)")
        if own and self.on("own aggregates", 0.15):
            out.append(r.choice([f"sum({own}.price) + price <= {r.randint(3, 8)}", f"count({own}) < {r.randint(1, 3)}",
                                 f"count_distinct({own}.price) < {r.randint(1, 3)}",
                                 f"(last({own}).price is null or price >= last({own}).price)"]))
        return " and ".join(out)

    def equal_values(self):
        r, (s, u) = self.r, self.r.choices(self.steps, k=2)
        return r.choice([
            [f"name = last({s}).name"], [f"price = last({s}).price"], [f"first({s}).name = name"], [f"price = count({s})"],
            [f"name = last({s}).name", f"price >= last({u}).price"], [f"price = last({s}).price", f"name != last({u}).name"],
            [f"name = last({s}).name", f"price = last({u}).price"], [f"not name != first({s}).name"],
            [f"(name = last({s}).name or name = first({u}).name)"], [f"name = last({s}).name", f"price + 1 > first({u}).price"]])

    def duration(self):
        if self.steps and self.on("match limits", 0.1):
            return f"(count({self.r.choice(self.steps)}) * {self.r.choice(DURATIONS)}ms + 5ms)"
        return f"{self.r.choice(DURATIONS)}ms"

    def step(self, repeated=False):
        self.count += 1
        name = f"s{self.count}"
        node = {"kind": "step", "name": name, "type": self.make_type(), "cond": self.condition(name if repeated else None),
                "or": None}
        if repeated is not None and self.on("named either", 0.06):
            node["or"] = [self.make_type(), self.plain_condition()]
        self.steps.append(name)
        return node

    def repetition(self, single, p):
        if not self.on("repetition", p):
            return None
        r = self.r
        text = r.choice(["?", "?", "*", "+", "+", "{2}", "{2,3}", "{1,2}", "{2,}", "{,2}"])
        words = ["", "relaxed", "consecutive"] + (["combinations"] if "combinations" in self.switches else [])
        word = r.choice(words) if self.chance(0.8) else "relaxed"
        if word == "combinations" and text in ("*", "+", "{2,}") and self.chance(0.5):
            word = "relaxed"
        greedy = single and self.on("greedy", 0.35)
        until = None
        if single and text != "?" and self.on("until", 0.15):
            until = [self.make_type(), self.condition(), self.or_this()]
        return {"text": text, "word": "" if text == "?" else word, "greedy": greedy, "until": until}

    def arrow(self, limits=True):
        r = self.r
        kind = r.choices(["->", ",", "->>"], [60, 20, 20])[0]
        out = {"kind": kind, "after": None, "within": None}
        if limits and kind != "," and self.on("arrow limits", 0.15):
            if self.chance(0.5):
                out["after"] = self.duration()
            else:
                out["within"] = self.duration()
            if out["after"] and out["after"][0] != "(" and self.chance(0.2):
                out["within"] = f"{int(out['after'][:-2]) + r.choice([5, 10, 30])}ms"
        return out

    def or_this(self):
        return [self.make_type(), self.plain_condition()] if self.on("either of two", 0.12) else None

    def absence(self):
        node = {"kind": "not", "type": self.make_type(), "cond": self.condition(), "or": self.or_this(), "dur": None}
        if self.on("timed absence", 0.45):
            node["dur"] = self.duration()
        return node

    def element(self, depth):
        x = self.r.random()
        if x < 0.68 or depth > 2:
            single = self.repetition(True, 0.42)
            node = self.step(repeated=single is not None)
            if single:
                node["rep"] = single
                if single["text"] != "?":
                    self.repeated.append(node["name"])
            return node
        if x < 0.78 and "either" in self.switches:
            single = depth > 1 or "group" not in self.switches
            parts = [self.step() if self.chance(0.8) or single else self.group(depth + 1, False)
                     for _ in range(self.r.choice([2, 2, 3]))]
            node = {"kind": "alt", "parts": parts}
        elif x < 0.87 and "and" in self.switches:
            node = {"kind": "and", "parts": [self.step(None) for _ in range(self.r.choice([2, 2, 3]))]}
        elif "group" in self.switches:
            return self.group(depth + 1, True)
        else:
            return self.step()
        rep = self.repetition(False, 0.15)
        if rep:
            node["rep"] = rep
        return node

    def group(self, depth, repeat):
        node = {"kind": "group", "name": None, "items": self.sequence(depth, self.r.choice([1, 2, 2, 3]))}
        rep = self.repetition(False, 0.6) if repeat else None
        if rep:
            node["rep"] = rep
            if self.on("absence in a group", 0.12):
                node["items"].append([{"kind": "->", "after": None, "within": None}, self.absence()])
            if len(node["items"]) > 1 and self.on("group name", 0.4):
                node["name"] = f"g{len(self.groups) + 1}"
                self.groups.append(node["name"])
        return node

    def sequence(self, depth, length):
        items = []
        for i in range(length):
            if i and self.on("absence", 0.15):
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
        groups = [n for _, n in items if n["kind"] == "group" and n.get("rep") and n["rep"]["text"] != "?"]
        inner = [m["name"] for n in groups for _, m in n["items"] if m["kind"] == "step"]
        if inner and self.on("where on groups", 0.5):
            out.append(f"count({r.choice(inner)}) != {r.randint(1, 2)}")
        return " and ".join(out) or None

    def having(self):
        r, s = self.r, self.r.choice(self.steps)
        return r.choice([f"last({s}).price >= {r.randint(1, 3)}", f"count({s}) >= {r.randint(1, 2)}",
                         f"sum({s}.price) < {r.randint(2, 6)}", f"first({s}).price != {r.randint(0, 3)}"])

    def skip(self):
        name = self.r.choice(self.steps + self.groups)
        return self.r.choice(["none", "to next", "to next", "past last", "past last", "all", f"to first {name}",
                              f"to last {name}"])

    def limit(self):
        by = f" by count({self.r.choice(self.steps)})" if self.chance(0.3) else ""
        return f"{self.r.choice([1, 1, 2])} per {self.r.choice(DURATIONS + SCOPES)}ms{by}"

    def clauses(self, items):
        out = {}
        if self.on("where", 0.12):
            out["where"] = self.where(items)
        if self.on("having", 0.15):
            out["having"] = self.having()
        if self.on("once", 0.15):
            out["having"] = self.having() + " once"
        if self.mode != "last" and self.on("skip", 0.5):
            out["skip"] = self.skip()
        if self.on("reset", 0.2):
            out["reset"] = "on " + either_text(self.make_type(), self.plain_condition(), self.or_this())
        if self.on("limit", 0.2):
            out["limit"] = self.limit()
        return {k: v for k, v in out.items() if v}

    def plain_condition(self):
        return f'name = "{self.r.choice(self.letters)}"' + (f" and price >= {self.r.randint(1, 4)}" if self.chance(0.6) else "")

    def case(self):
        """A rule, with a first stream."""
        rule = self.rule()
        return {**rule, "events": self.stream(rule)}

    def rule(self):
        r = self.r
        below = self.below() if self.on("derive", 0.06) else None
        lead = self.absence() if self.on("leading absence", 0.08) else None
        items = self.sequence(0, r.choice([1, 2, 2, 3, 3, 4]))
        if lead:
            lead["dur"] = lead["dur"] or (None if (self.scope or "").startswith("session") else f"{r.choice(DURATIONS)}ms")
            items[0][0] = {"kind": r.choice(["->", "->", "->>"]), "after": None, "within": None}
            items.insert(0, [None, lead])
        if self.on("trailing absence", 0.2):
            last = self.absence()
            if self.scope is None and not last["dur"] and "timed absence" in self.switches and self.chance(0.6):
                last["dur"] = f"{r.choice(DURATIONS)}ms"
            kind = "->" if last["dur"] or (self.scope and self.chance(0.6)) else ","
            items.append([{"kind": kind, "after": None, "within": None}, last])
        clauses = self.clauses(items)
        takes = None
        if self.on("from", 0.15):
            takes = [t + (f"[price != {r.randint(0, 4)}]" if self.chance(0.3) else "") for t in self.types]
        timeout = (self.scope is not None or "within" in items_text(items)) and self.on("timeout", 0.35)
        emits = [("M", self.values(items))] + ([("N", self.values(items))] if self.on("two emits", 0.06) else [])
        if timeout:
            emits.append(("T", self.values(items) + ([("step", "step()")] if self.on("step name", 0.5) else [])))
        return {"mode": self.mode, "types": self.entries, "filter": self.filter, "keys": self.keys, "scope": self.scope,
                "takes": takes, "clauses": clauses, "emits": emits, "items": items, "below": below,
                "at_end": r.choice(["flush", "hold"])}

    def below(self):
        """A rule that derives events of type D, which this one's patterns then name."""
        plain = {"first", "last", "all", "repetition", "skip", "trailing absence", "timed absence", "limit"}
        switches = self.switches - {"derive", "types", "filter", "keys"}
        m = Maker(self.r.getrandbits(48), switches & plain if self.chance(0.7) else switches)
        m.entries = m.types = self.entries
        m.filter, m.keys, m.letters = self.filter, self.keys, self.letters
        rule = m.rule()
        name, price = (self.r.choice(m.steps) for _ in range(2))
        fields = [(k.strip("? "), k.strip("? ")) for k in self.keys.split(",")] if self.keys else []
        fields += [("name", f"{self.r.choice(['first', 'last'])}({name}).name"),
                   ("price", self.r.choice([f"last({price}).price", f"sum({price}.price)", f"max({price}.price)"]))]
        rule["emits"] = [(BELOW[kind], values) for kind, values in rule["emits"]] + [("D", fields)]
        self.types = self.r.choice([["D"], ["D"] + self.entries])
        return rule

    def values(self, items):
        """Fields of an `emit`: [(name, expression)]."""
        if not self.on("values", 0.3):
            return []
        alone = [n["name"] for _, n in items if n["kind"] == "step" and not n.get("rep")]
        return [(f"v{i}", self.value(alone)) for i in range(self.r.choice([1, 2, 3]))]

    def value(self, alone):
        """An expression over the match; `alone`: steps of one event at most."""
        r = self.r
        s, u = r.choice(self.steps), r.choice(self.steps)
        choices = [
            f"first({s}).price", f"last({s}).name", f"count({s})", f"sum({s}.price)", f"avg({s}.price)", f"min({s}.price)",
            f"max({s}.price)", f"count_distinct({s}.name)", f"percentile({s}.price, {r.choice([0, 50, 90])})",
            f"count({s}[price >= {r.randint(0, 3)}])", f'sum({s}[name = "{r.choice(self.letters)}"].price)',
            f"avg({s}.price * 2 + 1)", f"count({s}.price)", f"last({s}).time", f"last({s}).time - first({u}).time",
            f"(last({s}).time - first({u}).time) * 2 + 5ms", f"last({s}).price - first({u}).price",
            f"sum({s}.price) / count({u})", f"last({s}).price / first({u}).price", f"last({s}).price % (first({u}).price - 1)",
            f"-last({s}).price ?? {r.randint(1, 3)}", f"first({s}).price is null", f"last({s}).price > first({u}).price",
            f'last({s}).price >= 2 and first({u}).name != "{r.choice(self.letters)}"',
            f"last({s}).price >= 2 or first({u}).price >= 2", f"not last({s}).price in (1, 2, first({u}).price)",
            f"if count({s}) > 1 then last({s}).name else first({u}).name"]
        if self.repeated:
            choices += [f"{r.choice(self.repeated)}[{r.choice([1, 2, 3, -1, -2])}].{r.choice(['price', 'name'])}"] * 3
        if alone:
            a = r.choice(alone)
            choices += [f"{a}.price", f"{a}.name", f"{a}.time", f"{a}.price * count({s})", f"last({s}).time - {a}.time"]
        if self.groups:
            choices += [f"count({r.choice(self.groups)})"] * 2
        if self.keys:
            choices += ["k", f"k = first({s}).name"]
        return r.choice(choices)

    def stream(self, rule):
        r, events, t = self.r, [], BEGIN
        n = r.randint(6, 16)
        columns = {"name": r.choices(self.letters, k=n), "price": r.choices(PRICES, k=n)}
        if len(self.entries) > 1:
            columns["event"] = r.choices(self.entries, k=n)
        for field in ("k", "h"):
            if self.keys and field in self.keys:
                columns[field] = r.choices(PARTS, k=n)
        for step, *values in zip(r.choices(STEPS, k=n), *columns.values()):
            t += step
            events.append({"t": t, **{name: v for name, v in zip(columns, values) if v is not None}})
        if begins_and_ends(rule):
            for e in events:
                e["t"] = min(e["t"], BEGIN + SPAN)
            events[0]["t"], events[-1]["t"] = BEGIN, BEGIN + SPAN
        return events


BELOW = {"M": "P", "N": "Q", "T": "U"}  # what a rule below emits
# None: left out
PRICES = [0.0, 1.0, 2.0, 3.0, 4.0] * 10 + [None]
PARTS = ["x", "y"] * 5 + [None]


def begins_and_ends(rule):
    """Does the answer depend on when the stream begins and also on when it ends?"""
    return rule["at_end"] == "hold" and any(x["items"][0][1]["kind"] == "not" for x in (rule, rule["below"]) if x)


MODES = {"first": "", "last": "last ", "all": "all "}
CLAUSES = ("where", "within", "having", "skip", "reset", "limit")


def arrow_text(a):
    out = a["kind"]
    if a["after"]:
        out += f" after {a['after']}"
    if a["within"]:
        out += f" within {a['within']}"
    return out


def ref_text(type_name, cond):
    return f"{type_name}[{cond}]" if cond else type_name


def either_text(type_name, cond, other):
    return f"({ref_text(type_name, cond)} | {ref_text(*other)})" if other else ref_text(type_name, cond)


def node_text(n):
    if n["kind"] == "not":
        return "not " + either_text(n["type"], n["cond"], n["or"]) + (f" for {n['dur']}" if n["dur"] else "")
    if n["kind"] == "step":
        out = f"{n['name']}: " + either_text(n["type"], n["cond"], n["or"])
    elif n["kind"] == "group":
        out = (f"{n['name']}: " if n["name"] else "") + "(" + items_text(n["items"]) + ")"
    else:
        out = "(" + (" | " if n["kind"] == "alt" else " & ").join(node_text(p) for p in n["parts"]) + ")"
    rep = n.get("rep")
    if rep:
        out += rep["text"] + (" " + rep["word"] if rep["word"] else "") + (" greedy" if rep["greedy"] else "")
        out += " until " + either_text(*rep["until"]) if rep["until"] else ""
    return out


def items_text(items):
    return " ".join((arrow_text(a) + " " if a else "") + node_text(n) for a, n in items)


def rules_text(case, n="", many=False):
    """The rule file of a case; with `n` its types, stream and rules have that number, to stand beside others; with `many`
    the number of the stream, `b`, is a part of the key."""
    out = []
    for t in case["types"]:
        which = f' where event = "{t}{n}"' if len(case["types"]) > 1 else ""
        keys = "".join(f"  {field}     : string?\n" for field in ("k", "h") if case["keys"] and field in case["keys"])
        keys = "  b     : int\n" * many + keys
        fields = f"  t     : time(ms)\n  name  : string\n  price : float?\n{keys}"
        out.append(f'event {t}{n} from "in{n}"{which} {{\n{fields}}} time t')
    if case["filter"]:
        out.append(f"event G{n} = {case['types'][-1]}{n}[price >= 2]")
    for name, rule in ("d", case["below"]), ("r", case):
        if rule:
            out.append(f"rule {name}{n}")
            out += [TYPE.sub(lambda m: m.group() + str(n), line) for line in rule_lines(rule, many)]
    return "\n".join(out) + "\n"


def rule_lines(case, many):
    out, keys = [], ", ".join(["b"] * many + [case["keys"]] * bool(case["keys"]))
    if case["takes"]:
        out.append("  from    " + ", ".join(case["takes"]))
    if keys:
        out.append(f"  key     {keys}")
    out.append("  match   " + MODES[case["mode"]] + items_text(case["items"]))
    clauses = {**case["clauses"], "within": case["scope"]}
    out += [f"  {c:7} {clauses[c]}" for c in CLAUSES if clauses.get(c)]
    for kind, fields in case["emits"]:
        if kind == "D":
            fields = [("b", "b")] * many + fields
        out.append(f"  {CLAUSE_OF.get(kind, 'emit   ')} {kind} "
                   + ("{ " + ", ".join(f"{name}: {e}" for name, e in fields) + " }" if fields else "{}"))
    return out


CLAUSE_OF = {"T": "on timeout emit", "U": "on timeout emit", "D": "derive "}
TYPE = re.compile(r"\b[DEFGMNPQTU]\b")


# ------------------------------------------------------------------------------------------ cutting it down

def smaller(case):
    """Cases one step simpler than this one, the boldest cuts first."""
    n = len(case["events"])
    for size in (n // 2, n // 4, 1):
        if size:
            for i in range(0, n, size):
                yield {**case, "events": case["events"][:i] + case["events"][i + size:]}
    for clause in case["clauses"]:
        yield {**case, "clauses": {c: v for c, v in case["clauses"].items() if c != clause}}
        value = case["clauses"][clause]
        for word in (" once", " by "):
            if word in value:
                yield {**case, "clauses": {**case["clauses"], clause: value[:value.index(word)]}}
        if clause in ("where", "having") and " and " in value:
            for part in value.split(" and "):
                yield {**case, "clauses": {**case["clauses"], clause: part}}
    for i, (kind, fields) in enumerate(case["emits"]):
        if kind == "D":
            continue
        if i:
            yield {**case, "emits": case["emits"][:i] + case["emits"][i + 1:]}
        for k in range(len(fields)):
            yield {**case, "emits": case["emits"][:i] + [(kind, fields[:k] + fields[k + 1:])] + case["emits"][i + 1:]}
    for items in smaller_items(case["items"]):
        yield {**case, "items": items}
    if case["below"]:
        for simple in smaller({**case["below"], "types": ["E"], "filter": None, "keys": None, "events": []}):
            yield {**case, "below": {**simple, "types": case["types"], "filter": case["filter"], "keys": case["keys"]}}
    if case["scope"]:
        yield {**case, "scope": None}
        if " max" in case["scope"]:
            yield {**case, "scope": case["scope"][:case["scope"].index(" max")]}
    if case["takes"]:
        yield {**case, "takes": None}
    if case["filter"]:
        yield {**case, "filter": False}
    if case["keys"] and not case["below"]:
        yield {**case, "keys": None, "events": [{k: v for k, v in e.items() if k not in ("k", "h")} for e in case["events"]]}
        if case["keys"] != "k":
            yield {**case, "keys": "k", "events": [{k: v for k, v in e.items() if k != "h"} for e in case["events"]]}
    if case["mode"] != "first":
        yield {**case, "mode": "first"}
    if len(case["types"]) > 1 and not case["below"] and not re.search(r"\bF\b", items_text(case["items"]) + str(case["clauses"])):
        plain = [{k: v for k, v in e.items() if k != "event"} for e in case["events"] if e["event"] == "E"]
        yield {**case, "types": ["E"], "takes": None, "events": plain}


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
            for limits in ((None, None), (arrow["after"], None), (None, arrow["within"])):
                yield items[:i] + [[{"kind": arrow["kind"], "after": limits[0], "within": limits[1]}, node]] + items[i + 1:]
        for simple in smaller_node(node):
            yield items[:i] + [[arrow, simple]] + items[i + 1:]


def smaller_node(n):
    rep = n.get("rep")
    if rep:
        yield {k: v for k, v in n.items() if k != "rep"}
        if rep["until"]:
            yield {**n, "rep": {**rep, "until": None}}
            if rep["until"][2]:
                yield {**n, "rep": {**rep, "until": rep["until"][:2] + [None]}}
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
        if n["name"]:
            yield {**n, "name": None}
        for items in smaller_items(n["items"]):
            yield {**n, "items": items}
    else:
        parts = n["cond"].split(" and ")
        if len(parts) > 1 and "between" not in n["cond"]:
            for i in range(len(parts)):
                yield {**n, "cond": " and ".join(parts[:i] + parts[i + 1:])}
        if n["kind"] == "not" and n["dur"]:
            yield {**n, "dur": None}
        if n["or"]:
            yield {**n, "or": None}
            yield {**n, "type": n["or"][0], "cond": n["or"][1], "or": None}
        if n["type"] != "E":
            yield {**n, "type": "E"}


# ----------------------------------------------------------------------------------------------- comparing
# An answer: for each key, in the order of the keys, the emissions in their order.

def ordered(emissions):
    by_key = collections.defaultdict(list)
    for e in emissions:
        by_key[e.rule[0], *map(str, e.key)].append((e.kind, tuple(e.events), e.start, e.end, e.suppressed, e.fields))
    return sorted(by_key.items())


def expected_of(case, parser=None, **more):
    """The reference's answer, None where the case is outside what it reads or too big for it."""
    try:
        lists = reference.answer(parser or reference.Parser(rules_text(case)), case["events"], case["at_end"], **more)
    except (reference.Unsupported, reference.TooBig, RecursionError):
        return None
    return ordered(e for one in lists for e in one)


def same(expected, got):
    """An emission at the end of a flushed input has no time in the reference: that one's is not compared."""
    if expected == got:
        return True
    return len(expected) == len(got) and all(
        k == h and len(e) == len(g) and all(x == y or (x[3] is None and x[:3] + x[4:] == y[:3] + y[4:]) for x, y in zip(e, g))
        for (k, e), (h, g) in zip(expected, got))


def count(answer):
    return sum(len(one) for _, one in answer)


def differs(command, case):
    """(expected, outcome) when both sides answer and the answers differ, else None."""
    if not case["events"]:
        return None
    expected = expected_of(case)
    if expected is None:
        return None
    got = command.run(rules_text(case), case["events"], case["at_end"])
    if got.kind in ("refused", "unsupported") or (got.kind == "ok" and same(expected, ordered(got.emissions))):
        return None
    return expected, got


def same_kind(command, case, reading):
    """Does this case differ, and is it explained as the bigger one was?"""
    both = differs(command, case)
    return both and (both[1].kind != "ok" or other_reading(case, ordered(both[1].emissions)) == reading)


def minimise(command, case, reading, seconds=10):
    until = time.monotonic() + seconds
    again = True
    while again and time.monotonic() < until:
        again = False
        for simple in smaller(case):
            if time.monotonic() > until:
                break
            if same_kind(command, simple, reading):
                case, again = simple, True
                break
    return case


def other_reading(case, got):
    """The readings, one or two of them, that would have to be others for the reference to answer `got`."""
    other = {name: not value for name, value in reference.READINGS.items()}
    for names in [*itertools.combinations(other, 1), *itertools.combinations(other, 2)]:
        answer = expected_of(case, readings={name: other[name] for name in names})
        if answer is not None and same(answer, got):
            return " and ".join(names)
    return None


# ------------------------------------------------------------------------------------------------- running

COMMAND = SWITCHES = None


def start_worker(path, options, switches):
    global COMMAND, SWITCHES
    COMMAND, SWITCHES = path and Command(path, options=options), switches
    gc.collect()
    gc.freeze()
    gc.set_threshold(10**6)  # there are hardly any cycles


class Rule:
    """A rule of a batch, with its streams: `cases`, (number, its case, expected)."""

    def __init__(self, seed):
        self.maker, self.seed, self.many = Maker(seed, SWITCHES), seed, seed % ALONE != 0
        self.rule, self.cases = self.maker.rule(), []

    def ask(self, parser):
        """The streams, with the reference's answers; the numbers of those that it has none for."""
        outside = []
        for at in range(1, (STREAMS if self.many else 1) + 1):
            case = {**self.rule, "events": self.maker.stream(self.rule)}
            expected = expected_of(case, parser)
            if expected is None:
                outside.append(f"{self.seed}.{at}")
            else:
                self.cases.append((f"{self.seed}.{at}", case, expected))
        return outside


def try_seeds(seeds):
    """Cases of these seeds through as few processes as will do: [(number of the case or seed, kind, detail)]."""
    out, rules = [], []
    for seed in seeds:
        rule = Rule(seed)
        try:
            rules.append((rule, reference.Parser(rules_text(rule.rule))))
        except reference.Unsupported:
            out.append((seed, "rules outside", None))
    refused = refusals_of(COMMAND, [rule for rule, _ in rules])
    asked = []
    for i, (rule, parser) in enumerate(rules):
        if i in refused:
            out.append((rule.seed, "rules " + refused[i].kind, refused[i].text))
            continue
        out += [(number, "outside", None) for number in rule.ask(parser)]
        asked.append(rule)
    for kind in (("flush", False), ("hold", False), ("hold", True)):
        together = [rule for rule in asked if (rule.rule["at_end"], begins_and_ends(rule.rule)) == kind]
        for (number, case, expected), got in together_run(COMMAND, together, kind[0]):
            out.append((number, *verdict(case, expected, got)))
    return out


def verdict(case, expected, got):
    if got.kind == "ok" and same(expected, ordered(got.emissions)):
        return "same", count(expected)
    alone = COMMAND.run(rules_text(case), case["events"], case["at_end"])
    if alone.kind == "ok" and same(expected, ordered(alone.emissions)):
        return "different", (case, expected, got, "differs only where other streams or rules stand beside it")
    reading = other_reading(case, ordered(alone.emissions)) if alone.kind == "ok" else None
    case = minimise(COMMAND, case, reading)
    return "different", (case, *(differs(COMMAND, case) or (expected, alone)), reading)


def refusals_of(command, rules):
    """The outcome of each rule, by its place, that the command refuses."""
    out = {}
    while len(out) < len(rules):
        texts, owner = [], []
        for i, rule in enumerate(rules):
            if i not in out:
                texts.append(rules_text(rule.rule, i, rule.many))
                owner += [i] * texts[-1].count("\n")
        got = command.run("".join(texts), [], "flush")
        told = set(WARNING.findall(got.text)) - command.allowed  # they count for how many errors are told
        command.allowed |= told
        if got.kind == "ok":
            break
        refused = errors_by_case(got.text, owner) if got.kind in ("refused", "unsupported") else {}
        for i, text in refused.items():
            out[i] = Outcome("unsupported" if any(n in text for n in NOT_YET) else "refused", None, text)
        if not refused and not told:
            raise RuntimeError(f"the command refuses a file without saying which rule\n{got.text}")
    return out


@functools.lru_cache(maxsize=10000)
def members(pairs):
    return json.dumps(dict(pairs))[1:-1]


def moved_back(v, shift):
    return reference.as_json(micros(v) - shift, "time") if isinstance(v, str) and TIME.fullmatch(v) else v


TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def together_run(command, rules, at_end):
    """[(case, outcome)], from one rule file with all of them: for the command one stream. The times of each case are moved
    so that all end at one time where time is held at the input's end; so that all begin at one time else. Those to which
    both matter last equally long."""
    texts, lines, moved = [], [], {}
    for i, rule in enumerate(rules):
        texts.append(rules_text(rule.rule, i, rule.many))
        for b, (_, case, _) in enumerate(rule.cases):
            events = case["events"]
            moved[i, b] = move = 10**6 - events[0 if at_end == "flush" else -1]["t"]
            for at, e in enumerate(events, 1):
                t = e["t"] + move
                others = members(tuple((name, v) for name, v in e.items() if name not in ("t", "event")))
                lines.append((t, at, f'{{"t": {t}, "event": "{e.get("event", "E")}{i}", "b": {b}, {others}}}\n'))
    lines.sort(key=lambda line: line[0])
    got = command.run_lines("".join(texts), [line for _, _, line in lines], at_end)
    if got.kind != "ok":  # a crash, say: each by itself
        return [(one, command.run(rules_text(one[1]), one[1]["events"], at_end)) for rule in rules for one in rule.cases]
    emitted = collections.defaultdict(list)
    for e in got.emissions:
        i = int(e.rule[1:])
        b, key = (e.key[0], e.key[1:]) if rules[i].many else (0, e.key)
        shift = moved[i, b] * 1000
        emitted[i, b].append(e._replace(key=key, kind=e.kind[0], events=sorted(lines[k - 1][1] for k in e.events),
                                        start=e.start - shift, end=e.end - shift,
                                        fields={name: moved_back(v, shift) for name, v in e.fields.items()}))
    return [(one, got._replace(emissions=emitted[i, b], text="")) for i, rule in enumerate(rules)
            for b, one in enumerate(rule.cases)]


WARNING = re.compile(r": warning (W\d+):")
NOT_RUN = re.compile(r"the rule `r(\d+)`: .*")
ERROR = re.compile(r"^[^\n]*?:(\d+):\d+: error (E\d+)[^\n]*", re.M)


def errors_by_case(text, owner):
    out = {int(m.group(1)): m.group() for m in NOT_RUN.finditer(text)}
    for m in ERROR.finditer(text):
        line = int(m.group(1)) - 1
        if line < len(owner):
            out[owner[line]] = out.get(owner[line], "") + m.group() + "\n"
    return out


def self_check(seeds):
    return [self_check_one(seed) for seed in seeds]


def self_check_one(seed):
    case = Maker(seed, SWITCHES).case()
    case = {**case, "emits": [("M", [])], "clauses": {c: v for c, v in case["clauses"].items() if c in ("where", "skip", "reset")}}
    once = expected_of(case)
    every = expected_of({**case, "clauses": {c: v for c, v in case["clauses"].items() if c != "skip"}}, mode="all")
    if once is None or every is None:
        return seed, "outside", None
    pool = collections.Counter((k, e[1]) for k, one in every for e in one)
    pool.subtract(collections.Counter((k, e[1]) for k, one in once for e in one))
    if any(v < 0 for v in pool.values()):
        return seed, "different", (case, every, Outcome("ok", once, ""), None)
    return seed, "same", count(once)


def parse_seeds(text):
    a, _, b = text.partition("-")
    return range(int(a), int(b or a) + 1)


def as_case(seed, case, expected):
    """The case as a line of cases/*.jsonl."""
    out = {"id": f"differential/{seed}", "rules": rules_text(case), "events": case["events"], "at_end": case["at_end"],
           "expected": sorted(list(e[1]) for _, one in expected for e in one)}
    if len(expected) == 1:
        out["emitted"] = [{"event": e[0], "events": list(e[1]), "start": e[2] / 1000}
                          | ({} if e[3] is None else {"end": e[3] / 1000}) | {"suppressed": e[4]} | ({"fields": e[5]} if e[5] else {}) for e in expected[0][1]]
    return json.dumps(out)


def shown(answer):
    return "  ".join((f"{'/'.join(key)}: " if len(key) > 1 or len(answer) > 1 else "") + " ".join(
        f"{kind}{list(events)}" + ("" if end is None else f"@{end / 1000:g}") + (f"+{suppressed}" if suppressed else "")
        + (json.dumps(fields) if fields else "") for kind, events, _, end, suppressed, fields in one)
        for key, one in answer) or "nothing"


def report(seed, detail):
    case, expected, got, reading = detail
    note = f"\nother reading of an open corner: {reading}" if reading else ""
    answer = got.matches if got.emissions is None else ordered(got.emissions)
    answer = shown(answer) if got.kind == "ok" else got.kind + ": " + got.text.strip()
    print(f"DIFFERENT seed {seed}  ({case['at_end']}){note}\n{rules_text(case).rstrip()}\n{show(case['events'])}\n"
          f"expected {shown(expected)}\ngot      {answer}\n{as_case(seed, case, expected)}\n", flush=True)


def chosen(args):
    """The constructs that are switched on."""
    def names(text):
        for name in filter(None, (name.strip() for name in text.split(","))):
            if name == "shared":
                yield from SHARED
                continue
            if name not in CONSTRUCTS:
                sys.exit(f"differential.py: no construct `{name}`: --list names them")
            yield name
    on = set(CONSTRUCTS if args.only is None else names(args.only))
    return frozenset(on - set(names(args.without)))


def main():
    ap = argparse.ArgumentParser(description="random differential test of ensue against the reference")
    ap.add_argument("--ensue", default=os.environ.get("ENSUE", "ensue"))
    ap.add_argument("--seeds", default="1-2000", help="a seed is a rule, tried on several streams")
    ap.add_argument("--seconds", type=float, default=0, help="stop after so long")
    ap.add_argument("--jobs", type=int, default=2)
    ap.add_argument("--batch", type=int, default=50, help="seeds in one process")
    ap.add_argument("--self", action="store_true", dest="own")
    ap.add_argument("--only", help="only these constructs (comma between them; shared: SHARED), and plain steps and arrows")
    ap.add_argument("--without", default="", help="not these constructs")
    ap.add_argument("--list", action="store_true", help="name the constructs")
    ap.add_argument("--max", type=int, default=20, help="stop after so many differences")
    ap.add_argument("--save", help="append minimised differences here")
    ap.add_argument("--option", action="append", default=[], help="of `ensue run`, too: --option=--no-shared-matches")
    args = ap.parse_args()
    if args.list:
        for name, what in CONSTRUCTS.items():
            print(f"{name:20} {what}")
        return 0
    begin = time.monotonic()
    until = begin + args.seconds if args.seconds else None
    tally, refusals, matched, differences = collections.Counter(), collections.Counter(), 0, 0
    seeds = parse_seeds(args.seeds)
    batches = (seeds[i:i + args.batch] for i in range(0, len(seeds), args.batch))
    with multiprocessing.Pool(args.jobs, start_worker, (None if args.own else args.ensue, args.option, chosen(args))) as pool:
        for done in pool.imap_unordered(self_check if args.own else try_seeds, batches):
            for seed, kind, detail in done:
                tally[kind] += 1
                if kind == "same":
                    matched += detail > 0
                elif kind in ("rules refused", "rules unsupported"):
                    code = ERROR.search(detail)
                    refusals[code.group(2) if code else "not run yet"] += 1
                elif kind == "different":
                    differences += 1
                    report(seed, detail)
                    if args.save:
                        with open(args.save, "a", encoding="utf-8") as f:
                            f.write(as_case(seed, detail[0], detail[1]) + "\n")
            if differences >= args.max or (until and time.monotonic() > until):
                pool.terminate()
                break
    counts = ", ".join(f"{v} {k}" for k, v in sorted(tally.items()))
    compared = tally["same"] + tally["different"]
    codes = "; refused: " + ", ".join(f"{v} {k}" for k, v in refusals.most_common()) if refusals else ""
    rate = compared / (time.monotonic() - begin)
    print(f"{compared} cases: {counts} ({matched} of the same have matches){codes}; {rate:.0f} a second")
    return 1 if differences else 0


def in_own_folder():
    """Workers that are stopped in the middle leave their folders: they are in this one."""
    with tempfile.TemporaryDirectory(prefix="ensue-differential-") as folder:
        tempfile.tempdir = folder
        return main()


if __name__ == "__main__":
    sys.exit(in_own_folder())
