#!/usr/bin/env bash
# Makes target/gpu-bundle.tar.xz, with which a machine with an NVIDIA GPU but without Rust and network tests and measures keopsc:
#   tar xf gpu-bundle.tar.xz && gpu-bundle/run.sh [tests|package|calls|ring|digests|sanitize|bench|all] [arguments]
# `make gpu-bundle` builds the compiler first.
#   scripts/gpu-bundle.sh BINARY
set -euo pipefail
export PIP_ROOT_USER_ACTION=ignore
cd "$(dirname "$0")/.."

binary=$1
target=${CARGO_TARGET_DIR:-target}
bundle=$target/gpu-bundle
wheels=$target/gpu-wheels
rm -rf "$bundle"
mkdir -p "$bundle/packages" "$bundle/bench" "$bundle/lib" "$wheels"

strip -o "$bundle/keopsc" "$binary"
# Small libraries that keopsc itself is linked to, for machines that lack them.
ldd "$binary" | awk '/lib(ffi|z)\.so/ { print $3 }' | xargs -r cp -L -t "$bundle/lib"
cp scripts/gpu-run.sh "$bundle/run.sh"
cp scripts/gpu_record.py docs/gpu-tests.json "$bundle/"
git describe --always --dirty --exclude '*' > "$bundle/COMMIT"
cp bench/report.py "$bundle/bench/"
git ls-files -z --cached --others --exclude-standard -- bench/gpu bindings/python tests/python tests/c samples runtime/src/abi.rs |
    xargs -0 cp --parents -t "$bundle"

# The test of random plans in integers on a GPU, once there is one: its executable has the plans in itself and compiles them with nvcc or NVRTC.
if [ -f tests/tests/gpu_ring.rs ]; then
    ring=$(cargo test --release --locked -p keopsc-tests --test gpu_ring --no-run --message-format=json |
        sed -n 's/.*"executable":"\([^"]*gpu_ring[^"]*\)".*/\1/p' | tail -n 1)
    strip -o "$bundle/gpu_ring" "$ring"
fi

# Peers of the benchmark that are Python alone, and compile what they need on the other machine: pykeops, and kernels in Triton, which comes with torch; and what runs
# tests side by side.
for package in pytest_xdist==3.8.0 execnet==2.1.2 pykeops==2.3 keopscore==2.3 pybind11 flash_kmeans==0.3.1 flash_sinkhorn==0.4.1 tqdm==4.70.1; do
    name=${package%%=*}
    compgen -G "$wheels/$name-*" > /dev/null || python3 -m pip download -q --disable-pip-version-check --no-deps -d "$wheels" "$package"
    file=$(compgen -G "$wheels/$name-*" | tail -n 1)
    case $file in
    *.whl) python3 -m zipfile -e "$file" "$bundle/packages" ;;
    *) python3 -m pip install -q --disable-pip-version-check --no-deps --no-compile --target "$bundle/packages" "$file" ;;
    esac
done

find "$bundle" -name __pycache__ -prune -exec rm -rf {} +
tar -C "$target" -cf - gpu-bundle | xz -T0 -6 > "$target/gpu-bundle.tar.xz"
ls -l "$target/gpu-bundle.tar.xz"
