#!/usr/bin/env bash
# Sets up what the machine lacks, builds, and passes every test.
#
#   scripts/test.sh [--long]
#
#   --long   more cases of the pure rules' property tests, an hour of fuzzing the runtime (scripts/fuzz.sh), and the main job
#            in its full size
#
# Ends with `N passed, N failed`; non-zero if anything failed.
set -uo pipefail
long=0
for argument in "$@"; do
	case "$argument" in
	--long) long=1 ;;
	-h | --help) sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"; exit 0 ;;
	*) echo "test: unknown argument $argument; see scripts/test.sh --help" >&2; exit 2 ;;
	esac
done
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
"$here/setup.sh" --tests || exit 1
# shellcheck source=scripts/env.sh
source "$here/env.sh"
cd "$OPENLEDGER_ROOT" || exit 1
[ "$long" = 1 ] && export PROPTEST_CASES=4096

passed=0
failed=0
failures=()

# Runs one check that is a test by itself.
check() {
	local name=$1
	shift
	echo "test: $name" >&2
	if "$@"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		failures+=("$name")
	fi
}

# Runs the workspace's tests and adds up what cargo counted.
cargo_tests() {
	local log
	log="$(mktemp)"
	cargo test --release --locked --workspace --no-fail-fast 2>&1 | tee "$log"
	local status=${PIPESTATUS[0]} counts
	counts="$(awk '/^test result:/ { for (i = 1; i <= NF; i++) { if ($i == "passed;") p += $(i - 1); if ($i == "failed;") f += $(i - 1) } } END { print p + 0, f + 0 }' "$log")"
	passed=$((passed + ${counts% *}))
	failed=$((failed + ${counts#* }))
	# What does not compile, or dies without a count, has failed too.
	if [ "$status" != 0 ]; then
		[ "${counts#* }" = 0 ] && failed=$((failed + 1))
		failures+=("cargo test")
		grep -E '^test .* FAILED$|^error' "$log" | sort -u | head -40 >&2
	fi
	rm -f "$log"
}

started=$SECONDS
echo "test: building (cold, about half an hour on two cores)" >&2
check "build" cargo build --release --locked --workspace
built=$SECONDS
cargo_tests
check "formatting and lints (scripts/lint.sh)" "$here/lint.sh"
if [ "$failed" = 0 ]; then
	if [ "$long" = 1 ]; then
		check "fuzzing" "$here/fuzz.sh" --seconds 3600
		check "main job" "$here/run.sh" --once
	fi
	check "main job, small" "$here/run.sh" --once --small
else
	echo "test: not running the main job, since something before it failed" >&2
fi

echo "test: build $((built - started)) s, everything else $((SECONDS - built)) s" >&2
[ ${#failures[@]} -gt 0 ] && printf 'test: failed: %s\n' "${failures[@]}" >&2
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
