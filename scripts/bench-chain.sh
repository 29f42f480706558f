#!/usr/bin/env bash
# Measures how many extrinsics a second a node puts into full blocks, call by call beside transfer, and what a million
# items change. Some ten minutes and 10 GB of memory. The last line is JSON; non-zero if a target is missed.
#
#   scripts/bench-chain.sh [--items N] [--contributors N] [--folder DIR]
set -euo pipefail
for argument in "$@"; do
	case "$argument" in -h | --help) sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"; exit 0 ;; esac
done
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$OPENLEDGER_ROOT"
cargo build --release --locked --workspace --bin openledger-node --bin openledger-bench-chain >&2
exec "$CARGO_TARGET_DIR/release/openledger-bench-chain" --node "$CARGO_TARGET_DIR/release/openledger-node" "$@"
