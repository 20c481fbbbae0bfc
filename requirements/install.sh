#!/bin/sh
# Makes .venv: a Python of 3.11 or newer, uv, everything in dev.txt (by hash) and this repository itself, editable.
# `make` runs it when a lock, pyproject.toml or this file is newer than the last installation.
set -eu
cd "$(dirname "$0")/.."

fail() {
    echo "$1" >&2
    exit 1
}

recent='import sys; assert sys.version_info >= (3, 11)'

# A name on PATH is no proof: version managers leave shims for versions that are not active.
python=
for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
    if "$candidate" -c "$recent" 2>/dev/null; then
        python=$candidate
        break
    fi
done
[ -n "$python" ] || fail "No Python 3.11 or newer on PATH (tried python3 and python3.11 to python3.14). Install one, then run make again."

if ! .venv/bin/python -c "$recent; import pip" 2>/dev/null; then
    # Debian and Ubuntu ship ensurepip in a package of its own.
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
        sudo=
        [ "$(id -u)" = 0 ] || sudo='sudo -n'
        echo "Installing $package"
        { $sudo apt-get update -q && $sudo apt-get install -q -y "$package"; } ||
            fail "This Python cannot make virtual environments. Run: sudo apt-get install $package"
    fi
    "$python" -m venv --clear .venv
fi

echo "Installing the locked packages into .venv"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/uv.txt
.venv/bin/uv pip install --quiet --python .venv --require-hashes --requirement requirements/dev.txt
.venv/bin/uv pip install --quiet --python .venv --no-deps --no-build-isolation --editable .
