#!/usr/bin/env python3
"""Rule texts for fmt.sh: collects all that the tests and the documentation have, mutates them, and says what got lost.

  collect SOURCE-TREE DIR       each text a file
  mutate DIR OUT SEED COUNT     COUNT texts of DIR with clauses shuffled, comments, line breaks and parentheses put in, or pieces of two mixed
  compare DIR DIR               files of the same name must have the same characters, but for blanks, commas and parentheses
"""
import collections
import json
import pathlib
import random
import re
import sys


def texts(root):
    for path in sorted(root.glob("tests/lang/*.test")):
        for case in re.split(r"^== .*\n", path.read_text(), flags=re.M)[1:]:
            yield re.split(r"^-- \w+$", case, flags=re.M)[0]
    for path in [root / "README.md", *sorted(root.glob("docs/*.md"))]:
        yield from re.findall(r"^```ens.*?\n(.*?)^```", path.read_text(), flags=re.M | re.S)
    for path in sorted(root.glob("patterns/*.ens")):
        yield path.read_text()
    for path in sorted(root.glob("tests/conformance/cases/*.jsonl")):
        for line in path.read_text().splitlines():
            yield json.loads(line)["rules"]


def collect(root, out):
    for number, text in enumerate(dict.fromkeys(texts(pathlib.Path(root)))):
        (pathlib.Path(out) / f"{number:04}.ens").write_text(text)


TOKEN = re.compile(r'"(?:\\.|[^"\\\n])*"|`[^`\n]*`|#[^\n]*|\w+|->>|->|\?\?|[<>!]=|\s+|.', re.S)


CLAUSE = re.compile(r"\s+(from|key|match|where|within|window|having|skip|reset|limit|emit|derive|on|meta)\b")


def shuffled(rng, text):
    """Clauses of one line each that stand side by side, in another order."""
    lines = text.splitlines(keepends=True)
    first = 0
    while first < len(lines):
        last = first
        while last < len(lines) and CLAUSE.match(lines[last]) and not re.search(r"[^\w\s\])}\"?*+]\s*$", lines[last]):
            last += 1
        part = lines[first:last]
        rng.shuffle(part)
        lines[first:last] = part
        first = last + 1
    return "".join(lines)


GOES_ON = {"{", "[", "(", ",", "->", "->>", "|", "&", "and", "or", ">", "<", "=", "!=", ":", "-", "not"}


def mutated(rng, pool):
    text = rng.choice(pool)
    tokens = TOKEN.findall(shuffled(rng, text) if rng.randrange(2) else text)
    for _ in range(rng.choice([0, 1, 1, 2, 3, 5])):
        at = rng.randrange(len(tokens) + 1)
        kind = rng.choice([0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 4, 5])
        if kind < 3 and rng.randrange(4):  # where a line may end
            goes_on = [i + 1 for i, t in enumerate(tokens) if t in GOES_ON or t.endswith("\n")]
            at = rng.choice(goes_on or [0])
        if kind == 0:
            tokens.insert(at, f" # mark {rng.randrange(100)}\n")
        elif kind == 1:
            tokens.insert(at, f"\n  # own {rng.randrange(100)}\n\n")
        elif kind == 2:
            tokens.insert(at, rng.choice(["\n", "\n\n\n", "\t ", "\n  ## doc\n", ", ", "\r\n"]))
        elif kind == 3:
            end = min(len(tokens), at + rng.choice([1, 1, 1, 3, 5, 9]))
            tokens.insert(end, ")")
            tokens.insert(at, "(")
        elif kind == 4:
            other = TOKEN.findall(rng.choice(pool))
            start = rng.randrange(len(other) + 1)
            tokens[at:at] = other[start:start + rng.randint(1, 12)]
        else:
            del tokens[at:at + rng.randint(1, 3)]
    return "".join(tokens)


def mutate(source, out, seed, count):
    rng = random.Random(int(seed))
    pool = [p.read_text() for p in sorted(pathlib.Path(source).glob("*.ens"))]
    pool = [text for text in pool if len(text) < 20000]
    for number in range(int(count)):
        (pathlib.Path(out) / f"{number:05}.ens").write_text(mutated(rng, pool), newline="")


def characters(path):
    text = path.read_text().replace("\ufeff", "")
    return collections.Counter(re.sub(r"[\s(),]", "", text))


def compare(a, b):
    for path in sorted(pathlib.Path(a).glob("*.ens")):
        before, after = characters(path), characters(pathlib.Path(b) / path.name)
        lost, added = before - after, after - before
        # a `##` comment that no longer stands behind something loses one of them, so that it documents nothing
        if added or set(lost) - {"#"}:
            print(f"{path.name}: lost {dict(lost)}, added {dict(added)}")


if __name__ == "__main__":
    {"collect": collect, "mutate": mutate, "compare": compare}[sys.argv[1]](*sys.argv[2:])
