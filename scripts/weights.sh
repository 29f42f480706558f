#!/usr/bin/env bash
# Measures the weights of the runtime's own pallets on this machine and writes runtime/src/weights/. Run it on a quiet
# machine of the kind that authorities have, and commit what it writes. A new call has a benchmark in its pallet's
# benchmarking.rs and a function in its weights.rs; a test of the runtime says which is missing, or not measured.
#
#   scripts/weights.sh [PALLET…]      pallet_datanets pallet_validation …; all of them without an argument
#
# Measuring takes half a minute, building for it the first time some minutes.
set -euo pipefail
for argument in "$@"; do
	case "$argument" in -h | --help) sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"; exit 0 ;; esac
done
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
"$here/setup.sh"
# shellcheck source=scripts/env.sh
source "$here/env.sh"
cd "$OPENLEDGER_ROOT"
pallets=("$@")
[ ${#pallets[@]} -gt 0 ] || pallets=(pallet_authorities pallet_datanets pallet_validation pallet_rewards pallet_models)

cargo build --release --locked --workspace --bin openledger-benchmarker
# A target directory of its own: the feature would reach the node's build. Checking is enough, the build script makes the Wasm.
weights_target="$OPENLEDGER_CACHE/target-weights"
CARGO_TARGET_DIR="$weights_target" cargo check --release --locked -p openledger-runtime --features runtime-benchmarks
"$CARGO_TARGET_DIR/release/openledger-benchmarker" \
	--runtime "$weights_target/release/wbuild/openledger-runtime/openledger_runtime.compact.wasm" \
	--out runtime/src/weights --pallets "$(IFS=,; echo "${pallets[*]}")"
cargo fmt -p openledger-runtime
