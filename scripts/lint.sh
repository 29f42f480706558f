#!/usr/bin/env bash
# Formatting of Rust and TOML, clippy with warnings denied, licences and sources of the dependencies. A tool that the
# machine does not have is named and skipped; rustfmt and clippy come with rustup's default profile.
set -uo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$OPENLEDGER_ROOT" || exit 1
status=0
lint() {
	local tool=$1
	shift
	if ! command -v "$tool" >/dev/null; then
		echo "lint: $tool is not installed, skipping: $*" >&2
		return
	fi
	echo "lint: $*" >&2
	"$@" || status=1
}
lint cargo-fmt cargo fmt --all --check
lint cargo-clippy cargo clippy --release --locked --workspace --all-targets -- -D warnings
lint taplo taplo fmt --check
lint cargo-deny cargo deny --offline check bans licenses sources
exit $status
