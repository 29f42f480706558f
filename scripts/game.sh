#!/usr/bin/env bash
# Simulates the chain's rules with populations of agents and prints what lying buys and what each known trick earns. The
# last line is JSON; non-zero if a target is missed.
#
#   scripts/game.sh [--items N] [--seed N] [--good PERCENT]
set -euo pipefail
for argument in "$@"; do
	case "$argument" in -h | --help) sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"; exit 0 ;; esac
done
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$OPENLEDGER_ROOT"
cargo build --release --locked --workspace --bin openledger-game >&2
exec "$CARGO_TARGET_DIR/release/openledger-game" "$@"
