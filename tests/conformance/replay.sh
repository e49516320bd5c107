#!/bin/sh
# All cases, and some random ones, in several ways, through saved state too; see replay.py.  ENSUE_REPLAY_SEEDS: which (1-1000).
exec python3 "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/conformance/replay.py" --seeds "${ENSUE_REPLAY_SEEDS:-1-1000}" "$@"
