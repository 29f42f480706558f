#!/usr/bin/env bash
# Makes the machine able to build and test OpenLedger: a C compiler, protoc, and a Rust toolchain with a
# standard library for the runtime's Wasm target; with --tests also Node.js and Python, whose chain libraries
# tests/clients tries. Idempotent, and quick when nothing is missing.
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

DEBIAN_RUST_PACKAGES=(rustc-web cargo-web rust-web-src lld-22)
missing=()

say() { echo "setup: $*" >&2; }

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
		sudo -n "$@"
	else
		return 1
	fi
}

apt_is_stale=1
apt_install() {
	command -v apt-get >/dev/null || return 1
	say "installing $*"
	if [ "$apt_is_stale" = 1 ]; then
		as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq >&2 || say "apt-get update failed; trying with the lists there are"
		apt_is_stale=0
	fi
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2
}

# need <program> <what to say when it cannot be had> <packages…>
need() {
	local program=$1 advice=$2
	shift 2
	command -v "$program" >/dev/null && return 0
	apt_install "$@" && command -v "$program" >/dev/null && return 0
	missing+=("$advice")
}

debian_packages_are_there() {
	[ -x /usr/bin/rustc ] && [ -x /usr/bin/cargo ] && [ -d /usr/lib/rustlib/src/rust/library ] && debian_lld >/dev/null
}

# The linker that rustc calls rust-lld.
debian_lld() {
	local candidate
	for candidate in /usr/bin/rust-lld /usr/bin/lld-22 /usr/lib/llvm-*/bin/lld; do
		[ -x "$candidate" ] && echo "$candidate" && return 0
	done
	return 1
}

# Links to Debian's compiler, in the layout that rustup and wasm-builder expect of a toolchain.
lay_out_debian_sysroot() {
	local root=$1 host
	host="$(/usr/bin/rustc -vV | sed -n 's/^host: //p')"
	rm -rf "$root"
	mkdir -p "$root/bin" "$root/lib/rustlib/$host/bin" "$root/lib/rustlib/$WASM_TARGET/lib"
	# rustc takes its sysroot from where its libraries lie, so a link alone would lead back to /usr.
	cat >"$root/bin/rustc" <<-'WRAPPER'
		#!/bin/sh
		root="$(dirname "$(dirname "$(readlink -f "$0")")")"
		case " $* " in
		*" --sysroot "* | *" --sysroot="*) exec /usr/bin/rustc "$@" ;;
		*) exec /usr/bin/rustc --sysroot "$root" "$@" ;;
		esac
	WRAPPER
	chmod +x "$root/bin/rustc"
	ln -s /usr/bin/cargo "$root/bin/cargo"
	if [ -x /usr/bin/rustdoc ]; then ln -s /usr/bin/rustdoc "$root/bin/rustdoc"; fi
	ln -s "$(debian_lld)" "$root/lib/rustlib/$host/bin/rust-lld"
	ln -s "/usr/lib/rustlib/$host/lib" "$root/lib/rustlib/$host/lib"
	ln -s /usr/lib/rustlib/src "$root/lib/rustlib/src"
}

# Debian packs no wasm32v1-none library: build core and alloc from its sources. The bitcode must be embedded, or
# the runtime's link-time optimisation fails.
build_wasm_std() {
	local root=$1 work
	work="$(mktemp -d)"
	mkdir -p "$work/src"
	printf '[package]\nname = "wasm-std"\nversion = "0.0.0"\nedition = "2021"\n[lib]\ncrate-type = ["cdylib"]\n[workspace]\n' >"$work/Cargo.toml"
	printf '#![no_std]\n#[panic_handler]\nfn panic(_: &core::panic::PanicInfo<'"'"'_>) -> ! {\n\tloop {}\n}\n' >"$work/src/lib.rs"
	say "building core and alloc for $WASM_TARGET (about half a minute)"
	(
		cd "$work"
		env -u WASM_BUILD_TOOLCHAIN -u RUSTUP_TOOLCHAIN CARGO_TARGET_DIR="$work/target" RUSTFLAGS=-Cembed-bitcode=yes \
			CARGO_PROFILE_RELEASE_LTO=off RUSTC="$root/bin/rustc" RUSTC_BOOTSTRAP=1 \
			/usr/bin/cargo build --quiet --release --target "$WASM_TARGET" -Zbuild-std=core,alloc
	) || { rm -rf "$work"; return 1; }
	cp "$work/target/$WASM_TARGET/release/deps/"lib{core,alloc,compiler_builtins}-*.rlib "$root/lib/rustlib/$WASM_TARGET/lib/" || return 1
	rm -rf "$work"
}

prepare_debian_toolchain() {
	if ! debian_packages_are_there; then
		apt_install "${DEBIAN_RUST_PACKAGES[@]}" || return 1
		debian_packages_are_there || return 1
	fi
	if ! debian_toolchain_is_ready; then
		local fresh="$OPENLEDGER_DEBIAN_SYSROOT.new"
		mkdir -p "$OPENLEDGER_CACHE"
		lay_out_debian_sysroot "$fresh"
		build_wasm_std "$fresh" || return 1
		rm -rf "$OPENLEDGER_DEBIAN_SYSROOT"
		mv "$fresh" "$OPENLEDGER_DEBIAN_SYSROOT"
		debian_toolchain_stamp >"$OPENLEDGER_DEBIAN_SYSROOT/.stamp"
		# What was built against other libraries does not link with these.
		rm -rf "$CARGO_TARGET_DIR"/*/wbuild
	fi
	if command -v rustup >/dev/null; then
		rustup toolchain link "$OPENLEDGER_DEBIAN_TOOLCHAIN" "$OPENLEDGER_DEBIAN_SYSROOT" >&2
	fi
}

# The machine's Rust where it is new enough, else rustup's stable, else Debian's.
prepare_host_toolchain() {
	use_host_toolchain && return 0
	if [ "${OPENLEDGER_WASM_TOOLCHAIN:-}" != debian ] && command -v rustup >/dev/null; then
		say "no Rust 1.$MIN_RUST_MINOR or newer: asking rustup for stable"
		timeout 600 rustup toolchain install stable --profile default --no-self-update >&2 && use_host_toolchain && return 0
		say "rustup could not fetch it; trying Debian's packages"
	fi
	prepare_debian_toolchain && use_host_toolchain && return 0
	missing+=("Rust 1.$MIN_RUST_MINOR or newer: with rustup, \`rustup toolchain install stable\`, or on Debian \`apt-get install ${DEBIAN_RUST_PACKAGES[*]}\`, then this script again")
}

prepare_wasm_toolchain() {
	use_wasm_toolchain && return 0
	if [ "${OPENLEDGER_WASM_TOOLCHAIN:-}" != debian ] && command -v rustup >/dev/null; then
		say "asking rustup for the $WASM_TARGET standard library"
		if (cd "$OPENLEDGER_ROOT" && timeout 180 rustup target add "$WASM_TARGET" >&2) && host_has_wasm_std; then
			return 0
		fi
		say "rustup could not fetch it; trying Debian's packages"
	fi
	prepare_debian_toolchain && use_wasm_toolchain && return 0
	missing+=("the Rust standard library for $WASM_TARGET: \`rustup target add $WASM_TARGET\`, or on Debian \`apt-get install ${DEBIAN_RUST_PACKAGES[*]}\` (its security archive has them), then this script again")
}

need cc "a C compiler: on Debian \`apt-get install gcc libc6-dev\`" gcc libc6-dev
need protoc "protoc, the protocol buffers compiler: on Debian \`apt-get install protobuf-compiler\`" protobuf-compiler
if [ "${1:-}" = --tests ]; then
	need node "Node.js 20 or newer: on Debian \`apt-get install nodejs npm\`" nodejs npm
	need npm "npm: on Debian \`apt-get install npm\`" npm
	need python3 "Python 3.11 or newer: on Debian \`apt-get install python3 python3-venv\`" python3 python3-venv
	# Debian packs ensurepip apart, and venv is nothing without it.
	if command -v python3 >/dev/null && ! python3 -c 'import ensurepip' 2>/dev/null; then
		apt_install python3-venv || missing+=("Python's venv: on Debian \`apt-get install python3-venv\`")
	fi
fi
prepare_host_toolchain
prepare_wasm_toolchain

if [ ${#missing[@]} -gt 0 ]; then
	say "this machine lacks the following, and it could not be installed from here:"
	printf '  - %s\n' "${missing[@]}" >&2
	exit 1
fi
say "ready: $(cd "$OPENLEDGER_ROOT" && rustc -V), runtime by ${WASM_BUILD_TOOLCHAIN:-the same}"
