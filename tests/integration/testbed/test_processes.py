"""Nothing of a test bed survives the process that made it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from testbed.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from testbed.bed import TestBed


def processes(folder: Path) -> Iterator[str]:
    """Yield the names of the processes that were told to keep their temporary files in a folder."""
    for process in Path("/proc").glob("[0-9]*"):
        # Some end while we look.
        with contextlib.suppress(OSError):
            if f"TMPDIR={folder}".encode() in (process / "environ").read_bytes().split(b"\0"):
                yield (process / "comm").read_text().strip()


def test_killed_test_bed_leaves_no_process(bed: TestBed, tmp_path: Path) -> None:
    """A test bed that is killed without a word takes all its servers with it; another one beside it goes on."""
    # In a private network of its own, beside the one of these tests.
    env = {name: value for name, value in os.environ.items() if not name.startswith("TESTBED_")}
    command = [sys.executable, "-m", "testbed", "exec", "--", "sh", "-c", "echo up; exec sleep 60"]
    with subprocess.Popen(command, env={**env, "TMPDIR": str(tmp_path)}, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "up\n"
        running = set(processes(tmp_path))
        other.kill()

    assert {"etcd", "kube-apiserver", "kube-controller", "kube-scheduler", "kwok", "java", "sleep"} <= running
    wait_until(lambda: not list(processes(tmp_path)), message="no process is left")
    assert bed.api.list("nodes", namespace=None)
    assert bed.zookeeper.serving
