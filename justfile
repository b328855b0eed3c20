# The target folder is shared between clones: polars alone takes minutes to build.
export CARGO_TARGET_DIR := env('CARGO_TARGET_DIR', env('XDG_CACHE_HOME', env('HOME') / '.cache') / 'spectral-alignment/target')

program := 'cargo run --release --locked --quiet --'

set positional-arguments

# List the recipes
default:
    @just --list --unsorted

# Bring every figure and claim up to date and print the verdicts (`just figures --profile quick`)
figures *ARGS: _build
    @{{ program }} run "$@"

# Bring one stage up to date (`just figure gmm-alignment --profile quick`)
figure STAGE *ARGS: _build
    @{{ program }} run "$@"

# Print every claim with its verdict; fails when one fails
claims *ARGS: _build
    @{{ program }} claims "$@"

# Run the tests (`just test NAME` for some of them)
test *ARGS: _clone
    @cargo test --release --locked "$@"

# Run the long tests: kills, damage, full disks and crowds, for some minutes
torture *ARGS: _clone
    @cargo test --release --locked --test suite -- --ignored --test-threads 2 torture:: "$@"

# Check formatting, lints and shell scripts
lint: _clone
    cargo fmt --check
    cargo clippy --release --locked --all-targets -- -D warnings
    @if command -v shellcheck >/dev/null; then shellcheck bootstrap.sh .ci/run $(find scripts -name '*.sh'); else echo 'shellcheck is not installed: shell scripts not checked'; fi

# Measure speed against the declared ratios
bench *ARGS: _build
    @bash scripts/bench.sh "$@"

# Remove the cache in data/ and the figures of other profiles; committed figures stay
clean:
    find data -mindepth 1 -maxdepth 1 ! -name README.md -exec rm -rf {} +
    rm -rf figures/variants figures/report.html

_build: _clone
    @cargo build --release --locked

# Cargo tells two clones' builds of this crate apart by time stamps only, and would run the other clone's program.
_clone:
    @test "$(cat "$CARGO_TARGET_DIR/clone" 2>/dev/null)" = "$PWD" || { cargo clean --quiet --release --package spectral-alignment && mkdir -p "$CARGO_TARGET_DIR" && printf '%s\n' "$PWD" >"$CARGO_TARGET_DIR/clone"; }
