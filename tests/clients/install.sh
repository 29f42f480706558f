#!/usr/bin/env bash
# Installs the libraries that the clients speak through, outside the checkout, and prints the folder they are in. Does
# nothing where the lock files and the tools are those of last time.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=scripts/env.sh
source "$here/../../scripts/env.sh"
MIN_NODE=20
MIN_PYTHON=3.11

fail() {
	echo "clients: $*" >&2
	exit 1
}

command -v node >/dev/null && command -v npm >/dev/null ||
	fail "this test needs Node.js $MIN_NODE or newer with npm: on Debian \`apt-get install nodejs npm\`, elsewhere https://nodejs.org"
[ "$(node -p 'process.versions.node.split(".")[0]')" -ge "$MIN_NODE" ] ||
	fail "this test needs Node.js $MIN_NODE or newer; $(command -v node) is $(node --version): see https://nodejs.org"
python3 -c 'import ensurepip, venv' 2>/dev/null ||
	fail "this test needs Python $MIN_PYTHON or newer with venv: on Debian \`apt-get install python3 python3-venv\`"
python3 -c "import sys; sys.exit(sys.version_info < tuple(map(int, '$MIN_PYTHON'.split('.'))))" ||
	fail "this test needs Python $MIN_PYTHON or newer; $(command -v python3) is $(python3 --version)"

stamp="$({ cat "$here/package-lock.json" "$here/requirements.txt" && node --version && python3 --version; } | sha256sum | cut -c1-16)"
folder="$OPENLEDGER_CACHE/clients/$stamp"
mkdir -p "$folder"
# Two clones may install at the same time.
exec 9>"$folder/lock"
flock 9
if [ ! -e "$folder/complete" ]; then
	echo "clients: installing into $folder" >&2
	cp "$here/package.json" "$here/package-lock.json" "$folder"
	(cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund >&2) ||
		fail "npm could not install them; what it says stands above"
	python3 -m venv --clear "$folder/venv"
	"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$here/requirements.txt" >&2 ||
		fail "pip could not install them; what it says stands above"
	touch "$folder/complete"
fi
echo "$folder"
