#!/usr/bin/env bash
# Measures speed against NumPy and against the declared bounds (scripts/bench.py), in a Python environment of its own.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cache=${XDG_CACHE_HOME:-$HOME/.cache}/spectral-alignment
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target}
python=$cache/bench-venv/bin/python

if ! "$python" -c 'import numpy' 2>/dev/null; then
    printf 'bench: NumPy goes to %s\n' "$cache/bench-venv" >&2
    python3 -m venv --clear "$cache/bench-venv" || {
        printf 'bench: error: needs python3 with its module venv (Debian: python3-venv)\n' >&2
        exit 3
    }
    "$python" -m pip install --quiet --no-input --disable-pip-version-check 'numpy>=2,<3'
fi

cargo build --release --locked --quiet --bins --example bench
exec "$python" scripts/bench.py "$CARGO_TARGET_DIR/release" "$@"
