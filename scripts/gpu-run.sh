#!/usr/bin/env bash
# Tests and measures keopsc on this machine's GPU. Needs an NVIDIA driver, nvcc (or NVRTC), Python 3 with NumPy, pytest and, for the benchmark, torch.
#   run.sh tests [arguments of pytest]       the tests of calls on GPUs
#   run.sh package [arguments of pytest]     the tests of the Python package that have tensors on GPUs
#   run.sh calls                             what calls from Python cost, beside pykeops
#   run.sh ring [arguments]                  random plans in integers, compared bit for bit (where the bundle has them)
#   run.sh digests                           every kernel template on small sizes: digests of the results, beside those that were kept
#   run.sh sanitize [tool ..]                the same under compute-sanitizer: memcheck racecheck initcheck synccheck
#   run.sh bench [arguments of bench.py]     keopsc beside pykeops, torch and kernels by hand and in Triton; writes gpu.json and gpu.md to $OUT, else to results/
#   run.sh [all]                             all of it
# What tests, package, ring, digests and sanitize came to is added to gpu-tests.json in $OUT, else in results/: `scripts/gpu_record.py keep FILE` and
# `make evidence` take it into the repository. Everything else that is written goes to a folder under /tmp.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
scratch=${TMPDIR:-/tmp}/keopsc-gpu-$(id -u)
record=$(realpath -m "${OUT:-$here/results}")/gpu-tests.json
mkdir -p "$scratch/keops" "$scratch/cache"

export PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
export KEOPSC=$here/keopsc KEOPSC_CACHE_DIR=$scratch/cache KEOPSC_TEST_GPU=1
export KEOPS_CACHE_FOLDER=${KEOPS_CACHE_FOLDER:-$scratch/keops}
export TRITON_CACHE_DIR=${TRITON_CACHE_DIR:-$scratch/triton}
export PYTHONPATH=$here/packages${PYTHONPATH:+:$PYTHONPATH}
if ldd "$KEOPSC" | grep -q 'not found'; then export LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$here/lib; fi
command -v nvcc > /dev/null || PATH=$PATH:${CUDA_HOME:-/usr/local/cuda}/bin
# pykeops looks for CUDA's headers there.
[ -n "${CUDA_PATH:-}" ] || [ ! -d /usr/local/cuda ] || export CUDA_PATH=/usr/local/cuda
python=${PYTHON:-python3}
# Code for the GPU at hand alone: three times as fast to compile as code for all.
capability=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader --id=0 2> /dev/null | tr -d '. ')
export KEOPSC_TEST_ARCH=${KEOPSC_TEST_ARCH:-${capability:-90}}

show_machine() {
    echo "date     $(date -u +%FT%TZ)"
    echo "commit   $(cat "$here/COMMIT")"
    echo "device   $(nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm,power.limit --format=csv,noheader 2>&1 | paste -sd ';')"
    echo "nvcc     $(nvcc --version 2> /dev/null | grep release || echo none)"
    echo "python   $("$python" --version 2>&1), $("$python" -c 'import numpy; print("NumPy", numpy.__version__)' 2>&1 | tail -n 1)"
    echo "keopsc   $("$KEOPSC" --version), $("$KEOPSC" targets | sed -n 's/^cuda *//p')"
}

has_option() {
    local wanted=$1 word
    shift
    for word in "$@"; do [[ $word == "$wanted"* ]] && return 0; done
    return 1
}

# Runs a test group, and records what came of it; a digest that changed is a failure, too.
recorded() {
    local group=$1 log=$scratch/$1.log begin=$SECONDS code
    shift
    "$@" 2>&1 | tee "$log"
    code=${PIPESTATUS[0]}
    "$python" "$here/gpu_record.py" add "$record" "$group" "$code" $((SECONDS - begin)) "$log" || code=1
    return "$code"
}

# Several processes: most of the time goes into compiling.
tested() {
    local group=$1
    local -a words=()
    shift
    has_option -n "$@" || words=(-n 8 --dist loadfile)
    recorded "$group" "$python" -m pytest -q -p no:cacheprovider "${words[@]}" "$@"
}

tests() {
    (cd "$here/tests/python" && tested tests "$here"/tests/python/test_device*.py "$@")
}

package() {
    if ! "$python" -c 'import torch' 2> /dev/null; then
        echo "package: this Python has no torch"
        return 0
    fi
    (cd "$here/bindings/python" && tested package tests/test_gpu.py tests/test_compile.py "$@")
}

calls() {
    (cd "$here/bindings/python" && LD_PRELOAD=${LD_PRELOAD:-libstdc++.so.6} PYTHONPATH=$here/bindings/python/src:$PYTHONPATH \
        "$python" bench/overhead.py --device cuda "$@")
}

ring() {
    if [ ! -x "$here/gpu_ring" ]; then
        echo "ring: this bundle has no gpu_ring"
        return 0
    fi
    recorded ring "$here/gpu_ring" "$@"
}

compile_for_sanitize() {
    rm -rf "$1"
    mkdir -p "$1"
    "$python" "$here/tests/python/sanitize.py" compile "$1"
}

digests() {
    compile_for_sanitize "$scratch/digests" && recorded digests "$python" "$here/tests/python/sanitize.py" run "$scratch/digests"
}

# What the tool finds counts, whatever the program says of its results.
watched() {
    timeout "${SANITIZE_SECONDS:-120}" compute-sanitizer --tool "$1" --error-exitcode 9 --print-limit 20 \
        "$python" "$here/tests/python/sanitize.py" run "$2" 2>&1 | tail -n 60
    return "${PIPESTATUS[0]}"
}

sanitize() {
    local -a tools=("$@")
    local tool code status=0 libraries=$scratch/sanitize
    [ ${#tools[@]} -gt 0 ] || tools=(memcheck racecheck initcheck synccheck)
    compile_for_sanitize "$libraries" || return 1
    for tool in "${tools[@]}"; do
        echo "--- $tool"
        recorded "$tool" watched "$tool" "$libraries"
        code=$?
        echo "$tool: exit code $code"
        [ "$code" -eq 0 ] || status=1
    done
    return $status
}

bench() {
    local -a words=("$@")
    has_option --output "$@" || words+=(--output "${OUT:-$here/results}")
    (cd "$here/bench/gpu" && "$python" bench.py "${words[@]}")
}

# Of all parts, which failed.
all() {
    local part code status=0 said=""
    for part in tests package calls ring digests sanitize bench; do
        echo "=== $part"
        "$part"
        code=$?
        [ $code -eq 0 ] || status=1
        said+="$part: exit code $code"$'\n'
    done
    printf '%s' "$said"
    return $status
}

part=${1:-all}
case $part in
tests | package | calls | ring | digests | sanitize | bench | all) ;;
*)
    sed -n '2,12s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
shift || true
show_machine
"$part" "$@"
