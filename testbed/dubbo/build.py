"""Builds the Dubbo processes of ``testbed/clients`` into the cache, nothing twice, and says how to start them.

Each product lies in a folder named after a hash of what it is made of: the jars of every Dubbo generation (Maven), the
classes (javac), the Go program. Maven only resolves class paths; ``JAVA_HOME`` is honoured.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from testbed import java
from testbed.binaries import cache, go_command, replacing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Generation: TypeAlias = Literal["2.6", "2.7", "3.3"]
"""A generation of Dubbo for Java; ``testbed/clients/java/pom.xml`` says which release stands for it."""

_CLIENTS = Path(__file__).parent.parent / "clients"
_POM = _CLIENTS / "java" / "pom.xml"

_JVM_FLAGS = (
    *("-Xmx64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
    "-Djava.net.preferIPv4Stack=true",
    # Dubbo 2.6 and 2.7 generate classes by a method that later JDKs closed.
    "--add-opens=java.base/java.lang=ALL-UNNAMED",
    # No port for an operator's console; the name of the option differs between generations.
    *("-Ddubbo.qos.enable=false", "-Ddubbo.application.qos-enable=false"),
    # How many ms a provider waits for its consumers to leave; 10 s by default.
    "-Ddubbo.service.shutdown.wait=300",
    "-Djava.util.logging.SimpleFormatter.format=%1$tT.%1$tL %4$s %3$s %5$s%6$s%n",
)


def prepare() -> None:
    """Build what is missing and say so on standard output.

    Raises:
        subprocess.CalledProcessError: A tool failed; what it said is on standard error.
    """
    with _lock():
        _make("resolving the jars of Dubbo for Java", _jars(), _resolve_jars)
        _make("compiling the Java clients", _classes(), _compile)
        _make("building the dubbo-go clients", _go(), _build_go)


def java_command(generation: Generation, main: str, *, home: Path) -> list[str]:
    """Return the command that runs a class of ``testbed/clients/java``; ``home`` gets the files Dubbo writes."""
    class_path = f"{_classes() / generation}:{_jars() / generation}/*"
    return [str(java.program("java")), *_JVM_FLAGS, f"-Duser.home={home}", "-cp", class_path, f"testbed.{main}"]


def go_program() -> Path:
    """Return the dubbo-go program; its first argument is ``provider`` or ``consumer``."""
    return _go() / "clients"


def _jars() -> Path:
    return _folder("jars", _POM)


def _classes() -> Path:
    return _folder("classes", _CLIENTS / "java")


def _go() -> Path:
    return _folder("go", _CLIENTS / "go")


def _folder(kind: str, source: Path) -> Path:
    digest = hashlib.sha256()
    for file in sorted(source.rglob("*")) if source.is_dir() else [source]:
        if file.is_file():
            digest.update(f"{file.relative_to(_CLIENTS)}\0{file.stat().st_size}\0".encode())
            digest.update(file.read_bytes())
    return cache() / "clients" / f"{kind}-{digest.hexdigest()[:16]}"


def _make(what: str, folder: Path, fill: Callable[[Path], None]) -> None:
    """Let ``fill`` make the folder unless it is there; it appears whole or not at all."""
    if folder.exists():
        return
    print(f"  {what} ...", end="", flush=True)
    begin = time.monotonic()
    with replacing(folder) as unfinished:
        fill(unfinished)
    print(f" {time.monotonic() - begin:.0f} s", flush=True)


def _resolve_jars(folder: Path) -> None:
    for generation in get_args(Generation):
        profile = f"dubbo-{generation}"
        goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={folder / generation}"]
        subprocess.run(["mvn", "-q", "-B", "-f", _POM, "-P", profile, *goal], check=True)


def _compile(folder: Path) -> None:
    for generation in get_args(Generation):
        sources = folder / "src" / generation
        shutil.copytree(_CLIENTS / "java" / "src", sources)
        files = sorted(sources.rglob("*.java"))
        if generation == "2.6":
            for file in files:
                # The same classes, before Dubbo went to the Apache foundation.
                file.write_text(file.read_text().replace("org.apache.dubbo", "com.alibaba.dubbo"))
        options = ["-nowarn", "-XDsuppressNotes", "--release", "11", "-cp", f"{_jars() / generation}/*"]
        subprocess.run(
            [str(java.program("javac")), *options, "-d", str(folder / generation), *map(str, files)], check=True
        )


def _build_go(folder: Path) -> None:
    flags = ["-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", str(folder / "clients")]
    subprocess.run(
        [go_command(), "build", *flags, "."], cwd=_CLIENTS / "go", env={**os.environ, "CGO_ENABLED": "0"}, check=True
    )


@contextmanager
def _lock() -> Iterator[None]:
    """Let one process at a time build."""
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / "clients.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
