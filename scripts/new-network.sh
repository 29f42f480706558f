#!/usr/bin/env bash
# Makes a network of your own: keys for its authorities, council and validators, a chain specification without known keys and
# without sudo, keystores that are ready, and the commands that start it.
#
#   scripts/new-network.sh DIR [--authorities N] [--council N] [--validators N] [--name NAME] [--id ID]
#                              [--slot-millis MS] [--session-blocks N] [--upgrade-delay BLOCKS] [--port PORT]
#   scripts/new-network.sh DIR --network FILE
#
#   DIR             is made, readable by its owner only; must not exist
#   --network FILE  a description that founders wrote together (docs/network.md): makes the specification and nothing else
#   --authorities   3 unless said otherwise, --council 3, --validators 5
#   --port          of the first node's network, 30333 unless said otherwise; RPC is on the port plus 10000
#
# OPENLEDGER_NODE names the node's program; otherwise the one that scripts/run.sh built.
set -euo pipefail
umask 077
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=scripts/env.sh
source "$here/env.sh"
node="${OPENLEDGER_NODE:-$CARGO_TARGET_DIR/release/openledger-node}"

usage() { sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"; }
die() { echo "new-network: $*" >&2; exit 1; }

dir='' authorities=3 council=3 validators=5 name='My OpenLedger' id=my_openledger network=''
slot_millis=6000 session_blocks=600 upgrade_delay=100800 port=30333
while [ $# -gt 0 ]; do
	case "$1" in
	-h | --help) usage; exit 0 ;;
	--authorities | --council | --validators | --name | --id | --network | --slot-millis | --session-blocks | --upgrade-delay | --port)
		[ $# -ge 2 ] || die "$1 takes a value"
		option="${1#--}"
		printf -v "${option//-/_}" '%s' "$2"
		shift 2
		;;
	-*) die "unknown argument $1; see scripts/new-network.sh --help" ;;
	*)
		[ -z "$dir" ] || die "one folder, not both $dir and $1"
		dir=$1
		shift
		;;
	esac
done
[ -n "$dir" ] || { usage >&2; exit 2; }
for number in authorities council validators slot_millis session_blocks upgrade_delay port; do
	[[ "${!number}" =~ ^[0-9]+$ ]] || die "--${number//_/-} takes a number, not \`${!number}\`"
done
if [ "$authorities" -lt 1 ] || [ "$council" -lt 1 ]; then die "at least one authority and one councillor"; fi
[[ "$name" =~ ^[A-Za-z0-9\ ._-]+$ ]] || die "--name takes letters, digits, spaces, \`.\`, \`_\` and \`-\`"
[ -x "$node" ] || die "no node at $node: build it (scripts/run.sh --once, or cargo build --release -p openledger-node), or set OPENLEDGER_NODE"
[ ! -e "$dir" ] || die "$dir exists; keys are never overwritten"
mkdir -p "$dir"
dir="$(cd "$dir" && pwd)"

specify() {
	"$node" new-network "$1" --output "$dir/spec.json" || die "the description is in $1"
	echo "new-network: $dir/spec.json is what every node starts from; founders compare its hash:" >&2
	sha256sum "$dir/spec.json" >&2
}
if [ -n "$network" ]; then
	specify "$network"
	exit 0
fi

# secret <file> <scheme>: a new secret phrase into a file that its owner alone can read, its address to standard output.
secret() {
	local out
	mkdir -p "$(dirname "$1")"
	out="$("$node" key generate --scheme "$2" --words 24 --output-type json 2>/dev/null)"
	sed -n 's/.*"secretPhrase": "\(.*\)".*/\1/p' <<<"$out" | tr -d '\n' >"$1"
	sed -n 's/.*"ss58PublicKey": "\(.*\)".*/\1/p' <<<"$out"
}

# Joins its arguments with commas and line breaks, as lists of JSON want them.
join() {
	local first=1 line
	for line in "$@"; do
		[ "$first" = 1 ] || printf ',\n'
		first=0
		printf '\t\t%s' "$line"
	done
	printf '\n'
}

authority_list=() council_list=() validator_list=() endowment_list=()
for n in $(seq "$authorities"); do
	keys="$dir/authority-$n"
	account="$(secret "$keys/account" sr25519)"
	babe="$(secret "$keys/babe" sr25519)"
	grandpa="$(secret "$keys/grandpa" ed25519)"
	peer="$("$node" key generate-node-key --file "$keys/node" 2>&1 >/dev/null)"
	[ "$n" = 1 ] && bootnode="/ip4/127.0.0.1/tcp/$port/p2p/$peer"
	authority_list+=("{ \"account\": \"$account\", \"babe\": \"$babe\", \"grandpa\": \"$grandpa\" }")
	endowment_list+=("{ \"account\": \"$account\", \"amount\": 100000 }")
done
for n in $(seq "$council"); do
	account="$(secret "$dir/council-$n/account" sr25519)"
	council_list+=("\"$account\"")
	endowment_list+=("{ \"account\": \"$account\", \"amount\": 1000 }")
done
for n in $(seq "$validators"); do
	account="$(secret "$dir/validator-$n/account" sr25519)"
	validator_list+=("{ \"account\": \"$account\", \"stake\": 50000 }")
	endowment_list+=("{ \"account\": \"$account\", \"amount\": 51000 }")
done
# Somebody has to be able to pay: everything else lies in the treasury and in the pot.
account="$(secret "$dir/founder/account" sr25519)"
endowment_list+=("{ \"account\": \"$account\", \"amount\": 1000000 }")

{
	printf '{\n\t"name": "%s",\n\t"id": "%s",\n' "$name" "$id"
	printf '\t"bootnodes": ["%s"],\n' "$bootnode"
	printf '\t"slotMillis": %s,\n\t"sessionBlocks": %s,\n\t"upgradeDelay": %s,\n' "$slot_millis" "$session_blocks" "$upgrade_delay"
	printf '\t"authorities": [\n%s\n\t],\n' "$(join "${authority_list[@]}")"
	printf '\t"council": [\n%s\n\t],\n' "$(join "${council_list[@]}")"
	printf '\t"validators": [\n%s\n\t],\n' "$(join ${validator_list[@]+"${validator_list[@]}"})"
	printf '\t"endowments": [\n%s\n\t],\n' "$(join "${endowment_list[@]}")"
	printf '\t"treasury": 50000000\n}\n'
} >"$dir/network.json"
specify "$dir/network.json"

for n in $(seq "$authorities"); do
	keys="$dir/authority-$n"
	for kind in babe:sr25519 grandpa:ed25519; do
		type="${kind%%:*}"
		# The phrase is read from its file: as an argument it would show in the list of processes.
		"$node" key insert --base-path "$keys/data" --chain "$dir/spec.json" --scheme "${kind#*:}" \
			--key-type "${type:0:4}" --suri "$keys/$type"
	done
done

echo "new-network: start each of these (on this machine; docs/network.md has the way over several):" >&2
for n in $(seq "$authorities"); do
	keys="$dir/authority-$n"
	echo "$node --chain $dir/spec.json --base-path $keys/data --validator --name authority-$n" \
		"--node-key-file $keys/node --listen-addr /ip4/127.0.0.1/tcp/$((port + n - 1)) --rpc-port $((port + 10000 + n - 1))" \
		"--no-prometheus --allow-private-ip"
done | tee "$dir/start.txt"
