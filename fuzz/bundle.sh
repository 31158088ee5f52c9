#!/usr/bin/env bash
# fuzz/bundle.sh: target/fuzz-bundle.tar.xz, with which a machine without Rust and network fuzzes on all of its processors.
#   FUZZ_SECONDS=1 fuzz/run.py              first: builds the targets
#   tar xf fuzz-bundle.tar.xz && python3 fuzz-bundle/run.py 500 16
# Its lines "TARGET in all" are rows of LOG.md.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
bundle=$target/fuzz-bundle
rm -rf "$bundle"
mkdir -p "$bundle"/{bin,lib,corpus}
for name in parse pipeline loader calls; do
    strip -o "$bundle/bin/$name" "$target/fuzz/build/$(uname -m)-unknown-linux-gnu/release/$name"
    cp -r "fuzz/corpus/$name" "$bundle/corpus"
    # Whoever fuzzes meanwhile takes finds away for shorter ones.
    cp -r "$target/fuzz/corpus/$name" "$bundle/corpus" || true
done
for name in parse pipeline; do
    cp -r "$target/fuzz/seeds/." "$bundle/corpus/$name"
done
ldd "$bundle/bin/calls" | grep -o '/[^ ]*' | xargs cp -L -t "$bundle/lib"
cp fuzz/away.py "$bundle/run.py"
cp "$target/fuzz/commit" "$bundle"
tar cJf "$bundle.tar.xz" -C "$target" fuzz-bundle
ls -l "$bundle.tar.xz"
