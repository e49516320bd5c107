#!/usr/bin/env python3
"""The cases of cases/*.jsonl, the patterns and random rules through the program `replay`: replay.py [--replay PATH] [--seeds A-B]

Each is run in several ways, with a save and a load of the state between any two events among them; all must give the same
emissions: see replay.c. What they should be is not looked at here: run.py and differential.py do that. The program's path:
--replay, else $ENSUE_BUILD/tests/conformance/replay. Failing cases are kept in a folder that is named; exit code 1 then."""
import argparse
import glob
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
from differential import CONSTRUCTS, SHARED, Maker, parse_seeds, rules_text  # noqa: E402  (the flag above must come first)
from run import cases  # noqa: E402

CHUNK = 500  # cases in one process
TALLY = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) not compiled or run$", re.M)


def random_cases(seeds):
    for seed, constructs in itertools.chain.from_iterable(
            [(seed, CONSTRUCTS)] + ([(seed, SHARED)] if seed % 4 == 0 else []) for seed in seeds):
        case = Maker(seed, constructs).case()
        yield {"rules": rules_text(case), "events": case["events"], "at_end": case["at_end"]}


def pattern_cases(folder):
    for rules in sorted(glob.glob(os.path.join(folder, "*.ens"))):
        events = rules[:-4] + ".ndjson"
        if os.path.exists(events):
            with open(rules, encoding="utf-8") as f, open(events, encoding="utf-8") as g:
                yield {"rules": f.read(), "events": [json.loads(line) for line in g], "at_end": "flush"}


def chunks(items):
    chunk = []
    for item in items:
        chunk.append(item)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def run(path, chunk, folder):
    """The three numbers, and what was said of failures."""
    lines = []
    for n, case in enumerate(chunk, 1):
        base = os.path.join(folder, str(n))
        with open(base + ".ens", "w", encoding="utf-8") as f:
            f.write(case["rules"])
        with open(base + ".ndjson", "w", encoding="utf-8") as f:
            f.writelines(json.dumps(e) + "\n" for e in case["events"])
        lines.append(f"{base}.ens\t{base}.ndjson\t{case['at_end']}\n")
    done = subprocess.run([path], input="".join(lines), capture_output=True, text=True, errors="replace", timeout=600,
                          check=False)
    told = TALLY.search(done.stdout)
    if not told:
        return None, f"{done.stdout}{done.stderr}exit {done.returncode}"
    return [int(n) for n in told.groups()], done.stdout[:told.start()] + done.stderr


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    ap = argparse.ArgumentParser(description="cases in several ways, through saved state too")
    ap.add_argument("--replay", default=os.path.join(os.environ.get("ENSUE_BUILD", "."), "tests/conformance/replay"))
    ap.add_argument("--seeds", default="1-0", help="random rules beside the cases")
    args = ap.parse_args()
    files = sorted(glob.glob(os.path.join(here, "cases", "*.jsonl")))
    items = itertools.chain(cases(files), pattern_cases(os.path.join(here, "../../patterns")),
                            random_cases(parse_seeds(args.seeds)))
    total, folder = [0, 0, 0], tempfile.mkdtemp(prefix="ensue-replay-")
    for chunk in chunks(items):
        tally, said = run(args.replay, chunk, folder)
        total = [a + b for a, b in zip(total, tally or [0, 1, 0])]
        if total[1]:
            print(f"{said}\nkept in {folder}")
            break
    if not total[1]:
        shutil.rmtree(folder)
    if total[2]:
        print(f"{total[2]} not compiled, or not run yet")
    print(f"{total[0]} passed, {total[1]} failed")
    return 1 if total[1] or not total[0] else 0


if __name__ == "__main__":
    sys.exit(main())
