# Which of the grammar's states the repository's rule texts reach: sh tests/fuzz/grammar.sh PROGRAM PERCENT
# PROGRAM is tests/fuzz/grammar_coverage; fewer than PERCENT of the states, or of the tokens that states name, is a
# failure (`make grammar-coverage`).
set -u
work=$(mktemp -d "${TMPDIR:-/tmp}/ensue-grammar.XXXXXX") || exit 99
trap 'rm -rf "$work"' EXIT
sh "$(dirname "$0")/seeds.sh" "$work" || exit 1
"$1" "$work"/rules/*.ens >"$work/report" || exit 1
awk -v least="$2" '
	!/^(states|tokens) / { print; next }
	{
		printf "%s: %d of %d, %.1f %%\n", $1, $2, $4, 100 * $2 / $4
		if (100 * $2 < least * $4) { printf "FAILED %s: fewer than %d %%\n", $1, least; bad = 1 }
		n++
	}
	END { exit bad || n != 2 }' "$work/report"
