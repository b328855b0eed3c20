#!/bin/bash
# inside.sh PROGRAM A B: two clients of one NFS store, A and B, do slices of a small stage; one worker is killed. Nothing is lost,
# nothing is wrong: whoever merges has the digests of a run without NFS.
set -euo pipefail
program=$1 rounds=${ROUNDS:-5}
clients=("$2" "$3")
stage=xor-rank-deficiency
small=(--profile quick --set xor-rank.replicates=6 --set xor-rank-k8.replicates=6)
mkdir -p /mnt/local
mount -t tmpfs tmpfs /mnt/local
cd /mnt/local

fail() {
    echo "nfs-test: $*"
    exit 1
}
at() { # at DATA ARGUMENTS...
    local data=$1
    shift
    "$program" "$@" "${small[@]}" --data "$data" --figures /mnt/local/figures
}
digests() { at "$1" tables "$stage" --json | grep values_sha256; }
slice() { at "$1" run "$stage" --slice "$2" --jobs 1; }

at /mnt/local/data run "$stage" >/dev/null 2>&1
expected=$(digests /mnt/local/data)
RANDOM=7
for ((round = 1; round <= rounds; round++)); do
    store=store$round
    workers=()
    # The first share is done by both clients: one value is published, and compared.
    for share in 0:1 1:1 0:2 1:3; do
        slice "${clients[${share%:*}]}/$store" "${share#*:}/3" >"/mnt/local/worker-$share" 2>&1 &
        workers+=($!)
    done
    victim=$((RANDOM % 4))
    sleep "$((RANDOM % 2)).$((RANDOM % 10))"
    kill -KILL "${workers[victim]}" 2>/dev/null || true
    for worker in 0 1 2 3; do
        status=0
        wait "${workers[worker]}" || status=$?
        ((worker == victim || status == 0)) || fail "worker $worker ended with $status: $(cat /mnt/local/worker-*)"
    done
    published=$(find "${clients[0]}/$store/packs" -name '*.pack' | wc -l)
    for share in 1 2 3; do
        slice "${clients[1]}/$store" "$share/3" >/mnt/local/again 2>&1 || fail "slice $share again: $(cat /mnt/local/again)"
        tail -n 1 /mnt/local/again
    done
    at "${clients[0]}/$store" run "$stage" --merge >/mnt/local/merged 2>&1 || fail "merge: $(cat /mnt/local/merged)"
    grep -q '^computed ' /mnt/local/merged && fail 'the merging run simulated something'
    [[ $(digests "${clients[0]}/$store") == "$expected" ]] || fail 'digests differ'
    [[ $(at "${clients[0]}/$store" doctor --json) == '[]' ]] || fail "doctor finds something"
    merged=$(find "${clients[0]}/$store/packs" -name '*.pack' | wc -l)
    echo "nfs-test: round $round: worker $victim killed; $published packs, $merged after merging; every digest is right"
done
