#!/usr/bin/env bash
# Sets up what the machine lacks, builds, runs the main job on a fresh dev chain, and leaves the network up until
# Ctrl-C.
#
#   scripts/run.sh [--once] [--data DIR] [--small]
#
#   --once      stop everything and exit after the job
#   --data DIR  contribute the .md and .txt files of DIR instead of the dependencies' documentation
#   --small     fewer files and a smaller model: what scripts/test.sh runs
set -euo pipefail
for argument in "$@"; do
	case "$argument" in -h | --help) sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"; exit 0 ;; esac
done
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
"$here/setup.sh"
# shellcheck source=scripts/env.sh
source "$here/env.sh"
echo "run: building (the first time takes about half an hour on two cores; output in $CARGO_TARGET_DIR)" >&2
(cd "$OPENLEDGER_ROOT" && cargo build --release --locked --workspace)
exec "$CARGO_TARGET_DIR/release/openledger-main-job" --workspace "$OPENLEDGER_ROOT" "$@"
