# The target folder is shared between clones: polars alone takes minutes to build.
export CARGO_TARGET_DIR := env('CARGO_TARGET_DIR', env('XDG_CACHE_HOME', env('HOME') / '.cache') / 'spectral-alignment/target')

# A Python with pyarrow, pandas, duckdb and HyperQueue, where `bootstrap.sh --all` made one.
python := env('XDG_CACHE_HOME', env('HOME') / '.cache') / 'spectral-alignment/python/bin/python3'
export SPECTRAL_ALIGNMENT_PYTHON := env('SPECTRAL_ALIGNMENT_PYTHON', if path_exists(python) == 'true' { python } else { '' })

program := 'cargo run --release --locked --quiet --'

set positional-arguments

# List the recipes
default:
    @just --list --unsorted

# Bring every figure and claim up to date, print the verdicts and write the report (`just figures --profile quick`)
figures *ARGS: _build
    @{{ program }} run --report "$@"

# Judge and draw again from the committed tables, simulating nothing (`just redraw gmm-snr --style slides --width 234pt`)
redraw *ARGS: _build
    @{{ program }} redraw "$@"

# Bring one stage up to date (`just figure gmm-alignment --profile quick`; `--png` for images in figures/png/)
figure STAGE *ARGS: _build
    @{{ program }} run "$@"

# Write figures/contact-sheet.html: all figures at their size in colour, in grey and under deuteranopia
contact-sheet *ARGS: _build
    @{{ program }} contact-sheet "$@"

# Write figures/report.html: every verdict and figure on one page, from what is computed, else committed (--bundle DIR: with all files)
report *ARGS: _build
    @{{ program }} report "$@"

# Print every claim with its verdict; fails when one fails
claims *ARGS: _build
    @{{ program }} claims "$@"

# Write docs/claims.md: every claim with its bound, nulls, slack and verdict, from what is committed
claims-page: _build
    @{{ program }} claims --page > docs/claims.md

# Write docs/mutations.md: which claims notice each of the deliberate mistakes in src/mutation.rs (`just mutations --profile quick`)
mutations *ARGS: _clone
    @python3 scripts/mutations.py "$@"

# Judge every claim at N root seeds that are no edition's, and list the verdicts that differ (`just seeds 3 gmm-alignment`)
seeds N *ARGS: _build
    @{{ program }} seeds "$@"

# Compute from nothing and compare with what is committed (`just verify gmm-snr --profile quick`)
verify *ARGS: _build
    @{{ program }} verify "$@"

# Write a new stage with its test (`just new gmm-skewed`, or a copy: `just new gmm-mine --from gmm-snr`); docs/new-experiment.md goes on from there
new NAME *ARGS: _build
    @{{ program }} new "$@"

# Remove a stage that `just new` wrote, with every line that names it
remove NAME: _build
    @{{ program }} remove "$@"

# Run the tests (`just test NAME` for some of them), then the short ones on a build that fails where they say
test *ARGS: _clone
    @cargo test --release --locked "$@"
    @test $# -gt 0 || cargo test --release --locked --features faults --test suite -- torture::steps torture::disks

# Run the long tests on a build that fails where they say: kills, damage, full disks and crowds, for some minutes
torture *ARGS: _clone
    @cargo test --release --locked --features faults --test suite -- --include-ignored --test-threads 2 torture:: "$@"

# Submit stages to Slurm: arrays of slices, then a job that merges and draws (`just slurm gmm-snr --dry-run`); docs/cluster.md
slurm *ARGS: _build
    @{{ program }} slurm "$@"

# Run the quick profile of every stage on a Slurm of one node, with kills; needs slurm-wlm and munge, for some minutes
slurm-test: _build
    @bash tests/slurm/test.sh "$CARGO_TARGET_DIR/release/spectral-alignment"

# Two clients of one store on a real NFS 4.2, one of them killed, in a user-mode Linux (Debian, Ubuntu), for some minutes
nfs-test: _build
    @bash tests/nfs/test.sh "$CARGO_TARGET_DIR/release/spectral-alignment"

# Try this many random command lines, overrides, locks, packs and keys per property, instead of some hundred
fuzz CASES: _clone
    @PROPTEST_CASES="$1" cargo test --release --locked --test suite -- fuzz:: keys::

# Format the source code
fmt:
    cargo fmt

# Check formatting, lints and shell scripts
lint: _clone
    cargo fmt --check
    cargo clippy --release --locked --all-targets -- -D warnings
    @if command -v shellcheck >/dev/null; then shellcheck bootstrap.sh .ci/run $(find scripts tests -name '*.sh'); else echo 'shellcheck is not installed: shell scripts not checked'; fi

# Check licences, sources and duplicates of all crates, and security advisories where their list can be had
audit: _clone
    cargo deny --locked check --hide-inclusion-graph bans licenses sources
    @cargo deny --locked check advisories || { test -d "${CARGO_HOME:-$HOME/.cargo}/advisory-dbs" && test -n "$(ls "${CARGO_HOME:-$HOME/.cargo}"/advisory-dbs/*/crates 2>/dev/null)" && exit 1; echo 'the list of advisories cannot be had here: not checked'; }

# Write the documentation of the library, private items too, to target/doc/ (`just docs --open`)
docs *ARGS: _clone
    @RUSTDOCFLAGS='-A rustdoc::private_intra_doc_links' cargo doc --release --locked --no-deps --document-private-items "$@"

# Measure speed against the declared ratios
bench *ARGS: _build
    @bash scripts/bench.sh "$@"

# Remove the cache in data/ and the figures of other profiles; committed figures stay
clean: _build
    @{{ program }} clean

_build: _clone
    @cargo build --release --locked

# Cargo tells two clones' builds of this crate apart by time stamps only, and would run the other clone's program.
_clone:
    @test "$(cat "$CARGO_TARGET_DIR/clone" 2>/dev/null)" = "$PWD" || { cargo clean --quiet --release --package spectral-alignment && mkdir -p "$CARGO_TARGET_DIR" && printf '%s\n' "$PWD" >"$CARGO_TARGET_DIR/clone"; }
