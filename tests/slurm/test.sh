#!/usr/bin/env bash
# test.sh PROGRAM: the quick profile of every stage as an array on a real Slurm of one node. One task is killed, the node is
# drained and resumed, and after a further submission every digest is that of a local run.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
program=${1:?}
export PATH=$PATH:/usr/sbin:/sbin
for need in munged slurmctld slurmd sbatch; do
    if ! command -v "$need" >/dev/null; then
        echo "slurm-test: skipped: there is no $need (./bootstrap.sh --all installs slurm-wlm and munge where it can)"
        exit 0
    fi
done
dir=$(mktemp -d "${TMPDIR:-/tmp}/slurm-test-XXXXXX")
chmod 755 "$dir"
host=$(hostname -s)
export SLURM_CONF=$dir/slurm/slurm.conf
finish() {
    local status=$?
    "$here/down.sh" "$dir/slurm" || true
    if ((status)); then
        echo "slurm-test: failed; everything is left in $dir" >&2
        tail -n 20 "$dir"/jobs*/*.txt >&2 2>/dev/null || true
    else
        rm -rf "$dir"
    fi
}
trap finish EXIT

say() { printf 'slurm-test: %s (at %d s)\n' "$*" "$SECONDS"; }
fail() {
    echo "slurm-test: $*" >&2
    exit 1
}
# for_at_most SECONDS COMMAND...: waits until it succeeds.
for_at_most() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < end)) || fail "waited in vain for: $*"
        sleep 0.2
    done
}
at() {
    local place=$1
    shift
    "$program" "$@" --profile quick --data "$dir/$place/data" --figures "$dir/$place/figures"
}
digests() {
    local stage
    for stage in "${stages[@]}"; do
        at "$1" tables "$stage" --json | grep values_sha256 | sed "s/^/$stage/"
    done
}
# `|| true`: jobs that have ended are unknown after a while.
states() { squeue -h -r -j "$1" -o '%K %T' 2>/dev/null || true; }
running() { states "$1" | awk '$2 == "RUNNING" { print $1 }'; }
some_run() { [[ -n $(running "$1") ]]; }
none_run() { [[ -z $(running "$1") ]]; }
over() { [[ -z $(states "$1") ]]; }
gone() { ! kill -0 "$1" 2>/dev/null; }
missing() { at cluster plan "${stages[@]}" --json | grep -c '"unit"' || true; }
node_serves() { [[ $(sinfo -h -o %T) =~ ^(idle|mixed|allocated)$ ]]; }

mapfile -t stages < <("$program" list --json --profile quick | sed -n 's/^    "name": "\(.*\)",$/\1/p')
((${#stages[@]} > 10)) || fail "only ${#stages[@]} stages"
at local run "${stages[@]}" >/dev/null 2>&1
digests local >"$dir/expected"
say "local run: $(wc -l <"$dir/expected") tables of ${#stages[@]} stages"

"$here/up.sh" "$dir/slurm"
submit() {
    at cluster slurm "${stages[@]}" --folder "$dir/jobs$1" --elements 8 >"$dir/submitted"
    cat "$dir/submitted"
    array=$(sed -n 's/^submitted array \([0-9]*\) and.*/\1/p' "$dir/submitted")
    final=$(sed -n 's/.*final job \([0-9]*\);.*/\1/p' "$dir/submitted")
    [[ -n $array && -n $final ]] || fail 'no ids in what was printed'
}
all=$(missing)
submit 1
for_at_most 30 some_run "$array"
sleep 0.5
victim=$(running "$array" | head -n 1)
[[ -n $victim ]] || fail 'nothing runs that could be killed'
scancel --signal=KILL --full "${array}_$victim"
say "killed element $victim of array $array"
if at cluster slurm "${stages[@]}" --folder "$dir/jobs2" --elements 8 >/dev/null 2>"$dir/refused"; then
    fail 'the same work was submitted twice'
fi
grep -q 'still queued' "$dir/refused" || fail "$(cat "$dir/refused")"
scontrol update NodeName="$host" State=DRAIN Reason=test
for_at_most 120 none_run "$array"
[[ -n $(states "$array") ]] || fail 'nothing was left to wait for the node'
say "drained: $(states "$array" | wc -l) elements wait"
scontrol update NodeName="$host" State=RESUME
for_at_most 30 node_serves
say 'resumed'
for_at_most 300 over "$array"
for_at_most 120 over "$final"
left=$(missing)
((left > 0 && left < all)) || fail "$left of $all units are missing after the kill"
grep -q 'are not there' "$dir"/jobs1/final-*.txt || fail 'the final job does not say what is missing'
say "$left of $all units are missing; submitting again"
submit 2
at cluster status "${stages[@]}" --watch --every 1 >"$dir/watched" &
watcher=$!
for_at_most 300 over "$array"
for_at_most 180 over "$final"
(($(missing) == 0)) || fail 'something is still missing'
for_at_most 20 gone "$watcher"
wait "$watcher"
tail -n 1 "$dir/watched"
digests cluster >"$dir/found"
diff "$dir/expected" "$dir/found" || fail 'digests differ from those of the local run'
[[ $(at cluster doctor --json) == '[]' ]] || fail 'doctor finds something'
say "every digest is that of the local run: $(wc -l <"$dir/found") tables"
