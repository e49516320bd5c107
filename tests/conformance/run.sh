#!/bin/sh
# The conformance cases through the command; see run.py.
exec python3 "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/conformance/run.py" "$@"
