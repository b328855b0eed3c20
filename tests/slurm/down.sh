#!/usr/bin/env bash
# down.sh DIR: ends the Slurm that up.sh started there.
set -euo pipefail
dir=${1:?}
for file in d.pid ctld.pid munge/pid; do
    if [[ -s $dir/$file ]]; then
        pid=$(cat "$dir/$file")
        kill "$pid" 2>/dev/null || continue
        for _ in $(seq 100); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.1
        done
    fi
done
