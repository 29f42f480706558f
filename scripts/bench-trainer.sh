#!/usr/bin/env bash
# Measures `openledger-trainer bench` beside PyTorch, transformers and PEFT doing the same work on this machine: tokens a
# second and peak memory of LoRA steps, and of generation with the cache. The two take turns, RUNS times for every model,
# length and dtype; what is printed are medians. The last line is JSON. First it checks that both get the same losses from
# the same weights, adapter and ids. Needs 6 GB of disk for PyTorch; an hour for everything.
#
#   scripts/bench-trainer.sh [--models "gpt2-124m llama-160m qwen2-494m"] [--lengths "512 2048"] [--dtypes "f32 bf16"]
#                            [--runs 3] [--steps 4] [--generate 64] [--threads 2]
#
#   OPENLEDGER_TORCH   a virtual environment with torch, transformers and peft; without it one is made in OPENLEDGER_CACHE
set -euo pipefail
models="gpt2-124m llama-160m qwen2-494m" lengths="512 2048" dtypes="f32 bf16" runs=3 steps=4 generate=64 threads=2
while [ $# -gt 0 ]; do
	case "$1" in
	-h | --help) sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"; exit 0 ;;
	--models | --lengths | --dtypes | --runs | --steps | --generate | --threads)
		declare "${1#--}=${2:?$1 needs a value}"
		shift 2
		;;
	*) echo "error: unknown option $1; see --help" >&2; exit 2 ;;
	esac
done
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$OPENLEDGER_ROOT"
cargo build --release --locked --workspace --bin openledger-trainer >&2
trainer="$CARGO_TARGET_DIR/release/openledger-trainer"

torch="${OPENLEDGER_TORCH:-$OPENLEDGER_CACHE/bench-trainer/torch}"
if [ ! -x "$torch/bin/python" ] || ! "$torch/bin/python" -c 'import torch, transformers, peft' 2>/dev/null; then
	python3 -m venv "$torch"
	"$torch/bin/pip" install --quiet torch transformers peft >&2
fi
exec "$torch/bin/python" tests/bench-trainer/compare.py --trainer "$trainer" --cache "$OPENLEDGER_CACHE/bench-trainer" \
	--models "$models" --lengths "$lengths" --dtypes "$dtypes" --runs "$runs" --steps "$steps" --generate "$generate" \
	--threads "$threads"
