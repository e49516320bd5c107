#!/bin/sh
# Rules that look rows up, before they can be run: explained, listed, drawn, formatted.
. "${ENSUE_SOURCE:-$(dirname "$0")/../..}/tests/lib.sh"
cd "$work" || exit 99
cat >rules.ens <<'END_OF_RULES'
table Account from "accounts" key card { card: string, limit: int, gone: bool? } delete when gone
table Rate from "rates", "more" key day, zone { day: int, zone: string, rate: float }
event Payment from "payments" { card: string, n: int }
rule large "Over the limit"
  match p: Payment[n > Account[card].limit]
  emit  Large { card: p.card, limit: Account[p.card].limit, rate: Rate[1, "x"].rate }
test "rows are given like events" for large {
  Account { card: "a", limit: 5 }
  at 1s Payment { card: "a", n: 7 }
  expect Large { limit: 5 }
}
END_OF_RULES
expect "checked" 0 "no problems" check rules.ens
expect "its test is not run" 1 'the rule `large`: a table can be checked and compiled, but not run yet' test rules.ens
ensue explain rules.ens
equal "explained" 'It looks up
  - Account by its key `card`, from "accounts"; a change for which `gone` holds takes the row away
  - Rate by its key `day` and `zone`, from "rates" and "more"
  What it finds is the latest row of that key when it looks; where there is none, null.' \
	"$(printf '%s\n' "$out" | sed -n '/^It looks up/,/^  What/p')"
ensue list rules.ens
contains "listed" "$out" 'rules.ens:1: table Account from "accounts"'
expect "drawn" 0 "Payment" graph rules.ens large --format ascii
ensue check --dump tables rules.ens
before=$out
expect "formatted" 0 "" fmt rules.ens
ensue check --dump tables rules.ens
equal "formatted, it is the same" "$before" "$out"
finish
