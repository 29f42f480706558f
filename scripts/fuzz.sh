#!/usr/bin/env bash
# Fuzzes the native runtime: random signed calls of every pallet and random bytes in place of extrinsics, with every
# invariant checked after each block. Prints how often each call succeeded; a failure with the seed that makes it again.
#
#   scripts/fuzz.sh [--seconds N] [--seed S]
#
#   --seconds N   how long (600); 0: until something fails
#   --seed S      seed of the first chain (the time); the same seed makes the same calls
set -euo pipefail
case "${1:-}" in
-h | --help) sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"; exit 0 ;;
esac
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$OPENLEDGER_ROOT"
cargo build --release --locked --workspace --bin openledger-fuzz >&2
exec "$CARGO_TARGET_DIR/release/openledger-fuzz" "$@"
