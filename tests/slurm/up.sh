#!/usr/bin/env bash
# up.sh DIR: starts a real Slurm of one node, this machine, on loopback, with everything it keeps in DIR and without systemd.
# For whoever sources it: `export SLURM_CONF=DIR/slurm.conf`. `down.sh DIR` ends it.
set -euo pipefail
dir=${1:?}
host=$(hostname -s)
user=$(id -un)
port=${SLURM_TEST_PORT:-16817}
export SLURM_CONF=$dir/slurm.conf
mkdir -p "$dir"/{state,spool,munge}
chmod 755 "$dir" "$dir/munge"
cat >"$SLURM_CONF" <<CONF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
AuthInfo=socket=$dir/munge/sock,cred_expire=5
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
JobCompType=jobcomp/none
MpiDefault=none
ReturnToService=2
KillWait=2
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/ctld.pid
SlurmdPidFile=$dir/d.pid
SlurmctldLogFile=$dir/ctld.log
SlurmdLogFile=$dir/d.log
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=2000 State=UNKNOWN
PartitionName=test Nodes=$host Default=YES State=UP DefaultTime=5 MaxTime=60
CONF
[[ -f $dir/munge/key ]] || (umask 077 && head -c 128 /dev/urandom >"$dir/munge/key")
munged --key-file="$dir/munge/key" --socket="$dir/munge/sock" --pid-file="$dir/munge/pid" \
    --log-file="$dir/munge/log" --seed-file="$dir/munge/seed"
slurmctld -f "$SLURM_CONF"
slurmd -f "$SLURM_CONF"
for _ in $(seq 100); do
    [[ $(sinfo -h -o %T 2>/dev/null) == idle ]] && exit 0
    sleep 0.1
done
echo "up.sh: the node did not become idle; see $dir/*.log" >&2
exit 1
