#!/bin/sh
# Makes .venv with everything that requirements.lock names. Says what it does; does nothing twice.
set -eu
cd "$(dirname "$0")/.."

python="${PYTHON:-}"
if [ -z "$python" ]; then
    for name in python3 python3.13 python3.12 python3.11; do
        if command -v "$name" >/dev/null && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
            python="$name"
            break
        fi
    done
fi
if [ -z "$python" ]; then
    echo "labcrew needs Python 3.11 or newer; set PYTHON=/path/to/python3.11 and run make again." >&2
    exit 2
fi

root=""
if [ "$(id -u)" -ne 0 ]; then root="sudo"; fi

if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    echo "setup: installing python$version-venv (Debian keeps it apart)"
    $root apt-get update -qq
    $root apt-get install -y -qq --no-install-recommends "python$version-venv"
fi

wanted=$(cat requirements.lock pyproject.toml | sha256sum | cut -d' ' -f1)
if [ "$(cat .venv/.labcrew-lock 2>/dev/null || true)" = "$wanted" ]; then
    exit 0
fi

echo "setup: making .venv with $("$python" --version)"
[ -x .venv/bin/python ] || "$python" -m venv .venv
# The index that pip is told of serves uv as well.
index=$(.venv/bin/pip config get global.index-url 2>/dev/null || true)
[ -z "$index" ] || export UV_DEFAULT_INDEX="${UV_DEFAULT_INDEX:-$index}"
.venv/bin/pip install --quiet --disable-pip-version-check uv 2>/dev/null || true
if [ -x .venv/bin/uv ] && .venv/bin/uv pip install --quiet --python .venv/bin/python -r requirements.lock; then
    :
else
    echo "setup: installing with pip"
    .venv/bin/pip install --quiet --disable-pip-version-check -r requirements.lock
fi
.venv/bin/pip install --quiet --disable-pip-version-check --no-deps --editable .
echo "$wanted" > .venv/.labcrew-lock
echo "setup: done; .venv/bin/labcrew --help"
