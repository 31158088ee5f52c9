#!/usr/bin/env bash
# scripts/install.sh BINARY PREFIX: copies the compiler with its manual page and what makes shells complete its options, the C and C++ headers,
# what CMake and pkg-config need, the Matlab toolbox, the source of the R package and the Julia module.
# What is installed finds its parts from where it lies, so that PREFIX may be moved, and packaged with DESTDIR.
set -euo pipefail
[ $# -eq 2 ] || { echo "usage: scripts/install.sh BINARY PREFIX" >&2; exit 2; }
binary=$(realpath "$1")
prefix=$2
cd "$(dirname "$0")/../bindings"
version=$(sed -n 's/^version = "\(.*\)"/\1/p' ../Cargo.toml)

# with_version TEMPLATE FILE: the template with the version filled in.
with_version() {
    install -d "$(dirname "$2")"
    sed "s/@VERSION@/$version/" "$1" > "$2"
    chmod 644 "$2"
}

# told FILE ARGUMENT...: what the compiler prints.
told() {
    install -d "$(dirname "$1")"
    "$binary" "${@:2}" > "$1"
    chmod 644 "$1"
}

install -D -m 755 "$binary" "$prefix/bin/keopsc"
told "$prefix/share/man/man1/keopsc.1" man
told "$prefix/share/bash-completion/completions/keopsc" completions bash
told "$prefix/share/zsh/site-functions/_keopsc" completions zsh
told "$prefix/share/fish/vendor_completions.d/keopsc.fish" completions fish
install -D -m 644 -t "$prefix/share/doc/keopsc" ../README.md ../CHANGELOG.md ../LICENSE ../CITATION.cff
install -D -m 644 -t "$prefix/include" ../runtime/include/keopsc_abi.h cpp/include/keopsc.hpp
install -D -m 644 -t "$prefix/share/cmake/keopsc" cpp/cmake/keopscConfig.cmake
with_version cpp/cmake/keopscConfigVersion.cmake.in "$prefix/share/cmake/keopsc/keopscConfigVersion.cmake"
with_version cpp/keopsc.pc.in "$prefix/share/pkgconfig/keopsc.pc"
install -D -m 644 -t "$prefix/share/keopsc/matlab" matlab/*.m matlab/*.c
install -D -m 644 -t "$prefix/share/keopsc/matlab/private" matlab/private/*.m
install -D -m 644 -t "$prefix/share/keopsc/r" r/DESCRIPTION r/NAMESPACE r/LICENSE
install -D -m 644 -t "$prefix/share/keopsc/r/R" r/R/*.R
install -D -m 644 -t "$prefix/share/keopsc/r/man" r/man/*.Rd
install -D -m 644 -t "$prefix/share/keopsc/r/src" r/src/*.[ch] r/src/Makevars
install -D -m 644 -t "$prefix/share/keopsc/julia" julia/Project.toml
install -D -m 644 -t "$prefix/share/keopsc/julia/src" julia/src/*.jl
