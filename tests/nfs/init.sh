#!/bin/bash
# init.sh TOOLS INSIDE PROGRAM OUT: the first process of a user-mode Linux whose root is that of this machine. It serves a folder in
# memory by NFS 4.2 and mounts it twice, as two clients with caches of their own would see it; then INSIDE PROGRAM /mnt/a /mnt/b runs.
# The folder OUT of this machine, whose root cannot be written here, gets what it prints and its exit status.
set -u
tools=$1 inside=$2 program=$3 out=$4
export PATH=$tools/usr/sbin:$tools/sbin:$tools/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LD_LIBRARY_PATH=$tools/lib/x86_64-linux-gnu:$tools/usr/lib/x86_64-linux-gnu
export HOME=/root
stop() {
    echo "$1" >/mnt/out/status
    sync
    echo o >/proc/sysrq-trigger
    sleep 60
}
set -e
trap 'stop "init failed at line $LINENO"' ERR
mount -t proc proc /proc
mount -t sysfs sysfs /sys
for place in /run /var/lib /mnt; do mount -t tmpfs tmpfs $place; done
mkdir -p /run/rpc_pipefs /run/lock /var/lib/nfs/v4recovery /mnt/export /mnt/a /mnt/b /mnt/out
mount -t hostfs -o "$out" hostfs /mnt/out
touch /var/lib/nfs/{etab,rmtab,state}
for module in nfsd nfs nfsv4; do modprobe -d "$tools" "$module"; done
mount -t rpc_pipefs rpc_pipefs /run/rpc_pipefs
mount -t nfsd nfsd /proc/fs/nfsd
ip link set lo up
mount -t tmpfs -o size=500m tmpfs /mnt/export
# Clients need not wait long for those of an earlier server, of which there are none.
echo 10 >/proc/fs/nfsd/nfsv4leasetime
echo 10 >/proc/fs/nfsd/nfsv4gracetime
exportfs -i -o rw,fsid=0,no_root_squash,no_subtree_check,insecure 127.0.0.1:/mnt/export
rpc.nfsd -N 3 -V 4.2 4
rpc.mountd -N 3
for client in a b; do mount.nfs 127.0.0.1:/ "/mnt/$client" -o vers=4.2,nosharecache; done
trap - ERR
set +e
unset LD_LIBRARY_PATH
"$inside" "$program" /mnt/a /mnt/b >/mnt/out/printed 2>&1
stop $?
