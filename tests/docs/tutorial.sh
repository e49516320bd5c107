#!/bin/sh
# Types docs/getting-started.md in, step by step: what it says to put into a file is put there, its ```sh blocks are run one
# after the other in one shell, on a private port.
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
. "$ENSUE_SOURCE/tests/redis/lib.sh"
cd "$work" || exit 99

# A port that nobody listens on.
port=$(awk 'BEGIN { srand(); print 20000 + int(rand() * 20000) }')
while redis-cli -p "$port" ping >/dev/null 2>&1; do
	port=$((port + 1))
done

# The page as a script: files as here-documents, commands as they are, each told before it is done.
awk -v port="$port" '
	/^```/ && open { open = 0; if (kind == "file") print "END_OF_FILE"; kind = ""; next }
	/^```sh$/ { open = 1; kind = "sh"; print "echo \"STEP " NR "\""; next }
	/^```(ens|ndjson)$/ && file != "" { open = 1; kind = "file"; print "cat >" file " <<\"END_OF_FILE\""; file = ""; next }
	/^```/ { open = 1; kind = ""; next }
	open && kind != "" { gsub(/6399/, port); print; next }
	!open && match($0, /into `[a-z.]+`/) { file = substr($0, RSTART + 6, RLENGTH - 7) }
' "$ENSUE_SOURCE/docs/getting-started.md" >script.sh

PATH=$(dirname "$ENSUE"):$PATH timeout 90 sh script.sh >said 2>&1
equal "the tutorial ends" 0 "$?"
timeout 5 redis-cli -p "$port" shutdown nosave >/dev/null 2>&1

contains "ensue check finds nothing" "$(cat said)" "rules.ens: 1 rule, no problems"
contains "the file has its match" "$(cat said)" '"_event":"BruteForce","ip":"192.0.2.7","user":"bob","tries":5'
contains "the tests pass" "$(cat said)" "3 passed"
last=$(awk '/^STEP/ { text = ""; before = last; last = ""; next } { last = last $0 "\n" } END { print before }' said)
equal "three alerts, none lost, none twice" "2 1" \
	"$(printf '%s' "$last" | grep -c '^BruteForce$') $(printf '%s' "$last" | grep -c '^Silent$')"
[ "$failed" -eq 0 ] || cat said
finish
