#!/usr/bin/env bash
# Builds openledger-trainer for NVIDIA cards on x86-64 Linux, into its own target folder, and prints where it lies. The machine
# that builds needs no card; without a CUDA toolkit the compiler and libraries are taken from PyPI (3 GB). What is built
# starts without a driver too, and then computes on the CPU; for `--device cuda` the machine needs NVIDIA's driver for CUDA 13. The
# CUDA libraries are found where they were when it was built; elsewhere their folder has to be named by LD_LIBRARY_PATH.
#
#   scripts/build-cuda.sh [--capability 90] [--test]
#
#   --capability   of the card: 80 A100, 86 RTX 30, 89 RTX 40 and L4, 90 H100 and H200, 120 RTX 50; `nvidia-smi
#                  --query-gpu=compute_cap --format=csv` prints it
#   --test         builds and runs the comparison of a card with the CPU in place of the trainer
set -euo pipefail
capability=90
what=(-p openledger-trainer --bin openledger-trainer)
is_test=
while [ $# -gt 0 ]; do
	case "$1" in
	-h | --help) sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"; exit 0 ;;
	--capability)
		capability=${2:?--capability needs a number}
		shift 2
		;;
	--test)
		what=(-p openledger-model --test cuda)
		is_test=1
		shift
		;;
	*) echo "build-cuda: unknown option $1; see --help" >&2; exit 2 ;;
	esac
done
[[ "$capability" =~ ^[0-9]+$ ]] || { echo "build-cuda: --capability takes a number such as 90, not $capability" >&2; exit 2; }
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
use_host_toolchain || { echo "build-cuda: no Rust that is new enough; run scripts/setup.sh" >&2; exit 1; }
cd "$OPENLEDGER_ROOT"
export CARGO_TARGET_DIR="$OPENLEDGER_CACHE/target-cuda"

# The toolkit of PyPI's packages, laid out as a toolkit is.
toolkit_from_pypi() {
	local venv="$OPENLEDGER_CACHE/cuda" root library
	root="$(compgen -G "$venv/lib/python3*/site-packages/nvidia/cu13" || true)"
	if [ ! -e "$venv/complete" ]; then
		python3 -m venv "$venv"
		"$venv/bin/pip" install --quiet "nvidia-cuda-nvcc==13.0.*" "nvidia-nvvm==13.0.*" "nvidia-cuda-crt==13.0.*" \
			"nvidia-cuda-runtime==13.0.*" "nvidia-cuda-cccl==13.0.*" "nvidia-curand==10.4.*" "nvidia-cublas==13.0.*" \
			"nvidia-cuda-nvrtc==13.0.*" >&2
		root="$(compgen -G "$venv/lib/python3*/site-packages/nvidia/cu13")"
		for library in "$root"/lib/lib*.so.*; do
			ln -sfn "${library##*/}" "${library%%.so.*}.so"
		done
		[ -e "$root/lib64" ] || ln -s lib "$root/lib64"
		# What stands for the driver's library while linking: cards have the real one.
		mkdir -p "$root/lib/stubs"
		cc -shared -Wl,-soname,libcuda.so.1 -o "$root/lib/stubs/libcuda.so" -x c /dev/null
		touch "$venv/complete"
	fi
	echo "$root"
}

toolkit="${CUDA_HOME:-}"
if [ -z "$toolkit" ]; then
	if nvcc="$(command -v nvcc)"; then
		toolkit="$(dirname "$(dirname "$(readlink -f "$nvcc")")")"
	else
		toolkit="$(toolkit_from_pypi)"
	fi
fi
export CUDA_HOME="$toolkit" CUDA_PATH="$toolkit" CUDA_ROOT="$toolkit" CUDA_TOOLKIT_ROOT_DIR="$toolkit"
export CUDA_COMPUTE_CAP="$capability" PATH="$toolkit/bin:$PATH"
# The kernels that candle compiles ahead are for GGUF and mixtures, which the trainer does not call, and the assembler's optimiser
# takes longer for them than all else; the others are optimised by the driver.
export NVCC_APPEND_FLAGS="${NVCC_APPEND_FLAGS:-} -Xptxas -O0"
# The driver's own functions are not linked: model/src/cuda.rs finds them where the program runs.
program="$(cargo rustc --release --locked "${what[@]}" --features cuda --message-format=json-render-diagnostics -- \
	-C "link-arg=-L$toolkit/lib64" -C "link-arg=-L$toolkit/lib/stubs" -C "link-arg=-L$toolkit/lib64/stubs" \
	-C "link-arg=-Wl,-rpath,$toolkit/lib64" | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1)"
if [ -n "$is_test" ]; then
	exec "$program" --nocapture
fi
echo "$program"
