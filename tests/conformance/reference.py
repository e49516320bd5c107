#!/usr/bin/env python3
"""A slow, obviously right reading of the matching semantics, for tests only.

Given a rule file (a subset of the language, see Parser) and a list of events, it computes the matches of
every rule by reading the semantics page sentence by sentence: a partial match is which events it took and
where in the pattern it stands, and every condition, absence, `until`, limit and scope is judged by looking
back over the event sequence. What follows from these alone is looked for once: where a search came to is
kept (Search), and what may come next for all that stand at one place.

How it is built:
  Lexer, Parser      rule text -> Rule with a pattern tree (Step, Seq, Alt, All, Rep, Not)
  compiled           three-valued expressions, as functions of an Env
  Sequence           the events that a rule takes in for one key (section 1)
  Walk.ways          what may come next at a place in the pattern, in the order of section 4
  Judge              section 2: may this event be taken now, do the absences hold, when do they
  AtATime, Newest    sections 4 and 5: `match` (also with `skip`), `match last`
  Every              sections 2 and 3: `match all`, every assignment by trying all of them, holding and dropping
  Output             what becomes of a match: `having`, `once`, `limit`; timeouts

Where the page leaves a corner open, READINGS names the choice; a caller may pass other readings to see
whether a difference is of that kind.
"""
import copy
import datetime
import json
import math
import operator
import re
import sys
from collections import namedtuple

READINGS = {
    # Inner contiguity left out at the head of a repeated group: the arrow as written into the group in all
    # rounds (True), or whichever arrow led into this round (False).
    "written_arrow": True,
    # A match that completes at the same event as the reported one, but started too late to be dropped
    # by it, is reported too (True) or not (False).
    "report_undropped": False,
    # A `->>` into the very first event leaves the (empty) partial match beside it, which goes on down the list.
    "first_any_branches": True,
    # A greedy repetition at the end also ends when the `within` of its own arrow has passed.
    "limit_ends_greedy": True,
    # At the end of the input (flushed) a greedy repetition at the end is complete, also without a scope.
    "flush_ends_greedy": True,
    # So is an untimed absence before a left-out optional end where the rule has no scope.
    "flush_ends_absence": True,
    # `-> B* until U`: an event that is B and U is the next B, though the repetition may not take it; no later B is.
    "until_event_is_next": True,
    # In a group whose first step is left out, the next one keeps its own arrow (True), or has the group's (False).
    "own_arrow_in_group": True,
    # A greedy repetition before a trailing absence does not hold the absence back (True).
    "absence_spares_greedy": True,
    # Held, time stands at the last event (False), or where its watermark is, one tick before it (True).
    "hold_is_watermark": False,
    # Of [1] and [1, 2] at one time [1] has the smaller positions (True), or [1, 2] has (False).
    "prefix_is_smaller": True,
    # The limits of the arrow into an `&` also hold between its parts.
    "limits_join_and": True,
    # `within N events`: an absence that completes the match may do so behind the N events.
    "absence_outlives_events": True,
    # `->> C` guarded by `-> not B`: an event that is both, passed over, violates the absence.
    "both_passed_over_violates": True,
    # `match last`: a round of a group counts for the point when it is complete (True), or when it has begun (False).
    "point_counts_complete_rounds": True,
    # `match last`: two of which only one may leave a repetition by its guard are not at the same point (True).
    "point_has_guards": False,
    # `match last`: two of which one has an absence on watch that the other has not are not at the same point (True).
    "point_has_absences": False,
    # `match last`: one that took its event as the last of its N events has ended before it could be the one kept.
    "spent_is_not_kept": True,
    # `match all` with a skip: at the end of the input (flushed) no partial match holds a complete one back.
    "flush_releases_held": True,
    # A partial match that times out has lasted from its start to its deadline (True), or to its last event (False).
    "timeout_lasts_to_deadline": True,
    # `match`: of two timed-out partial matches with one start the smaller positions (True), or the more events (False).
    "timeout_smaller_first": True,
    # `match all`: a partial match times out only when no other of its first event lives on.
    "timeout_waits_for_start": True,
    # `match all`: what was already reported as a match does not time out when it could also have gone on.
    "reported_has_no_timeout": True,
    # At one event or deadline matches come before timeouts.
    "matches_before_timeouts": True,
    # `greedy` in `match all`: a repetition could have taken an event also where what stands before it may not be left (True).
    "barred_bars": False,
    # `limit`: an emission at the very end of a period belongs to it.
    "period_has_its_end": False,
}
MAX_RUNS = 3000
INF = math.inf


class Unsupported(Exception):
    """The rule uses something outside the subset."""


class TooBig(Exception):
    """More partial matches than a slow reading can carry."""


# ---------------------------------------------------------------------------------------------------- lexer

UNITS = {"us": 1, "ms": 1000, "s": 10**6, "m": 60 * 10**6, "h": 3600 * 10**6, "d": 86400 * 10**6, "w": 7 * 86400 * 10**6}
Token = namedtuple("Token", "kind text value first")
PIECE = re.compile(r"""
    (?P<blank>[^\S\n]+ | \#[^\n]*) | (?P<end>\n)
  | (?P<id>[^\W\d]\w*) | `(?P<quoted>[^`]*)`
  | (?P<dur>(?:\d[\d_]*(?:us|ms|[smhdw]))+)
  | (?P<num>\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?)
  | (?P<str>"(?:[^"\\]|\\.)*")
  | (?P<sign>->> | -> | != | <= | >= | \?\? | [()\[\]{},:|&?*+\-/%=<>.]) | (?P<other>.)""", re.X)
PART = re.compile(r"(\d[\d_]*)([a-z]+)")


def lex(text):
    """Tokens; `first` says that the token is the first of its line outside brackets."""
    out, depth, fresh = [], 0, True
    for m in PIECE.finditer(text):
        kind = m.lastgroup
        if kind == "blank":
            continue
        if kind == "end":
            fresh = True
            continue
        value = word = m.group()
        if kind == "dur":
            value = sum(int(n.replace("_", "")) * UNITS[unit] for n, unit in PART.findall(word))
        elif kind == "num":
            digits = word.replace("_", "")
            value = int(digits) if digits.isdigit() else float(digits)
        elif kind == "str":
            value = json.loads(word)
        elif kind == "quoted":
            kind, value, fresh = "id", m.group("quoted"), False
        elif kind == "sign":
            kind = word
        elif kind == "other":
            raise Unsupported(f"character {word!r}")
        out.append(Token(kind, word, value, fresh and depth == 0))
        depth += (word in ("(", "[", "{")) - (word in (")", "]", "}"))
        fresh = False
    out.append(Token("end", "", None, True))
    return out


# ------------------------------------------------------------------------------------------------ rule tree

class Step:
    """One event of a type (or named filter) that satisfies a condition."""

    def __init__(self, number, ref, name):
        self.number, self.ref, self.name = number, ref, name
        self.where = []  # (conjunct, numbers of the parts of the same & that it waits for)


class Expr:
    """An expression: its tree, and `value`, its function of an Env."""

    def __init__(self, tree):
        self.tree, self.value = tree, compiled(tree)
        self.constant = tree[1] if tree[0] == "lit" else None

    def holds(self, env):
        return self.value(env) is True


class Ref:
    """TYPE[cond], or the parts of (B | C): what an event must be."""

    def __init__(self, options):
        self.options = options  # [(type name, Expr or None)]
        self.tests = None       # the same with named filters followed to their type: [(type name, functions of an Env)]
        self.plain = all(cond is None or is_plain(cond.tree) for _, cond in options)  # the event alone decides

    def follow(self, filters):
        self.tests = []
        for name, cond in self.options:
            conds = [] if cond is None else [cond]
            while name in filters:
                name, cond = filters[name]
                conds.insert(0, cond)
            self.tests.append((name, [cond.value for cond in conds]))

    def is_satisfied(self, env):
        """By the event at hand."""
        for name, conds in self.tests:
            if env.event.type == name:
                for cond in conds:
                    if cond(env) is not True:
                        break
                else:
                    return True
        return False


def is_plain(e):
    """Does this expression depend on the event at hand alone?"""
    if isinstance(e, (tuple, list)):
        return not (isinstance(e, tuple) and e and e[0] in ("ref", "end", "index", "narrowed", "call")) \
            and all(is_plain(x) for x in e)
    return True


class Seq:
    def __init__(self, items):
        self.items = items  # [(Arrow into it or None, node)]; a Not has the arrow before it


class Alt:
    def __init__(self, branches):
        self.branches = branches


class All:
    def __init__(self, parts):
        self.parts = parts


class Rep:
    def __init__(self, number, body, low, high, contiguity, greedy, until, rounds):
        self.number, self.body, self.low, self.high = number, body, low, high
        self.contiguity, self.greedy, self.until = contiguity, greedy, until
        self.rounds = rounds  # a group: names inside mean this round's events
        self.guards = []      # conjuncts of `where` that must hold where it is left


class Not:
    def __init__(self, ref, duration):
        self.ref, self.duration = ref, duration


# kind: one of , -> ->> ; after, within: expression or None; written: the arrow in the text that it stems from
Arrow = namedtuple("Arrow", "kind after within written")


class Rule:
    def __init__(self, name):
        self.name = name
        self.mode, self.pattern, self.names = None, None, {}
        self.groups = {}    # name of a group: the numbers of the repetitions inside it
        self.takes, self.having, self.where = None, None, None
        self.keys = []      # (name, {type: field}, may be null)
        self.once = False   # `having ... once`
        self.skip = None    # None (no clause) | "none" | "next" | "past" | "all" | ("first", name) | ("last", name)
        self.reset = None   # Ref
        self.limit = None   # (count, us, expression or None)
        self.emits, self.derives, self.timeouts = [], [], []  # [(type, [(name of a field, Expr, "time", "duration" or None)])]
        self.guarded = self.rounds = False  # are there exit guards, repeated groups (names in them mean those of a round)
        self.next = {}      # what may come next, for all that stand at one place: see Walk
        self.within = None  # ("time", us) | ("events", n) | ("session", gap_us, max_us or None)
        self.mentioned = []


CLAUSES = {"from", "key", "match", "where", "within", "window", "having", "skip", "reset", "limit", "emit", "derive",
           "on", "meta", "rule", "event", "table", "fn", "param", "import", "test"}
CONTIGUITY = {"consecutive": ",", "relaxed": "->", "combinations": "->>"}
AGGREGATES = {"count", "sum", "avg", "min", "max", "first", "last", "count_distinct", "stddev",
              "percentile"}


class Parser:
    """Event declarations (fields, `time`), named filters, and rules with the clauses that bear on matching and on
    which matches are emitted."""

    def __init__(self, text):
        self.toks, self.at = lex(text), 0
        self.events, self.filters, self.rules, self.refs = {}, {}, [], []
        self.units = {"time": "time"}  # of the fields that are a time or a duration
        self.numbers = 0
        self.file()
        for ref in self.refs:
            ref.follow(self.filters)
        self.all_fields = {"time"}.union(*(fields for fields, _ in self.events.values()),
                                         *([name for name, _, _ in fields] for rule in self.rules for _, fields in rule.derives))

    # -- helpers
    @property
    def tok(self):
        return self.toks[self.at]

    def peek(self, k=1):
        return self.toks[min(self.at + k, len(self.toks) - 1)]

    def next(self):
        self.at += 1
        return self.toks[self.at - 1]

    def accept(self, *texts):
        if self.tok.text in texts and self.tok.kind != "str":
            return self.next()
        return None

    def expect(self, text):
        if not self.accept(text):
            raise Unsupported(f"expected {text!r}, got {self.tok.text!r}")

    def ident(self):
        if self.tok.kind != "id":
            raise Unsupported(f"expected a name, got {self.tok.text!r}")
        return self.next().value

    def duration(self):
        if self.tok.kind != "dur":
            raise Unsupported(f"expected a duration, got {self.tok.text!r}")
        return self.next().value

    # -- declarations
    def file(self):
        while self.tok.kind != "end":
            if self.accept("event"):
                self.event()
            elif self.accept("rule"):
                self.rule()
            else:
                raise Unsupported(f"declaration {self.tok.text!r}")

    def event(self):
        name = self.ident()
        if self.accept("="):
            base = self.ident()
            self.filters[name] = (base, self.brackets())
            return
        if self.accept("to"):
            self.next()
            return
        fields, time_field = {}, None
        self.expect("from")
        self.next()
        if self.accept("where"):  # which type an entry is of, its member `event` says
            words = [self.next().value for _ in range(3)]
            if words != ["event", "=", name]:
                raise Unsupported("an event's where")
        self.expect("{")
        while not self.accept("}"):
            field = self.ident()
            self.expect(":")
            kind = self.ident()
            if kind not in ("bool", "int", "float", "string", "time", "duration"):
                raise Unsupported(f"type {kind}")
            if self.accept("("):
                kind += "(" + self.ident() + ")"
                self.expect(")")
            self.accept("?")
            self.accept(",")
            fields[field] = reader(kind)
            if kind.startswith(("time", "duration")):
                self.units[field] = kind[:8].partition("(")[0]
            if kind.startswith("time") and field == "time":
                time_field = field
        if self.accept("time"):
            time_field = self.ident()
        if not self.tok.first:
            raise Unsupported(f"event option {self.tok.text!r}")
        self.events[name] = (fields, time_field)

    def rule(self):
        rule = Rule(self.ident())
        if self.tok.kind == "str":
            self.next()
        self.current, self.reps = rule, []
        while self.tok.kind != "end" and self.tok.text not in ("rule", "event"):
            word = self.next().text
            if word == "from":
                takes = [self.single_ref()]
                while self.accept(","):
                    takes.append(self.single_ref())
                rule.takes = self.new_ref(takes)
            elif word == "key":
                rule.keys = [self.key()]
                while self.accept(","):
                    rule.keys.append(self.key())
            elif word == "match":
                rule.mode = self.accept("all", "last").text if self.starts_mode() else "first"
                rule.pattern = self.pattern()
            elif word == "within":
                rule.within = self.scope()
            elif word == "where":
                rule.where = self.expr()
            elif word == "having":
                rule.having = Expr(self.expr())
                rule.once = bool(self.accept("once"))
            elif word == "skip":
                rule.skip = self.skip()
            elif word == "reset":
                self.expect("on")
                rule.reset = self.ref()
            elif word == "limit":
                count = self.next().value
                self.expect("per")
                rule.limit = (count, self.duration(), Expr(self.expr()) if self.accept("by") else None)
            elif word == "on":
                self.expect("timeout")
                self.expect("emit")
                rule.timeouts.append(self.output())
            elif word == "emit":
                rule.emits.append(self.output())
            elif word == "derive":
                rule.derives.append(self.output())
            elif word == "meta":
                self.clause_words()
            else:
                raise Unsupported(f"clause {word!r}")
        if may_be_empty(rule.pattern):
            raise Unsupported("a pattern that may be complete without an event")
        for conjunct in conjuncts(rule.where):
            self.place(rule, conjunct)
        if rule.takes is None:
            rule.takes = self.new_ref([(name, None) for name in dict.fromkeys(rule.mentioned)])
        rule.guarded, rule.rounds = any(r.guards for r in self.reps), any(r.rounds for r in self.reps)
        rule.number = len(self.rules)
        self.rules.append(rule)

    def key(self):
        """`user`, `user?`, `user: A.x = B.y`, `A.x = B.y`: (name, the field of each type that has another, may be null)."""
        name, optional, fields = self.ident(), False, {}
        if self.tok.text != ".":
            optional = bool(self.accept("?"))
            if not self.accept(":"):
                return (name, fields, optional)
            kind = self.ident()
        else:
            kind, name = name, None
        while True:
            self.expect(".")
            fields[kind] = self.ident()
            if not self.accept("="):
                break
            kind = self.ident()
        return (name or next(iter(fields.values())), fields, bool(self.accept("?")) or optional)

    def skip(self):
        word = self.ident()
        if word == "past":
            self.expect("last")
            return "past"
        if word in ("none", "all"):
            return word
        if word != "to":
            raise Unsupported(f"skip {word}")
        word = self.ident()
        return "next" if word == "next" else (word, self.ident())

    def place(self, rule, conjunct):
        """`where`: a conjunct belongs to the last, in written order, of the steps that it names."""
        numbers = [n for name in names_in(conjunct) if name in rule.names for n in rule.names[name]]
        if not numbers or any(len(rule.names[name]) > 1 for name in names_in(conjunct) if name in rule.names):
            raise Unsupported("where that names no step, or several by one name")
        step, rep, side = self.find(rule.pattern, max(numbers), None, None)
        if rep is not None and rep.high > 1:
            rep.guards.append(Expr(conjunct))
            return
        together = [s for s in self.steps(side) if s.number in numbers] if side is not None else [step]
        for s in together:
            s.where.append((Expr(conjunct), {x.number for x in together} - {s.number}))

    def find(self, node, number, rep, side):
        """(step, the repetition it stands in, the `&` it is a part of)."""
        if isinstance(node, Step):
            return (node, rep, side) if node.number == number else None
        if isinstance(node, Seq):
            inner = [x for _, x in node.items]
        elif isinstance(node, Alt):
            inner = node.branches
        elif isinstance(node, All):
            inner, side = node.parts, node
        elif isinstance(node, Rep):
            inner, rep = [node.body], rep if rep is not None and rep.rounds else node
        else:
            return None
        return next((f for f in (self.find(x, number, rep, side) for x in inner) if f), None)

    def starts_mode(self):
        """`all` and `last` are words of the mode unless they begin a step: `all: E`."""
        return self.tok.text in ("all", "last") and self.peek().text not in (":", "[", "->", "->>", ",")

    def output(self):
        """TYPE [to "stream"] { name: EXPR, name, ... }"""
        name, fields = self.ident(), []
        if self.accept("to"):
            self.next()
        self.expect("{")
        while not self.accept("}"):
            field = self.ident()
            e = self.expr() if self.accept(":") else ("name", field)
            fields.append((field, Expr(e), self.unit(e)))
            self.accept(",")
        return (name, fields)

    def unit(self, e):
        """Is the value of the expression a "time", a "duration", or neither (None)?"""
        op = e[0]
        if op == "lit":
            return e[2] if len(e) > 2 else None
        if op == "name":
            return self.units.get(e[1])
        if op in ("ref", "end", "index", "narrowed"):
            return self.units.get(e[-1])
        if op == "call" and e[1] in ("sum", "avg", "min", "max", "first", "last", "abs"):
            return self.unit(e[2][0])
        if op == "neg":
            return self.unit(e[1])
        if op == "??":
            return self.unit(e[1]) or self.unit(e[2])
        if op == "if":
            return self.unit(e[2]) or self.unit(e[3])
        if op == "arith":
            sign, units = e[1], (self.unit(e[2]), self.unit(e[3]))
            if units == ("time", "time"):
                return "duration"
            return None if sign in ("/", "%") and units[1] else units[0] or units[1]
        return None

    def clause_words(self):
        words, depth = [], 0
        while self.tok.kind != "end" and not (self.tok.first and depth == 0 and self.tok.text in CLAUSES):
            t = self.next()
            depth += t.text in ("{", "(", "[")
            depth -= t.text in ("}", ")", "]")
            words.append(t.text)
        return words

    def scope(self):
        if self.accept("session"):
            gap = self.duration()
            return ("session", gap, self.duration() if self.accept("max") else None)
        if self.tok.kind == "num":
            n = self.next().value
            self.expect("events")
            return ("events", n)
        return ("time", self.duration())

    # -- patterns
    def single_ref(self):
        name = self.ident()
        cond = self.brackets() if self.tok.text == "[" else None
        self.current.mentioned.append(name)
        return (name, cond)

    def ref(self):
        if self.accept("("):
            options = [self.single_ref()]
            while self.accept("|"):
                options.append(self.single_ref())
            self.expect(")")
            return self.new_ref(options)
        return self.new_ref([self.single_ref()])

    def new_ref(self, options):
        self.refs.append(Ref(options))
        return self.refs[-1]

    def brackets(self):
        self.expect("[")
        e = self.expr()
        self.expect("]")
        return Expr(e)

    def pattern(self):
        node = self.sequence()
        if self.tok.text in ("|", "&"):
            node = self.sides(node)
        return node if isinstance(node, Seq) else Seq([(None, node)])

    def sequence(self):
        items = [(None, self.element())]
        while self.tok.text in (",", "->", "->>"):
            kind = self.next().text
            after = within = None
            while self.tok.text in ("after", "within") and (self.peek().kind == "dur" or self.peek().text == "("):
                word = self.next().text
                limit = self.limit()
                if word == "after":
                    after = limit
                else:
                    within = limit
            arrow = Arrow(kind, after, within, None)
            items.append((arrow._replace(written=arrow), self.element()))
        return Seq(items)

    def limit(self):
        """A duration, or an expression in parentheses."""
        if self.tok.kind == "dur":
            return Expr(("lit", self.duration()))
        self.expect("(")
        e = Expr(self.expr())
        self.expect(")")
        return e

    def element(self):
        if self.tok.text == "not" and self.tok.kind == "id":
            self.next()
            ref = self.ref()
            duration = None
            if self.accept("for"):
                duration = self.limit()
            return Not(ref, duration)
        name, outside = None, len(self.reps)
        if self.tok.kind == "id" and self.peek().text == ":":
            name = self.ident()
            self.expect(":")
        if self.accept("("):
            node = self.sequence()
            if self.tok.text in ("|", "&"):
                node = self.sides(node)
            self.expect(")")
            if isinstance(node, Seq) and len(node.items) == 1 and node.items[0][0] is None:
                node = node.items[0][1]
            steps = self.steps(node)
            if name:
                self.name(name, steps)
            single = isinstance(node, Step) or (
                name and isinstance(node, Alt) and all(isinstance(b, Step) for b in node.branches))
            if name and single:
                for step in steps:
                    step.name = name
            if name and not single:
                self.current.groups[name] = {rep.number for rep in self.reps[outside:]}
        else:
            self.numbers += 1
            node = Step(self.numbers, self.new_ref([self.single_ref()]), name)
            if name:
                self.name(name, [node])
            single = True
        return self.repetition(node, bool(single))

    def name(self, name, steps):
        self.current.names.setdefault(name, set()).update(s.number for s in steps)

    def steps(self, node):
        if isinstance(node, Step):
            return [node]
        if isinstance(node, Seq):
            return [s for _, x in node.items for s in self.steps(x)]
        if isinstance(node, Alt):
            return [s for x in node.branches for s in self.steps(x)]
        if isinstance(node, All):
            return [s for x in node.parts for s in self.steps(x)]
        if isinstance(node, Rep):
            return self.steps(node.body)
        return []

    def sides(self, first):
        sign = self.tok.text
        parts = [first]
        while self.accept(sign):
            parts.append(self.sequence())
        if any(len(p.items) > 1 for p in parts):
            raise Unsupported("arrows beside | or & without parentheses")
        parts = [p.items[0][1] for p in parts]
        if sign == "|" and any(may_be_empty(p) for p in parts):
            raise Unsupported("a branch of | that may be empty")
        return Alt(parts) if sign == "|" else All(parts)

    def repetition(self, node, single):
        t = self.tok.text
        if t == "?":
            low, high = 0, 1
        elif t == "*":
            low, high = 0, INF
        elif t == "+":
            low, high = 1, INF
        elif t == "{":
            self.next()
            low = self.next().value if self.tok.kind == "num" else None
            high = low
            if self.accept(","):
                high = self.next().value if self.tok.kind == "num" else INF
            low = 0 if low is None else low
        else:
            return node
        if t == "{":
            self.expect("}")
        else:
            self.next()
        contiguity, greedy, until = None, False, None
        while True:
            if self.tok.text in CONTIGUITY:
                contiguity = CONTIGUITY[self.next().text]
            elif self.accept("greedy"):
                greedy = True
            elif self.accept("until"):
                until = self.ref()
            else:
                break
        self.numbers += 1
        self.reps.append(Rep(self.numbers, node, low, high, contiguity, greedy, until, not single))
        return self.reps[-1]

    # -- expressions, loose to tight
    def expr(self):
        if self.accept("if"):
            c = self.expr()
            self.expect("then")
            a = self.expr()
            self.expect("else")
            return ("if", c, a, self.expr())
        e = self.conj()
        while self.accept("or"):
            e = ("or", e, self.conj())
        return e

    def conj(self):
        e = self.negation()
        while self.accept("and"):
            e = ("and", e, self.negation())
        return e

    def negation(self):
        if self.accept("not"):
            return ("not", self.negation())
        return self.comparison()

    def comparison(self):
        e = self.coalesce()
        t = self.tok.text
        if t in ("=", "!=", "<", "<=", ">", ">=") and self.tok.kind != "str":
            self.next()
            return ("cmp", t, e, self.coalesce())
        if t == "is":
            self.next()
            negate = bool(self.accept("not"))
            self.expect("null")
            return ("not", ("isnull", e)) if negate else ("isnull", e)
        negate = t == "not" and bool(self.next())
        if self.accept("in"):
            self.expect("(")
            items = [self.expr()]
            while self.accept(","):
                items.append(self.expr())
            self.expect(")")
            e = ("in", e, items)
        elif self.accept("between"):
            low = self.coalesce()
            self.expect("and")
            e = ("and", ("cmp", ">=", e, low), ("cmp", "<=", e, self.coalesce()))
        elif negate:
            raise Unsupported("not here")
        return ("not", e) if negate else e

    def coalesce(self):
        e = self.sum()
        while self.accept("??"):
            e = ("??", e, self.sum())
        return e

    def sum(self):
        e = self.product()
        while self.tok.text in ("+", "-") and self.tok.kind != "str":
            e = ("arith", self.next().text, e, self.product())
        return e

    def product(self):
        e = self.unary()
        while self.tok.text in ("*", "/", "%") and self.tok.kind != "str":
            e = ("arith", self.next().text, e, self.unary())
        return e

    def unary(self):
        if self.accept("-"):
            return ("neg", self.unary())
        return self.postfix()

    def postfix(self):
        t = self.tok
        if t.kind == "dur":
            self.next()
            return ("lit", t.value, "duration")
        if t.kind in ("num", "str"):
            self.next()
            return ("lit", t.value)
        if self.accept("("):
            e = self.expr()
            self.expect(")")
            return e
        if t.text in ("true", "false", "null"):
            self.next()
            return ("lit", {"true": True, "false": False, "null": None}[t.text])
        name = self.ident()
        if self.tok.text == "(":
            self.next()
            args = []
            while not self.accept(")"):
                args.append(self.expr())
                self.accept(",")
            if name in ("first", "last") and args and args[0][0] == "name" and self.tok.text == ".":
                self.next()
                return ("end", name, args[0][1], self.ident())
            return ("call", name, args)
        if self.tok.text == "." and self.peek().kind == "id":
            self.next()
            return ("ref", name, self.ident())
        if self.accept("["):
            index = self.expr()
            self.expect("]")
            if index[0] not in ("lit", "neg") or not self.accept("."):
                return ("narrowed", name, index, self.ident() if self.accept(".") else None)
            return ("index", name, index[1] if index[0] == "lit" else -index[1][1], self.ident())
        return ("name", name)


# ------------------------------------------------------------------------------------------------ evaluation

# path: (number, round) of each repeated group around it, the innermost first
Taken = namedtuple("Taken", "step pos path")
NOTHING = {}


class Env:
    """What an expression sees: the event at hand, the events bound so far, and where it stands."""
    __slots__ = ("rule", "seq", "event", "taken", "path", "bound", "run")

    def __init__(self, rule, seq, event, taken, path, bound=None):
        self.rule, self.seq, self.event, self.taken, self.path = rule, seq, event, taken, path
        self.bound = bound or NOTHING  # names that stand for one event

    def taken_by(self, name):
        """What was taken by the step or group of that name; inside a repeated group only in this round."""
        ids = self.rule.names.get(name)
        if ids is None:
            raise Unsupported(f"name {name}")
        if not self.path:
            return [t for t in self.taken if t.step in ids]
        path = dict(self.path)
        return [t for t in self.taken if t.step in ids and all(path.get(r, n) == n for r, n in t.path)]

    def events_of(self, name):
        if name in self.bound:
            return [self.bound[name]]
        events = self.seq.events
        return [events[t.pos] for t in self.taken_by(name)]

    def count_of(self, name):
        """Events of a step, rounds of a group."""
        if name not in self.rule.groups or name in self.bound:
            return len(self.events_of(name))
        inside = self.rule.groups[name]
        return len({tuple(part for part in t.path if part[0] not in inside) for t in self.taken_by(name)})


def may_be_empty(node):
    """Can this part of a pattern be passed without an event?"""
    if isinstance(node, Seq):
        return all(may_be_empty(x) for _, x in node.items)
    if isinstance(node, Rep):
        return node.low == 0 or may_be_empty(node.body)
    return isinstance(node, Not)


def conjuncts(e):
    if e is None:
        return []
    return conjuncts(e[1]) + conjuncts(e[2]) if e[0] == "and" else [e]


def names_in(e):
    """The steps that an expression names."""
    if isinstance(e, tuple):
        if e[0] in ("ref", "index", "narrowed"):
            return {e[1]}
        if e[0] == "end":
            return {e[2]}
        if e[0] == "call" and e[1] == "count" and len(e[2]) == 1 and e[2][0][0] == "name":
            return {e[2][0][1]}
        return set().union(*(names_in(x) for x in e[1:])) if len(e) > 1 else set()
    if isinstance(e, list):
        return set().union(set(), *(names_in(x) for x in e))
    return set()


def compiled(e):
    """The expression as a function of an Env: its parts are looked at once, not at each event."""
    op = e[0]
    if op == "lit":
        return lambda env: e[1]
    if op == "name":
        return field_or_key(e[1])
    if op == "ref":
        return field_of(e[1], e[2])
    if op == "index":
        return field_at(e[1], e[2], e[3])
    if op == "narrowed":  # the argument of an aggregate: the event that it is at
        return narrowed(e[1], compiled(e[2]), e[3])
    if op == "end":
        return field_at(e[2], 1 if e[1] == "first" else -1, e[3])
    if op == "and":
        return three_valued(False, compiled(e[1]), compiled(e[2]))
    if op == "or":
        return three_valued(True, compiled(e[1]), compiled(e[2]))
    if op == "not":
        return of_values(lambda a: not a, [e[1]])
    if op == "isnull":
        a = compiled(e[1])
        return lambda env: a(env) is None
    if op == "in":
        return is_in(compiled(e[1]), [compiled(x) for x in e[2]])
    if op == "cmp":
        return of_values(COMPARISONS[e[1]], [e[2], e[3]])
    if op == "??":
        return coalesced(compiled(e[1]), compiled(e[2]))
    if op == "if":
        return chosen(*map(compiled, e[1:]))
    if op == "neg":
        return of_values(operator.neg, [e[1]])
    if op == "arith":
        return of_values(ARITHMETIC[e[1]], [e[2], e[3]])
    if op == "call":
        return call(e[1], e[2])
    raise Unsupported(f"expression {op}")


def of_values(f, args):
    """`f` of the values, null where one of them is."""
    if len(args) == 1:
        one = compiled(args[0])

        def unary(env):
            x = one(env)
            return None if x is None else f(x)
        return unary
    if len(args) == 2:
        left, right = map(compiled, args)

        def binary(env):
            x, y = left(env), right(env)
            return None if x is None or y is None else f(x, y)
        return binary
    raise Unsupported("so many arguments")


def field_or_key(name):
    def value(env):
        event, seq = env.event, env.seq
        if event is not None and name in event.fields:
            return event.fields[name]
        if name in seq.key_names:
            return seq.key[seq.key_names.index(name)]
        if event is not None and name in seq.all_fields:
            return None
        raise Unsupported(f"name {name}")
    return value


def field_of(name, field):
    last = field_at(name, -1, field)

    def value(env):
        if name == "prev" and "prev" not in env.rule.names:
            return env.seq.events[env.taken[-1].pos].fields.get(field) if env.taken else None
        return last(env)
    return value


def field_at(name, n, field):
    """`field` of the n-th event that the step took, from the end where n is negative; null beyond its events."""
    def value(env):
        got = env.events_of(name)
        at = n - 1 if n > 0 else len(got) + n
        return got[at].fields.get(field) if n != 0 and 0 <= at < len(got) else None
    return value


def narrowed(name, cond, field):
    def value(env):
        (event,) = env.events_of(name)
        if cond(Env(env.rule, env.seq, event, env.taken, env.path, env.bound)) is not True:
            return None
        return True if field is None else event.fields.get(field)
    return value


def three_valued(decides, a, b):
    """`and` (False decides), `or` (True decides)."""
    def value(env):
        x = a(env)
        if x is decides:
            return decides
        y = b(env)
        if y is decides:
            return decides
        return None if x is None or y is None else not decides
    return value


def is_in(a, items):
    def value(env):
        x = a(env)
        if x is None:
            return None
        values = [item(env) for item in items]
        return True if x in [v for v in values if v is not None] else (None if None in values else False)
    return value


def coalesced(a, b):
    def value(env):
        x = a(env)
        return b(env) if x is None else x
    return value


def chosen(cond, a, b):
    return lambda env: a(env) if cond(env) is True else b(env)


# Strings compare by bytes: in UTF-8 that is the order of their code points.
COMPARISONS = {"=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt,
               ">=": operator.ge}


def divided(a, b):
    return None if b == 0 else a / b


def remainder(a, b):
    if b == 0:
        return None
    return math.fmod(a, b) if isinstance(a, float) or isinstance(b, float) else int(math.fmod(a, b))


ARITHMETIC = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": divided, "%": remainder}


def stddev(values):
    mean = sum(values) / len(values)
    return math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1)) if len(values) > 1 else None


# of values that are not null, and of which there are some
OF_SOME = {"avg": lambda v: sum(v) / len(v), "min": min, "max": max, "first": lambda v: v[0], "last": lambda v: v[-1],
           "stddev": stddev}
# of such values, also of none
OF_ANY = {"count": len, "count_distinct": lambda v: len(set(v)), "sum": sum}
FUNCTIONS = {"contains": lambda s, part: part in s, "starts_with": str.startswith, "ends_with": str.endswith, "abs": abs,
             "min": min, "max": max, "len": len}


def awaited_step(env):
    """The first step that had to come next. Of what may be left out, or gone on with, none had to: it is left."""
    walk = Walk(env.rule, env.seq, READINGS, eager=True)
    way = next(iter(walk.next(env.run.taken, env.run.place).each), (None,))[0]
    return way.step.name if isinstance(way, Take) else None


def call(name, args):
    if name == "step" and not args:
        return awaited_step
    if name == "count" and len(args) == 1 and args[0][0] == "name":
        return lambda env: env.count_of(args[0][1])
    if name in AGGREGATES and len(args) == (2 if name == "percentile" else 1):
        return aggregate(name, args)
    if name in FUNCTIONS:
        return of_values(FUNCTIONS[name], args)
    raise Unsupported(f"function {name}")


def aggregate(name, args):
    over = names_in(args[0])
    if len(over) != 1:
        raise Unsupported(f"{name} over {over}")
    (step,) = over
    arg = compiled(args[0])
    rank = compiled(args[1]) if name == "percentile" else None

    def value(env):
        values = []
        for event in env.events_of(step):
            v = arg(Env(env.rule, env.seq, env.event, env.taken, env.path, {**env.bound, step: event}))
            if v is not None:
                values.append(v)
        if name in OF_ANY:
            return OF_ANY[name](values)
        if not values:
            return None
        if rank is not None:
            at = -(-rank(env) * len(values) // 100)  # whole numbers of percent; rounded up
            return float(sorted(values)[max(at, 1) - 1])
        return OF_SOME[name](values)
    return value


# -------------------------------------------------------------------------------------------------- sequence

# numbers: of the entries that made it; order: it stands behind all events with a smaller one
Event = namedtuple("Event", "type fields time numbers order")
SCALE = {"time(s)": 10**6, "time(ms)": 1000, "time(us)": 1}


class Sequence:
    """The events that a rule takes in for one key, in order, from 0; and the clock around them."""

    def __init__(self, key_names, key, all_fields, watch_start, end):
        self.key_names, self.key, self.all_fields, self.events = key_names, key, all_fields, []
        self.watch_start = watch_start  # time of the first entry read
        self.end = end                  # the watermark when the input has ended (INF when flushed)

    def time(self, p):
        return self.events[p].time

    def sessions(self, gap, longest):
        """For each position the position at which its session began."""
        out = []
        for p, e in enumerate(self.events):
            new = p == 0 or e.time - self.events[p - 1].time > gap
            if not new and longest is not None and e.time - self.events[out[-1]].time > longest:
                new = True
            out.append(p if new else out[-1])
        return out


def as_it_is(v):
    return v


def reader(kind):
    """What makes of a member of the input a value of the type."""
    if kind in SCALE:
        return lambda v: None if v is None else round(v * SCALE[kind])
    if kind == "float":
        return lambda v: None if v is None else float(v)
    return as_it_is


def read(parser, raw):
    """The events of the input. Late events are not modelled: times must not go back."""
    single = next(iter(parser.events)) if len(parser.events) == 1 else None
    out, before = [], -INF
    for number, obj in enumerate(raw, 1):
        kind = obj.get("event", single)
        fields, time_field = parser.events[kind]
        values = {f: of(obj.get(f)) for f, of in fields.items()}
        time = values[time_field]
        values.setdefault("time", time)
        if time < before:
            raise Unsupported("times go back")
        before = time
        out.append(Event(kind, values, time, (number,), (time, 0, number)))
    return out


def sequences(parser, rule, events, derived, at_end, readings):
    """Section 1: what the rule takes in, by key: of the input and of what rules below it derived."""
    if not events:
        return []
    watch, last = events[0].time, events[-1].time
    if derived:
        events = sorted(events + derived, key=lambda e: e.order)
    end = INF if at_end == "flush" else last - readings["hold_is_watermark"]
    names = [name for name, _, _ in rule.keys]
    by_key = {}
    probe = Sequence((), (), parser.all_fields, watch, end)
    for e in events:
        if not rule.takes.is_satisfied(Env(rule, probe, e, (), ())):
            continue
        key = tuple(e.fields.get(by_type.get(e.type, name)) for name, by_type, _ in rule.keys)
        if any(v is None and not may_be_null for v, (_, _, may_be_null) in zip(key, rule.keys)):
            continue
        if key not in by_key:
            by_key[key] = Sequence(names, key, parser.all_fields, watch, end)
        by_key[key].events.append(e)
    return list(by_key.values())


# ------------------------------------------------------------------------------------------------ the walk

# A place in the pattern is a linked list of frames, innermost first: (frame, rest) or None at the end.
SeqFrame = namedtuple("SeqFrame", "seq at arrow began_at")       # items before `at` done; arrow into it, taken then
RepFrame = namedtuple("RepFrame", "rep round arrow began_at begin_pos")  # round in progress; taken count at its begin
AllFrame = namedtuple("AllFrame", "node left arrow")             # parts not taken yet



class Search:
    """The first position, `at` or behind it, at which something holds: looked for only as far as it was asked for."""
    __slots__ = ("at", "found")

    def __init__(self, at):
        self.at, self.found = at, None

    def go(self, end, holds):
        while self.found is None and self.at < end:
            if holds(self.at):
                self.found = self.at
            self.at += 1

    def before(self, end):
        """The position, if it lies before `end`, else None."""
        return self.found if self.found is not None and self.found < end else None


# One way to go on: take a step, split into the branches of a `|`, or be at the end of the pattern.
class Take:
    __slots__ = ("step", "arrow", "nots", "place", "path", "rep", "leaves", "plain")

    def __init__(self, step, arrow, nots, place, path, rep, leaves=()):
        self.step, self.arrow, self.nots, self.place, self.path, self.rep = step, arrow, nots, place, path, rep
        self.leaves = leaves  # greedy ways it did not go
        # does the event alone decide whether it fits?
        self.plain = step.ref.plain and not step.where and arrow.after is None and all(w.node.duration is None for w in nots)


class Watch:
    """A `not` passed since the last event taken."""
    __slots__ = ("node", "arrow", "path")

    def __init__(self, node, arrow, path):
        self.node, self.arrow, self.path = node, arrow, path


Branch = namedtuple("Branch", "lists")
Finish = namedtuple("Finish", "nots")
# What may come next: the ways; (way, the ways that stand before it) for each; those of them that are ends of the pattern.
Next = namedtuple("Next", "ways each ends")


class Run:
    """A partial match: what it took, where in the pattern it stands, what may come next. What follows from these alone, or
    from these and the last position judged, is found once."""
    __slots__ = ("taken", "place", "next", "point", "searches", "completed_at", "completions", "timed_at", "times")

    def __init__(self, taken, place, following):
        self.taken, self.place, self.next = taken, place, following
        self.point = None
        self.searches = {}  # of a Take: for events that satisfy its step; of a Watch: for events that violate it; of (a Take,
                            # "until"): for events that satisfy the `until` of its repetition
        self.completed_at = self.timed_at = None  # the position after which the next two are known
        self.completions = self.times = None


NO_ARROW = Arrow("->", None, None, None)


class Walk:
    def __init__(self, rule, seq, readings, guarded=True, eager=False):
        self.rule, self.seq, self.readings, self.guarded = rule, seq, readings, guarded
        self.eager = eager  # to leave: there is no `greedy`
        self.known = rule.next.setdefault((eager, *readings.values()), {})
        if rule.guarded or None not in self.known:
            self.known[None] = self.of(self.enter(rule.pattern, None, (), None, ()))
        self.begins = Run((), None, self.known[None])  # the partial match that has not begun

    def run(self, taken, place):
        return Run(taken, place, self.next(taken, place))

    def next(self, taken, place):
        """What may come next, in the order of section 4, from where a partial match stands that has taken something."""
        if self.guarded and self.rule.guarded:  # which events were taken says where a repetition may be left
            return self.of(self.go_on(place, (), taken))
        stands = (place, len(taken), taken[-1].pos)  # the same for all that stand there
        if stands not in self.known:
            self.known[stands] = self.of(self.go_on(place, (), taken))
        return self.known[stands]

    def of(self, ways):
        each = list(flat(ways))
        return Next(ways, each, [(w, before) for w, before in each if isinstance(w, Finish)])

    def path(self, place):
        """The round of each repeated group that the place lies in."""
        out = ()
        while self.rule.rounds and place is not None:
            frame, place = place
            if isinstance(frame, RepFrame) and frame.rep.rounds:
                out += ((frame.rep.number, frame.round),)
        return out

    def enter(self, node, arrow, nots, place, taken):
        """Ways to begin `node` by `arrow` (None: nothing comes before it), then on at `place`."""
        if isinstance(node, Step):
            rep = place[0] if place is not None and isinstance(place[0], RepFrame) else None
            return [Take(node, arrow or NO_ARROW, nots, place, self.path(place), rep)]
        if isinstance(node, Seq):
            return self.go_on((SeqFrame(node, 0, arrow, len(taken)), place), nots, taken)
        if isinstance(node, Alt):
            return [Branch([self.enter(b, arrow, nots, place, taken) for b in node.branches])]
        if isinstance(node, All):
            return self.parts(AllFrame(node, tuple(range(len(node.parts))), arrow), arrow, nots, place, taken)
        if isinstance(node, Rep):
            begin = self.enter(node.body, arrow, nots, (RepFrame(node, 1, arrow, len(taken), None), place), taken)
            if node.low > 0:
                return begin
            leave = self.go_on(place, nots, taken) if self.guards_hold(node, place, taken) else []
            return begin + self.leaving(leave, begin) if node.greedy and not self.eager else leave + begin
        raise Unsupported(f"{type(node).__name__} as a branch")

    def leaving(self, ways, greedy):
        """The ways, which leave a greedy repetition that could go on by the ways `greedy`."""
        goes_on = tuple(w for w, _ in flat(greedy))
        out = []
        for w in ways:
            if isinstance(w, Branch):
                w = Branch([self.leaving(lst, greedy) for lst in w.lists])
            elif isinstance(w, Take):
                w = Take(w.step, w.arrow, w.nots, w.place, w.path, w.rep, goes_on + w.leaves)
            out.append(w)
        return out

    def guards_hold(self, rep, place, taken):
        """Point 5: the exit guards, judged with all that was taken so far."""
        if not self.guarded or not rep.guards:
            return True
        env = Env(self.rule, self.seq, None, taken, self.path(place))
        return all(g.holds(env) for g in rep.guards)

    def base(self, arrow):
        """What `arrow` into a repetition, a group or an `&` hands on to what is inside."""
        if self.readings["written_arrow"]:
            return (arrow.written if arrow else None) or NO_ARROW
        return arrow or NO_ARROW

    def inner(self, rep, arrow):
        """What joins the events or rounds of a repetition that `arrow` led into."""
        base = self.base(arrow)
        return Arrow(rep.contiguity or base.kind, base.after, base.within, base)

    def parts(self, frame, arrow, nots, place, taken):
        out = []
        for i in frame.left:
            left = tuple(j for j in frame.left if j != i)
            out += self.enter(frame.node.parts[i], arrow, nots, (frame._replace(left=left), place), taken)
        return out

    def go_on(self, place, nots, taken):
        """Ways on from a place, the absences `nots` being on watch."""
        if place is None:
            return [Finish(nots)]
        frame, rest = place
        if isinstance(frame, SeqFrame):
            if frame.at == len(frame.seq.items):
                return self.go_on(rest, nots, taken)
            arrow, node = frame.seq.items[frame.at]
            first = frame.at == 0
            if not self.readings["own_arrow_in_group"] and frame.arrow and frame.began_at == len(taken):
                first = True
            here = (SeqFrame(frame.seq, frame.at + 1, frame.arrow, frame.began_at), rest)
            if isinstance(node, Not):
                watch = Watch(node, frame.arrow if first else arrow, self.path(here))
                return self.go_on(here, nots + (watch,), taken)
            return self.enter(node, frame.arrow if first else arrow, nots, here, taken)
        if isinstance(frame, AllFrame):
            if not frame.left:
                return self.go_on(rest, nots, taken)
            base = self.base(frame.arrow)
            if not self.readings["limits_join_and"]:
                base = Arrow(base.kind, None, None, base)
            return self.parts(frame, base, nots, rest, taken)
        rep, done = frame.rep, frame.round
        if frame.began_at == len(taken):  # a round that took nothing: so may be the rest
            return self.go_on(rest, nots, taken) if self.guards_hold(rep, rest, taken) else []
        may_leave = done >= rep.low and self.guards_hold(rep, rest, taken)
        leave = self.go_on(rest, nots, taken) if may_leave else []
        if done >= rep.high:
            return leave
        begin_pos = taken[-1].pos if frame.begin_pos is None and not rep.rounds else frame.begin_pos
        again = RepFrame(rep, done + 1, frame.arrow, len(taken), begin_pos)
        stay = self.enter(rep.body, self.inner(rep, frame.arrow), nots, (again, rest), taken)
        return stay + self.leaving(leave, stay) if rep.greedy and not self.eager else leave + stay


def flat(ways, before=()):
    """(way, the ways that stand before it) for all ways; the branches of a `|` do not stand before each other."""
    before = list(before)
    for w in ways:
        if isinstance(w, Branch):
            inside = []
            for lst in w.lists:
                pairs = list(flat(lst, before))
                inside += [x for x, _ in pairs]
                yield from pairs
            before += inside
        else:
            yield w, list(before)
            before.append(w)


# ------------------------------------------------------------------------------------------------ section 2

class Judge:
    """Section 2 over one sequence: all by looking back; what was found once is not looked for again."""

    def __init__(self, rule, seq, readings):
        self.rule, self.seq, self.readings = rule, seq, readings
        self.following = {}  # of refs that the event alone decides: see next_of
        self.time = [e.time for e in seq.events]
        scope = rule.within
        self.session = seq.sessions(scope[1], scope[2]) if scope and scope[0] == "session" else None

    def satisfies(self, ref, p, taken, path):
        if ref.plain:
            return self.next_of(ref)[p] == p
        return ref.is_satisfied(Env(self.rule, self.seq, self.seq.events[p], taken, path))

    def next_of(self, ref):
        """Of a ref that the event alone decides: for each position the first one, it or behind it, whose event satisfies it
        (INF: none does)."""
        table = self.following.get(ref)
        if table is None:
            events = self.seq.events
            table = self.following[ref] = [INF] * (len(events) + 1)
            for p in range(len(events) - 1, -1, -1):
                table[p] = p if ref.is_satisfied(Env(self.rule, self.seq, events[p], (), ())) else table[p + 1]
        return table

    def limit(self, expr, taken, path):
        """A limit in us, or None where there is none."""
        if expr is None:
            return None
        if expr.constant is not None:
            return expr.constant
        v = expr.value(Env(self.rule, self.seq, None, taken, path))
        if v is None:
            raise Unsupported("a null limit")
        return v

    def in_scope(self, first, p):
        """Point 6 for an event at p."""
        scope = self.rule.within
        if scope is None:
            return True
        if scope[0] == "time":
            return self.time[p] - self.time[first] <= scope[1]
        if scope[0] == "events":
            return p - first < scope[1]
        return self.session[p] == self.session[first]

    def scope_end(self, first, now):
        """When the scope of a match that starts at `first` ends, as known after position `now`; INF: by no time."""
        scope = self.rule.within
        if scope is None or scope[0] == "events":
            return INF
        if scope[0] == "time":
            return self.time[first] + scope[1]
        last = first
        while last < now and self.session[last + 1] == self.session[first]:
            last += 1
        end = self.time[last] + scope[1]
        if scope[2] is not None:
            end = min(end, self.time[self.session[first]] + scope[2])
        return end

    def fits(self, take, p, run):
        """Does the event at p satisfy the step (point 1), its `after`, and the stretch of a timed absence (point 2)?"""
        taken = run.taken
        if not self.satisfies(take.step.ref, p, taken, take.path):
            return False
        for conjunct, others in take.step.where:
            env = Env(self.rule, self.seq, self.seq.events[p], taken, take.path, {take.step.name: self.seq.events[p]})
            if others <= {t.step for t in taken} and not conjunct.holds(env):
                return False
        if taken and (take.nots or take.arrow.after is not None):
            wait = self.time[p] - self.time[taken[-1].pos]
            after = self.limit(take.arrow.after, taken, take.path)
            if after is not None and wait < after:
                return False
            for w in take.nots:
                if w.node.duration is not None and wait <= self.limit(w.node.duration, taken, w.path):
                    return False
        return True

    def next_fit(self, take, run, end):
        """The first event behind the last one taken, and before `end`, that satisfies the step; None: there is none."""
        last = run.taken[-1].pos
        if take.plain and self.readings["until_event_is_next"]:
            p = self.next_of(take.step.ref)[last + 1]
            return p if p < end else None
        search = run.searches.get(take)
        if search is None:
            search = run.searches[take] = Search(last + 1)
        if search.at < end:
            search.go(end, lambda q: self.fits(take, q, run) and (self.readings["until_event_is_next"]
                                                                  or self.until_allows(take, q, run)))
        return search.before(end)

    def can_take(self, take, p, run):
        """May the partial match take the event at p by this way?"""
        taken, arrow = run.taken, take.arrow
        if not taken:
            return self.fits(take, p, run) and self.until_allows(take, p, run) and all(self.leading(w, p) for w in take.nots)
        last = taken[-1].pos
        if arrow.kind == "->":
            if self.next_fit(take, run, p + 1) != p:
                return False
        elif (arrow.kind == "," and p != last + 1) or not self.fits(take, p, run):
            return False
        if take.rep is not None and not self.until_allows(take, p, run):
            return False
        if arrow.within is not None and self.time[p] - self.time[last] > self.limit(arrow.within, taken, take.path):
            return False
        if self.rule.within is not None and not self.in_scope(taken[0].pos, p):
            return False
        return not take.nots or all(self.quiet(w, p, run, take) for w in take.nots)

    def leading(self, w, p):
        """A `not` before the first event."""
        if w.arrow is not None:
            raise Unsupported("an absence behind left-out first steps")
        if w.node.duration is None:
            if self.session is None:
                raise Unsupported("an untimed not first without a session")
            return not any(self.satisfies(w.node.ref, q, (), w.path) for q in range(self.session[p], p))
        d = self.limit(w.node.duration, (), w.path)
        start = self.time[p] - d
        if self.seq.watch_start > start:
            return False
        return not any(self.time[q] >= start and self.satisfies(w.node.ref, q, (), w.path) for q in range(p))

    def quiet(self, w, p, run, take):
        """A `not` between the last event taken and the one at p (point 3)."""
        last = run.taken[-1].pos
        if w.arrow is not None and w.arrow.kind == ",":
            return p == last + 1 or not self.satisfies(w.node.ref, last + 1, run.taken, w.path)
        if self.readings["both_passed_over_violates"]:
            return self.broken(w, p, run) is None
        return all(self.can_take(take, q, run) for q in range(last + 1, p) if self.breaks(w, q, run.taken))

    def breaks(self, w, q, taken):
        """Does the event at q, behind the last one taken, violate the `not`?"""
        if not self.satisfies(w.node.ref, q, taken, w.path):
            return False
        d = self.limit(w.node.duration, taken, w.path)
        return d is None or self.time[q] <= self.time[taken[-1].pos] + d

    def broken(self, w, end, run):
        """The first event before `end` that violates the `not`; None: there is none."""
        last = run.taken[-1].pos
        if w.node.ref.plain:
            q = self.next_of(w.node.ref)[last + 1]
            if q >= end:
                return None
            d = self.limit(w.node.duration, run.taken, w.path)
            return q if d is None or self.time[q] <= self.time[last] + d else None
        search = run.searches.get(w)
        if search is None:
            search = run.searches[w] = Search(last + 1)
        if search.at < end:
            search.go(end, lambda q: self.breaks(w, q, run.taken))
        return search.before(end)

    def until_allows(self, take, p, run):
        """Point 5: no event of a repetition at or after one, counted from its first event, that satisfies `until`."""
        frame = take.rep
        if frame is None or frame.rep.until is None:
            return True
        if frame.begin_pos is None:
            return not self.satisfies(frame.rep.until, p, run.taken, take.path)
        return not self.until_came(take, p, run)

    def until_came(self, take, p, run):
        """Has an event up to p satisfied the `until` of the repetition that the step goes on with?"""
        until, begin = take.rep.rep.until, take.rep.begin_pos
        if until.plain:
            return self.next_of(until)[begin] <= p
        search = run.searches.get((take, "until"))
        if search is None:
            search = run.searches[take, "until"] = Search(begin)
        if search.at <= p:
            search.go(p + 1, lambda q: self.satisfies(until, q, tuple(t for t in run.taken if t.pos < q), take.path))
        return search.before(p + 1) is not None

    def exhausted(self, take, run, now, counting=True, limits=True):
        """The time from which on this way can take nothing more, as known after position `now` was not taken by it
        (or was the last event taken): -INF already, INF as long as the input goes on. Without `counting` the scope of
        N events does not end, without `limits` the `within` of the way's arrow."""
        taken = run.taken
        last, first = taken[-1].pos, taken[0].pos
        if take.arrow.kind == "," and now > last:
            return -INF
        scope = self.rule.within
        if counting and scope is not None and scope[0] == "events" and now - first + 1 >= scope[1]:
            return -INF
        if scope is not None and scope[0] == "session" and self.session[now] != self.session[first]:
            return -INF
        frame = take.rep
        if frame is not None and frame.rep.until is not None and frame.begin_pos is not None \
                and self.until_came(take, now, run):
            return -INF
        if take.arrow.kind == "->" and self.next_fit(take, run, now + 1) is not None:
            return -INF
        if take.nots and not all(self.quiet(w, now + 1, run, take) for w in take.nots):
            return -INF
        end = self.scope_end(first, now)
        if limits and take.arrow.within is not None:
            end = min(end, self.time[last] + self.limit(take.arrow.within, taken, take.path))
        return end

    def completion(self, finish, blockers, run, now):
        """When the match is complete by this end of the pattern, as known after position `now` was judged:
        ("event", p) | ("time", t) | ("flush",) | None while it must wait | "never" | "late" (behind the scope's end)."""
        taken = run.taken
        last, first = taken[-1].pos, taken[0].pos
        scope = self.rule.within
        due, event, waits = -INF, last, False
        for w in finish.nots:
            if w.arrow is not None and w.arrow.kind == ",":
                if now == last:
                    waits = True
                    continue
                if self.satisfies(w.node.ref, last + 1, taken, w.path):
                    return "never"
                event = max(event, last + 1)
                continue
            if w.node.duration is not None:
                end = self.time[last] + self.limit(w.node.duration, taken, w.path)
                due = max(due, end)
            elif scope is None:
                if not self.readings["flush_ends_absence"]:
                    return "never"
                due = INF
            elif scope[0] == "events":
                end_pos = first + scope[1] - 1
                if now < end_pos:
                    waits = True
                else:
                    event = max(event, end_pos)
            else:
                due = max(due, self.scope_end(first, now))
            broken = self.broken(w, now + 1, run)
            if broken is not None and (w.node.duration is not None or self.in_scope(first, broken)):
                return "never"
        if waits:
            return None
        flush = False
        for b in blockers:
            end = self.exhausted(b, run, now, limits=self.readings["limit_ends_greedy"])
            if end == -INF:
                event = max(event, now)
            elif end == INF:
                flush = True
            else:
                due = max(due, end)
        if due == INF:
            return ("flush",)
        if flush:
            if not self.readings["flush_ends_greedy"]:
                return None
            return ("flush",)
        if finish.nots and scope is not None and scope[0] == "events" and not self.readings["absence_outlives_events"]:
            if event - first >= scope[1] or (due > -INF and now - first + 1 >= scope[1]):
                return "never"
        if due > -INF and (event == last or due >= self.time[event]):
            return ("time", due) if due <= self.scope_end(first, now) else "late"
        if event > last and (scope is None or scope[0] != "events") and not self.in_scope(first, event):
            return "never"
        return ("event", event)


# --------------------------------------------------------------------------------------------------- output

# events: their numbers, sorted; start, end: us (end None: the end of the input, which has no time);
# suppressed: `_suppressed`, 0 without; fields: as JSON has them.
Emission = namedtuple("Emission", "rule key kind events start end suppressed fields")
EPOCH = datetime.datetime(1970, 1, 1)


def as_json(value, unit):
    if value is None or unit is None:
        return value
    if unit == "duration":
        return value / 10**6
    return (EPOCH + datetime.timedelta(microseconds=value)).isoformat(timespec="microseconds") + "Z"


class Output:
    """What a rule emits for one key, in order: `having`, `once`, `limit`, timeouts."""

    def __init__(self, rule, seq, readings):
        self.rule, self.seq, self.readings = rule, seq, readings
        self.emissions, self.derived = [], []
        self.cause = None         # the event at hand; None: a deadline
        self.held_before = False  # `having ... once`: whether it was true the time before
        self.periods = {}         # (kind, value of `by`): [start, let through, held back since]

    def env(self, taken):
        return Env(self.rule, self.seq, None, taken, ())

    def match(self, taken, end):
        if self.rule.having is not None:
            holds = self.rule.having.holds(self.env(taken))
            before, self.held_before = self.held_before, holds
            if not holds or (self.rule.once and before):
                return
        self.emit("match", self.rule.emits, taken, end)

    def timeout(self, run, end):
        self.emit("timeout", self.rule.timeouts, run.taken, end, run)

    def emit(self, kind, types, taken, end, run=None):
        suppressed = self.limited(kind, taken, end)
        if suppressed is None:
            return
        events = sorted({n for t in taken for n in self.seq.events[t.pos].numbers})
        env = self.env(taken)
        env.run = run
        for name, fields in types:
            values = {field: as_json(e.value(env), unit) for field, e, unit in fields}
            self.emissions.append(Emission(self.rule.name, self.seq.key, name, events, self.seq.time(taken[0].pos), end,
                                           suppressed, values))
        for name, fields in self.rule.derives if kind == "match" else ():
            if end is None:
                raise Unsupported("an event derived at the end of the input")
            # directly after the event that caused it; after all events of its time if a deadline did
            before = (end, 1) if self.cause is None else self.cause.order
            values = {"time": end, **{field: e.value(env) for field, e, _ in fields}}
            self.derived.append(Event(name, values, end, tuple(events), before + (self.rule.number, len(self.derived))))

    def limited(self, kind, taken, end):
        """None: held back by `limit`; else how many were before it."""
        if self.rule.limit is None:
            return 0
        if end is None:
            raise Unsupported("limit at the end of the input")
        count, length, by = self.rule.limit
        what = (kind, None if by is None else by.value(self.env(taken)))
        period = self.periods.get(what)
        if period is not None:
            begin, passed, back = period
            if end < begin + length or (end == begin + length and self.readings["period_has_its_end"]):
                if passed < count:
                    self.periods[what] = [begin, passed + 1, 0]
                    return back
                self.periods[what] = [begin, passed, back + 1]
                return None
        suppressed = period[2] if period is not None and end <= period[0] + 2 * length else 0
        self.periods[what] = [end, 1, 0]
        return suppressed


class Selection:
    """What the three selections share: partial matches, the clock, deadlines in their order."""

    def __init__(self, rule, seq, readings):
        self.rule, self.seq, self.readings = rule, seq, readings
        self.walk = Walk(rule, seq, readings)
        self.judge = Judge(rule, seq, readings)
        self.output = Output(rule, seq, readings)
        self.runs = []
        self.clock = -INF  # all deadlines up to here have been seen to (us)

    def result(self):
        for p in range(len(self.seq.events)):
            self.deadlines(self.seq.time(p), p - 1)
            self.output.cause = self.seq.events[p]
            self.event(p)
            if self.rule.reset is not None and self.judge.satisfies(self.rule.reset, p, (), ()):
                self.runs = [r for r in self.runs if r.taken[0].pos == p]
            self.after_event(p)
            self.output.cause = None
            if len(self.runs) > MAX_RUNS:
                raise TooBig()
        self.deadlines(self.seq.end, len(self.seq.events) - 1, closing=True)
        return self.output.emissions

    def deadlines(self, now, p, closing=False):
        """Everything due before `now` (p: the last position judged); at the end, up to it."""
        while True:
            due = [t for t in self.dues(p) if self.clock < t < INF and (t <= now if closing else t < now)]
            if not due:
                break
            self.clock = min(due)
            self.at(self.clock, p)
        if not closing:
            self.clock = max(self.clock, now - 1)
        if closing and now == INF:
            self.at_flush(p)

    # -- ends of partial matches

    def completions(self, run, now):
        """What is known after position `now` of each end of the pattern that the run may be at."""
        ends = run.next.ends
        if not ends:
            return ()
        if run.completed_at != now:
            run.completed_at = now
            run.completions = [self.judge.completion(w, self.blockers(w, before), run, now) for w, before in ends]
        return run.completions

    def expiry(self, run, now):
        """The time from which on the run can neither go on nor complete, as known after position `now`: -INF: already;
        INF: as long as the input goes on."""
        known = (now, self.was_complete(run))
        if run.timed_at != known:
            run.timed_at, run.times = known, self.times(run, now)
        return max([t for t in run.times if t > self.clock], default=-INF)

    def times(self, run, now, counting=True):
        """For each way on the time from which on it is none; without `counting` N events do not end."""
        out, ends = [], iter(self.completions(run, now))
        for w, before in run.next.each:
            if isinstance(w, Finish):
                c = next(ends)
                if self.was_complete(run):
                    continue
                if c is None or c == "late":
                    out.append(self.judge.scope_end(run.taken[0].pos, now))
                elif c == ("flush",):
                    out.append(INF)
                elif c[0] == "time":
                    out.append(c[1])
            elif not self.barred(w, now, run):
                out.append(self.judge.exhausted(w, run, now, counting))
        return out

    def barred(self, way, now, run):
        return False

    def was_complete(self, run):
        """It is not complete once more, however else it may end."""
        return False

    def spent(self, p):
        """The runs whose scope of N events is over after position p, and which nothing else has ended."""
        scope = self.rule.within
        if scope is None or scope[0] != "events":
            return []
        return [r for r in self.runs if p - r.taken[0].pos + 1 == scope[1] and self.expiry(r, p) == -INF
                and any(t > self.clock for t in self.times(r, p, counting=False))]

    # -- skip

    def drops(self, taken, other):
        """Section 3: does the reported match drop the other one?"""
        skip, start = self.rule.skip, other[0].pos
        if skip == "next":
            return start == taken[0].pos
        if skip == "past":
            return start <= taken[-1].pos
        if isinstance(skip, tuple):
            of = Env(self.rule, self.seq, None, taken, ()).taken_by(skip[1])
            x = of[0 if skip[0] == "first" else -1].pos if of else taken[0].pos
            return x != taken[0].pos and start < x
        return False


def positions(taken):
    return [t.pos for t in taken]


# ------------------------------------------------------------------------------------------------ section 4

class AtATime(Selection):
    """`match`: section 4, for one key."""

    def __init__(self, rule, seq, readings):
        super().__init__(rule, seq, readings)
        self.unscoped = None
        if rule.within is not None and rule.within[0] == "events":
            without = copy.copy(rule)
            without.within = None
            self.unscoped = Judge(without, seq, readings)
        self.lasted = []  # timeouts reported: (position of the first event, of the last, deadline)

    def blockers(self, finish, before):
        """The greedy ways that stand before an end; those behind which the absences begin do not hold an absence back."""
        return [b for b in before if isinstance(b, Take)
                and (len(b.nots) == len(finish.nots) or not self.readings["absence_spares_greedy"])]

    def event(self, p):
        complete, runs = [], []
        for run in self.runs + [self.walk.begins]:
            after, done, stays = self.offer(run, p)
            complete += done
            for r in after:
                (complete if r.next.ends and ("event", p) in self.completions(r, p) else runs).append(r)
            if stays and run is not self.walk.begins and self.lives(run, p):
                runs.append(run)
        self.runs = runs
        self.select(complete, self.seq.time(p), p)

    def after_event(self, p):
        if self.rule.timeouts:
            gone = self.spent(p)
            self.time_out(gone, self.seq.time(p))
            self.runs = [r for r in self.runs if r not in gone]

    def lives(self, run, p):
        scope = self.rule.within
        return not (scope and scope[0] == "time" and self.seq.time(p) - self.seq.time(run.taken[0].pos) > scope[1])

    def offer(self, run, p):
        """The event at p goes down the list of ways: (followers, completed by it, the run stays as it was).
        What only the end of `within N events` completes ends after the event was judged: if the run did not go on."""
        followers, done, afterwards = [], [], []
        consumed = self.down(run.next.ways, [], run, p, followers, done, afterwards)
        if not consumed:
            done += afterwards
        return followers, done, not consumed and not done

    def down(self, ways, before, run, p, followers, done, afterwards):
        """Down one list, behind the ways `before`; True where a way takes the event and leaves nothing beside it."""
        begins = run is self.walk.begins
        for w in ways:
            if isinstance(w, Take):
                if self.judge.can_take(w, p, run):
                    followers.append(self.walk.run(run.taken + (Taken(w.step.number, p, w.path),), w.place))
                    if w.arrow.kind != "->>" or (begins and not self.readings["first_any_branches"]):
                        return True
                before.append(w)
            elif isinstance(w, Branch):
                if any([self.down(lst, list(before), run, p, followers, done, afterwards) for lst in w.lists]):
                    return True
                before += [x for x, _ in flat([w]) if isinstance(x, Take)]
            elif not begins:
                if self.judge.completion(w, self.blockers(w, before), run, p) == ("event", p):
                    early = self.unscoped is None or \
                        self.unscoped.completion(w, self.blockers(w, before), run, p) == ("event", p)
                    (done if early else afterwards).append(run)
        return False

    def rank(self, run):
        """The earliest start, then the smallest positions; the left branch stands first in the list."""
        return positions(run.taken) + ([] if self.readings["prefix_is_smaller"] else [INF])

    def in_order(self, complete):
        """Each assignment once, in the order of its rank."""
        once = {}
        for r in complete:
            once.setdefault(r.taken, r)
        return sorted(once.values(), key=self.rank)

    def select(self, complete, end, p):
        """What completes at one event (p) or deadline (p None), at the time `end`."""
        if self.rule.skip is not None:
            self.select_by_skip(self.in_order(complete), end)
            return
        while complete:
            best = min(complete, key=self.rank)
            self.output.match(best.taken, end)
            if p is None:
                bound = INF  # everything that started up to that deadline
            else:  # completed by an event that is not part of it: those before that event
                bound = p if best.taken[-1].pos == p else p - 1
            self.runs = [r for r in self.runs if r.taken[0].pos > bound]
            complete = [c for c in complete if c.taken[0].pos > bound]
            if not self.readings["report_undropped"]:
                break

    def select_by_skip(self, complete, end):
        reported = []
        for run in complete:
            if not any(self.drops(m.taken, run.taken) for m in reported):
                reported.append(run)
                self.output.match(run.taken, end)
        if reported and self.rule.skip == "all":
            self.runs = []
        self.runs = [r for r in self.runs if not any(self.drops(m.taken, r.taken) for m in reported)]

    # -- deadlines

    def due(self, run, p):
        """The times at which the run completes: INF for the end of a flushed input."""
        return [c[1] if c[0] == "time" else INF for c in self.completions(run, p)
                if isinstance(c, tuple) and c[0] in ("time", "flush")]

    def dues(self, p):
        for r in self.runs:
            if r.next.ends:
                yield from self.due(r, p)
            if self.rule.timeouts:
                yield self.expiry(r, p)

    def at(self, t, p):
        complete = [r for r in self.runs if t in self.due(r, p)]
        expired = []
        if self.rule.timeouts:
            # the clock stands at t: what can go on behind it has a later expiry
            expired = [r for r in self.runs if r not in complete and self.expires_at(r, t, p)]
        if expired and not self.readings["matches_before_timeouts"]:
            self.time_out(expired, t)
        self.runs = [r for r in self.runs if r not in complete]
        self.select(complete, t, None)
        if self.readings["matches_before_timeouts"]:
            self.time_out([r for r in expired if r in self.runs], t)
        self.runs = [r for r in self.runs if r not in expired]

    def expires_at(self, run, t, p):
        self.clock = -INF
        end = self.expiry(run, p)
        self.clock = t
        return end == t

    def at_flush(self, p):
        complete = [r for r in self.runs if INF in self.due(r, p)]
        self.runs = [r for r in self.runs if r not in complete]
        self.select(complete, None, None)

    def time_out(self, runs, t):
        """Of those due at one time the earliest start, and none that started within one already reported."""
        runs = [r for r in runs if not any(self.within_reported(r, x) for x in self.lasted)]
        if runs:
            more = [] if self.readings["timeout_smaller_first"] else [lambda r: -len(r.taken)]
            best = min(runs, key=lambda r: [r.taken[0].pos, *(f(r) for f in more), self.rank(r)])
            self.lasted.append((best.taken[0].pos, best.taken[-1].pos, t))
            self.output.timeout(best, t)

    def within_reported(self, run, reported):
        first, last, deadline = reported
        start = run.taken[0].pos
        until = self.seq.time(start) <= deadline if self.readings["timeout_lasts_to_deadline"] else start <= last
        return start >= first and until


# ------------------------------------------------------------------------------------------------ section 5

class Newest(AtATime):
    """`match last`: section 5, for one key."""

    def __init__(self, rule, seq, readings):
        super().__init__(rule, seq, readings)
        self.structure = Walk(rule, seq, readings, guarded=readings["point_has_guards"])

    def select(self, complete, end, p):
        for run in self.in_order(complete):
            self.output.match(run.taken, end)
        if p is not None:
            self.keep_newest(p)

    def keep_newest(self, p):
        scope = self.rule.within
        kept = {}
        for r in self.runs:
            if scope and scope[0] == "events" and p - r.taken[0].pos + 1 >= scope[1] and self.readings["spent_is_not_kept"] \
                    and self.expiry(r, p) == -INF:
                if not self.rule.timeouts:
                    continue
                kept[r.taken, r.place] = r  # to time out; once, where several ways led there
                continue
            point = self.point(r)
            if point not in kept or self.newness(r) > self.newness(kept[point]):
                kept[point] = r
        self.runs = [r for r in self.runs if any(r is k for k in kept.values())]

    def newness(self, run):
        """The later arrival, then the later start, then the larger positions."""
        return [run.taken[-1].pos] + positions(run.taken)

    def point(self, run):
        """What may come next: the steps, the rounds of each repetition as far as they count, the place."""
        if run.point is not None:
            return run.point
        out = set()
        for w, _ in self.structure.next(run.taken, run.place).each:
            nots = tuple(id(n.node) for n in w.nots) if self.readings["point_has_absences"] else ()
            if isinstance(w, Finish):
                out.add(("end", nots))
            else:
                out.add((w.step.number, tuple(self.frame(f, run) for f in frames(w.place)), nots))
        run.point = frozenset(out)
        return run.point

    def frame(self, frame, run):
        if isinstance(frame, SeqFrame):
            return ("seq", id(frame.seq), frame.at)
        if isinstance(frame, AllFrame):
            return ("and", id(frame.node), frame.left)
        begins = frame.began_at == len(run.taken)
        rounds = frame.round - 1 if begins or self.readings["point_counts_complete_rounds"] else frame.round
        return ("rep", frame.rep.number, min(rounds, frame.rep.low))

    def time_out(self, runs, t):
        for r in sorted(runs, key=self.rank):
            self.output.timeout(r, t)


def frames(place):
    while place is not None:
        frame, place = place
        yield frame


# --------------------------------------------------------------------------------------------- sections 2, 3

class Every(Selection):
    """`match all`: every match of section 2, by trying every assignment, for one key; `greedy`, `skip` as in section 3."""

    def __init__(self, rule, seq, readings):
        super().__init__(rule, seq, readings)
        self.seen = set()   # assignments that were complete
        self.held = []      # complete matches: (start, when it completed, taken)
        self.moments = 0
        self.timed_out = set()  # first events that had their timeout
        # Does it matter to anything when a run ends? Else those that have are only in the way.
        self.ends_matter = bool(rule.timeouts) or rule.skip not in (None, "none", "all")

    def blockers(self, finish, before):
        return []

    def was_complete(self, run):
        return run.taken in self.seen

    def barred(self, way, now, run):
        """`greedy`: has an event come that the repetition which stands before this way could still have taken?"""
        return now > run.taken[-1].pos and not self.may_leave(way, now, run)

    def may_leave(self, w, p, run):
        return not w.leaves or not run.taken or self.leaves(w, w.leaves, p, run)

    def leaves(self, w, greedy, p, run):
        """May the way leave the repetitions that could go on by the ways `greedy`?"""
        for i, g in enumerate(greedy):
            if (w.rep is not None and w.rep.rep is g.rep.rep) or g.arrow.kind == "->>":
                continue
            last = run.taken[-1].pos
            stop = last + 1 if g.arrow.kind == "," else p
            if any(self.judge.can_take(g, q, run) and (self.readings["barred_bars"] or self.leaves(g, greedy[:i], q, run))
                   for q in range(last + 1, stop + 1)):  # those before it, it leaves, too
                return False
        return True

    def event(self, p):
        for run in self.runs + [self.walk.begins]:
            for w, _ in run.next.each:
                if isinstance(w, Take) and self.judge.can_take(w, p, run) and self.may_leave(w, p, run):
                    self.runs.append(self.walk.run(run.taken + (Taken(w.step.number, p, w.path),), w.place))
        self.complete([r for r in self.runs if r.next.ends and ("event", p) in self.completions(r, p)], self.seq.time(p))

    def after_event(self, p):
        gone = self.spent(p) if self.rule.timeouts else []
        if self.ends_matter or p % 3 == 0:
            self.runs = [r for r in self.runs if self.expiry(r, p) > -INF]
        if not self.readings["matches_before_timeouts"]:
            self.time_out(gone, self.seq.time(p))
        reported = self.settle(self.seq.time(p))
        if self.readings["matches_before_timeouts"]:
            self.time_out([r for r in gone if not any(self.drops(m, r.taken) for m in reported)], self.seq.time(p))

    def complete(self, runs, end):
        new = {}
        for r in runs:
            what = r.taken
            if what not in self.seen:
                self.seen.add(what)
                new[what] = r.taken
        self.moments += 1
        new = sorted(new.values(), key=positions)
        if self.rule.skip in (None, "none", "all"):
            for taken in new:
                self.output.match(taken, end)
            if new and self.rule.skip == "all":
                self.runs = []
        else:
            self.held += [(taken[0].pos, self.moments, taken) for taken in new]

    def settle(self, end):
        """Report what no partial match of an earlier start holds back."""
        reported = []
        while self.held:
            best = min(self.held, key=lambda h: (h[0], h[1], positions(h[2])))
            if any(r.taken[0].pos < best[0] for r in self.runs):
                break
            self.held.remove(best)
            reported.append(best[2])
            self.output.match(best[2], end)
            self.held = [h for h in self.held if not self.drops(best[2], h[2])]
            self.runs = [r for r in self.runs if not self.drops(best[2], r.taken)]
        return reported

    def dues(self, p):
        for r in self.runs:
            if self.ends_matter:
                yield self.expiry(r, p)
            if r.next.ends:
                yield from (c[1] for c in self.completions(r, p) if isinstance(c, tuple) and c[0] == "time")

    def at(self, t, p):
        self.complete([r for r in self.runs if ("time", t) in self.completions(r, p)], t)
        live, expired = [], []
        for r in self.runs:
            (live if self.expiry(r, p) > t else expired).append(r)
        self.runs = live
        if not self.readings["matches_before_timeouts"]:
            self.time_out(expired, t)
        reported = self.settle(t)
        if self.readings["matches_before_timeouts"]:
            self.time_out([r for r in expired if not any(self.drops(m, r.taken) for m in reported)], t)

    def at_flush(self, p):
        self.complete([r for r in self.runs if ("flush",) in self.completions(r, p)], None)
        if self.readings["flush_releases_held"]:
            self.runs = []
        self.settle(None)

    def time_out(self, runs, t):
        """One per first event, the one with most events."""
        if not self.rule.timeouts:
            return
        by_start = {}
        for r in runs:
            if self.readings["reported_has_no_timeout"] and r.taken in self.seen:
                continue
            start = r.taken[0].pos
            if start in self.timed_out or (self.readings["timeout_waits_for_start"]
                                           and any(o.taken[0].pos == start for o in self.runs)):
                continue
            if start not in by_start or len(r.taken) > len(by_start[start].taken) or (
                    len(r.taken) == len(by_start[start].taken) and positions(r.taken) < positions(by_start[start].taken)):
                by_start[start] = r
        for start in sorted(by_start):
            self.timed_out.add(start)
            self.output.timeout(by_start[start], t)


# -------------------------------------------------------------------------------------------------- interface

SELECTIONS = {"first": AtATime, "last": Newest, "all": Every}


def emissions(rules, events, at_end, readings=None, mode=None):
    """What the rules of the text emit: for each rule and key its emissions in order."""
    return answer(Parser(rules), events, at_end, readings, mode)


def answer(parser, events, at_end, readings=None, mode=None):
    chosen = {**READINGS, **(readings or {})}
    out, taken_in, derived = [], read(parser, events), []
    for rule in by_layer(parser.rules):
        how = mode or rule.mode
        if rule.skip is not None and how == "last":
            raise Unsupported("match last with skip")
        below = [e for e in derived if e.type in rule.mentioned]
        mine = []
        for seq in sequences(parser, rule, taken_in, below, at_end, chosen):
            selection = SELECTIONS[how](rule, seq, chosen)
            out.append(selection.result())
            mine += [e._replace(order=e.order[:-1] + (len(mine) + n,)) for n, e in enumerate(selection.output.derived)]
        derived += mine
    return out


def by_layer(rules):
    """Each rule behind those that derive what it takes in."""
    done, left = [], list(rules)
    while left:
        ready = [r for r in left if not any(name in r.mentioned for o in left for name, _ in o.derives)]
        if not ready:
            raise Unsupported("a circle of derived types")
        done += ready
        left = [r for r in left if r not in ready]
    return done


def matches(rules, events, at_end, readings=None, mode=None):
    """The emissions of all rules of the text: a sorted list of sorted lists of event numbers (from 1)."""
    return sorted(e.events for one in emissions(rules, events, at_end, readings, mode) for e in one)


def agrees(case, got):
    """Are the emissions (for each rule and key a list, in order) those that the case expects? As matches: the multiset of
    `expected`; where the case has `emitted`, its one rule and key's emissions in order, by the members that it gives."""
    if sorted(e.events for one in got for e in one) != sorted(sorted(m) for m in case["expected"]):
        return False
    if "emitted" not in case:
        return True
    (one,) = [one for one in got if one] or [[]]
    return len(one) == len(case["emitted"]) and all(
        all(value == {"event": e.kind, "events": e.events, "start": in_ms(e.start), "end": in_ms(e.end),
                      "suppressed": e.suppressed, "fields": e.fields}[name] for name, value in expected.items())
        for e, expected in zip(one, case["emitted"]))


def in_ms(us):
    return None if us is None else us / 1000


def main(argv):
    """reference.py CASES.jsonl...: compare the reading with what the cases expect."""
    passed = failed = outside = 0
    for path in argv:
        with open(path, encoding="utf-8") as f:
            for line in f:
                case = json.loads(line)
                try:
                    got = emissions(case["rules"], case["events"], case["at_end"])
                except Unsupported as e:
                    outside += 1
                    print(f"outside {case['id']}: {e}")
                    continue
                if agrees(case, got):
                    passed += 1
                else:
                    failed += 1
                    print(f"FAIL {case['id']}\n{case['rules']}\nexpected {case.get('emitted', case['expected'])}\n"
                          + "\n".join(f"got      {e}" for one in got for e in one))
    print(f"{passed} passed, {failed} failed, {outside} outside the subset")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
