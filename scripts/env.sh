# shellcheck shell=bash
# The environment that setup.sh, run.sh and test.sh build and run in. Source it; it installs nothing.
#
#   OPENLEDGER_CACHE            where builds and toolchains are kept ($HOME/.cache/openledger)
#   CARGO_TARGET_DIR            build output, outside the checkout so that a fresh clone builds warm
#   OPENLEDGER_WASM_TOOLCHAIN   debian: build the runtime with Debian's Rust packages, without trying rustup

OPENLEDGER_ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
OPENLEDGER_CACHE="${OPENLEDGER_CACHE:-$HOME/.cache/openledger}"
# A sysroot made of links to Debian's rustc plus the wasm32v1-none libraries that setup.sh builds: no root needed.
OPENLEDGER_DEBIAN_SYSROOT="$OPENLEDGER_CACHE/debian-toolchain"
OPENLEDGER_DEBIAN_TOOLCHAIN=openledger-debian
WASM_TARGET=wasm32v1-none
MIN_RUST_MINOR=93

export OPENLEDGER_ROOT OPENLEDGER_CACHE
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$OPENLEDGER_CACHE/target}"
# wasm-builder looks for the workspace above the target directory, which lies elsewhere here.
export WASM_BUILD_WORKSPACE_HINT="$OPENLEDGER_ROOT"

# A fresh rustup installation is found even when the calling shell has not read its profile again.
if [ -d "$HOME/.cargo/bin" ]; then
	case ":$PATH:" in
	*":$HOME/.cargo/bin:"*) ;;
	*) export PATH="$HOME/.cargo/bin:$PATH" ;;
	esac
fi

# Is the Rust that `cargo` and `rustc` name new enough?
rust_is_new_enough() {
	local minor
	command -v cargo >/dev/null || return 1
	minor="$(cd "$OPENLEDGER_ROOT" && rustc -V 2>/dev/null | sed -n 's/^rustc 1\.\([0-9]*\)\..*/\1/p')"
	[ -n "$minor" ] && [ "$minor" -ge "$MIN_RUST_MINOR" ]
}

# Chooses the toolchain of everything but the runtime: the machine's own, else what setup.sh installed beside it; false
# when none is new enough.
use_host_toolchain() {
	local candidate
	rust_is_new_enough && return 0
	if ! command -v rustup >/dev/null; then
		debian_toolchain_is_ready || return 1
		export PATH="$OPENLEDGER_DEBIAN_SYSROOT/bin:$PATH"
		rust_is_new_enough
		return
	fi
	for candidate in stable "$OPENLEDGER_DEBIAN_TOOLCHAIN"; do
		# Asked of rustup first: running a toolchain that is not there would make it download.
		if rustup toolchain list 2>/dev/null | grep -q "^$candidate\b" && RUSTUP_TOOLCHAIN="$candidate" rust_is_new_enough; then
			export RUSTUP_TOOLCHAIN="$candidate"
			return 0
		fi
	done
	return 1
}

# Does the toolchain that `rustc` names have a standard library for the runtime's target?
host_has_wasm_std() {
	local sysroot
	sysroot="$(cd "$OPENLEDGER_ROOT" && rustc --print sysroot 2>/dev/null)" || return 1
	compgen -G "$sysroot/lib/rustlib/$WASM_TARGET/lib/libcore-*.rlib" >/dev/null
}

# Names what the Debian sysroot was built from, so that an upgraded rustc rebuilds it.
debian_toolchain_stamp() {
	echo "1 $(/usr/bin/rustc -V 2>/dev/null)"
}

debian_toolchain_is_ready() {
	[ -x /usr/bin/rustc ] && [ "$(cat "$OPENLEDGER_DEBIAN_SYSROOT/.stamp" 2>/dev/null)" = "$(debian_toolchain_stamp)" ]
}

# Chooses the toolchain of the runtime; false when there is none yet.
use_wasm_toolchain() {
	if [ "${OPENLEDGER_WASM_TOOLCHAIN:-}" != debian ] && host_has_wasm_std; then
		return 0
	fi
	debian_toolchain_is_ready || return 1
	if command -v rustup >/dev/null; then
		rustup toolchain list 2>/dev/null | grep -q "^$OPENLEDGER_DEBIAN_TOOLCHAIN\b" || return 1
		export WASM_BUILD_TOOLCHAIN="$OPENLEDGER_DEBIAN_TOOLCHAIN"
	else
		# Without rustup there is one toolchain for everything.
		export PATH="$OPENLEDGER_DEBIAN_SYSROOT/bin:$PATH"
	fi
}

use_host_toolchain || true
use_wasm_toolchain || true
