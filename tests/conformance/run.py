#!/usr/bin/env python3
"""Conformance cases through the `ensue` command: run.py [--ensue PATH] [--only TEXT] [CASES.jsonl ...]

Without files, all of cases/*.jsonl. The command's path: --ensue, else $ENSUE, else `ensue`.
A case is one JSON object a line with id, rules, events, at_end and expected; matches are compared as a multiset of sorted
event numbers, and in order, with their times, where the case has `emitted`. Cases to which the command answers that it
can't do that yet (E0900; "not run yet") are counted as skipped. Exit code 1 when a case fails."""
import argparse
import glob
import json
import os
import sys

sys.dont_write_bytecode = True
from harness import Command, agrees, show  # noqa: E402  (the flag above must come first)


def cases(paths):
    for path in paths:
        with open(path, encoding="utf-8") as f:
            for line in f:
                if line.strip() and not line.startswith("#"):
                    yield json.loads(line)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    ap = argparse.ArgumentParser(description="run conformance cases through ensue")
    ap.add_argument("--ensue", default=os.environ.get("ENSUE", "ensue"))
    ap.add_argument("--only", default="", help="only cases whose id contains this text")
    ap.add_argument("--option", action="append", default=[], help="of `ensue run`, too: --option=--no-shared-matches")
    ap.add_argument("files", nargs="*")
    args = ap.parse_args()
    files = args.files or sorted(glob.glob(os.path.join(here, "cases", "*.jsonl")))
    command = Command(args.ensue, options=args.option)
    passed = failed = skipped = 0
    for case in cases(files):
        if args.only not in case["id"]:
            continue
        try:
            got = command.run(case["rules"], case["events"], case["at_end"])
        except OSError as e:
            print(f"{args.ensue}: {e.strerror}", file=sys.stderr)
            return 3
        if got.kind == "unsupported":
            skipped += 1
        elif agrees(case, got):
            passed += 1
        else:
            failed += 1
            expected = case.get("emitted", case["expected"])
            answer = got.emissions if "emitted" in case else got.matches
            if got.kind != "ok":
                answer = f"{got.kind}: {got.text.strip()}"
            print(f"FAIL {case['id']}  ({case['at_end']})\n{case['rules'].rstrip()}\n{show(case['events'])}\n"
                  f"expected {expected}\ngot      {answer}\n")
    if skipped:
        print(f"{skipped} skipped (not supported yet)")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
