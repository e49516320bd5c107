#!/bin/sh
# The conformance cases through the command, with shared matches and without; see run.py.
run=${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/conformance/run.py
python3 "$run" "$@" || exit 1
exec python3 "$run" --option=--no-shared-matches "$@"
