#!/usr/bin/env bash
# test.sh PROGRAM: the store on a real NFS 4.2 with two clients, one of them killed, in a user-mode Linux that needs no right and no
# module of this machine's kernel. Packages are unpacked into the user's cache, not installed. By hand: `just nfs-test`.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
program=$(realpath "${1:?}")
if [[ $(uname -m) != x86_64 ]] || ! command -v apt-get >/dev/null || ! command -v dpkg >/dev/null; then
    echo 'nfs-test: skipped: it needs the packages of Debian or Ubuntu on x86-64'
    exit 0
fi
tools=${XDG_CACHE_HOME:-$HOME/.cache}/spectral-alignment/nfs
if [[ ! -e $tools/ready ]]; then
    rm -rf "$tools"
    mkdir -p "$tools/packages"
    if ! (cd "$tools/packages" && apt-get -qq download user-mode-linux nfs-kernel-server nfs-common rpcbind keyutils \
        libwrap0 libnfsidmap1 kmod libkmod2 libtirpc3 libevent-core-2.1-7); then
        echo 'nfs-test: skipped: the packages cannot be had here'
        exit 0
    fi
    for package in "$tools"/packages/*.deb; do dpkg -x "$package" "$tools"; done
    version=$(ls "$tools/usr/lib/uml/modules")
    mkdir -p "$tools/lib/modules"
    ln -sfn "../../usr/lib/uml/modules/$version" "$tools/lib/modules/$version"
    for name in depmod modprobe; do ln -sfn ../bin/kmod "$tools/sbin/$name"; done
    LD_LIBRARY_PATH=$tools/lib/x86_64-linux-gnu "$tools/sbin/depmod" -b "$tools" "$version"
    touch "$tools/ready"
fi
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
timeout 1200 "$tools/usr/bin/linux.uml" mem=1500M root=none rootfstype=hostfs rootflags=/ ro con=null con0=null,fd:1 \
    "init=$here/init.sh" -- "$tools" "$here/inside.sh" "$program" "$out" >"$out/kernel" 2>&1 || true
cat "$out/printed" 2>/dev/null || tail -n 20 "$out/kernel"
[[ $(cat "$out/status" 2>/dev/null) == 0 ]] || {
    echo "nfs-test: failed: $(cat "$out/status" 2>/dev/null || echo 'no status')" >&2
    exit 1
}
