"""tasks.py JOB: runs a job file that `plan --format hyperqueue` wrote on a local cluster of HyperQueue.

The Python package has no `hq` command, so that tasks are read from the file here.
"""

import fcntl
import socket
import struct
import sys
import tomllib
from pathlib import Path

from hyperqueue import Job, LocalCluster
from hyperqueue.cluster import WorkerConfig


def raise_loopback():
    """Brings up the loopback interface of a new network namespace: SIOCSIFFLAGS with IFF_UP."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, 0x8914, struct.pack("16sH14x", b"lo", 1))


def main():
    description = tomllib.loads(Path(sys.argv[1]).read_text())
    raise_loopback()
    with LocalCluster(worker_config=WorkerConfig(cores=2)) as cluster:
        job = Job(max_fails=None, name=description["name"])
        for task in description["task"]:
            job.program(task["command"], stdout=None, stderr=None)
        client = cluster.client()
        submitted = client.submit(job)
        if not client.wait_for_jobs([submitted], raise_on_error=False):
            sys.exit(f"failed: {client.get_failed_tasks(submitted)}")


main()
