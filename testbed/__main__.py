"""The test bed by hand: ``python -m testbed demo|up|shell|exec -- COMMAND``."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import shlex
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from testbed import binaries, namespace
from testbed.bed import TestBed
from testbed.demo import run as show
from testbed.process import die_with_parent

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command of the test bed; return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m testbed", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="start everything and stay until Ctrl-C")
    commands.add_parser("shell", help="start everything and open a shell with kubectl in it")
    demo = commands.add_parser("demo", help="show the operator at work")
    demo.add_argument("--keep", action="store_true", help="stay up afterwards, until Ctrl-C")
    execute = commands.add_parser("exec", help="start everything and run a command in it")
    execute.add_argument("arguments", nargs="+", metavar="COMMAND")
    options = parser.parse_args(arguments)
    namespace.enter()
    logging.getLogger("kazoo").setLevel(logging.CRITICAL)  # what its readers see while ZooKeeper is stopped on purpose
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if options.command == "demo":
        return show(keep=options.keep, shell_command=shell_command)
    with TestBed() as bed:
        if options.command == "exec":
            return _run(bed, options.arguments)
        print(f"Kubernetes {bed.control_plane.server}  ZooKeeper {bed.zookeeper.hosts}  logs {bed.logs}", flush=True)
        if options.command == "shell":
            return _run(bed, [os.environ.get("SHELL", "sh")])
        print(f"A shell in it, from another terminal:\n  {shell_command(bed)}\nCtrl-C ends it.", flush=True)
        with contextlib.suppress(KeyboardInterrupt, SystemExit):
            signal.pause()
    return 0


def environment(bed: TestBed) -> dict[str, str]:
    """Return the environment of a command in the test bed: kubectl on PATH and configured, ZooKeeper's address."""
    return {
        **os.environ,
        "PATH": f"{binaries.path('kubectl').parent}:{os.environ['PATH']}",
        "KUBECONFIG": str(bed.control_plane.kubeconfig_path),
        "ZOOKEEPER": bed.zookeeper.hosts,
    }


def shell_command(bed: TestBed) -> str:
    """Return the command that opens a shell in the test bed from outside."""
    own = environment(bed)
    settings = [f"{name}={own[name]}" for name in ("KUBECONFIG", "ZOOKEEPER")]
    path = f'PATH="{binaries.path("kubectl").parent}:$PATH"'
    enter = namespace.command_to_join(os.getpid())
    return f"{shlex.join(enter)} env {path} {shlex.join(settings)} $SHELL"


def _run(bed: TestBed, command: Sequence[str]) -> int:
    # In the process group of the terminal, but gone with us.
    return subprocess.run(die_with_parent(command), env=environment(bed), check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
