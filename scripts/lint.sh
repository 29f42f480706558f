#!/usr/bin/env bash
# Formatting of Rust and TOML, clippy with warnings denied, licences and sources of the dependencies. A tool that the
# machine does not have is named and skipped; rustfmt and clippy come with rustup's default profile.
set -uo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$OPENLEDGER_ROOT" || exit 1
status=0
# lint <how to ask the tool for its version> -- <the check>
lint() {
	local probe=()
	while [ "$1" != -- ]; do
		probe+=("$1")
		shift
	done
	shift
	if ! "${probe[@]}" >/dev/null 2>&1; then
		echo "lint: not installed, SKIPPED: $*" >&2
		return
	fi
	echo "lint: $*" >&2
	"$@" || status=1
}
lint cargo fmt --version -- cargo fmt --all --check
# Lints need no Wasm, and clippy's wrapper would break its build.
lint cargo clippy --version -- env SKIP_WASM_BUILD=1 cargo clippy --release --locked --workspace --all-targets -- -D warnings
lint taplo --version -- taplo fmt --check
lint cargo deny --version -- cargo deny --offline check bans licenses sources
exit $status
