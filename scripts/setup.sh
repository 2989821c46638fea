#!/usr/bin/env bash
# Makes the virtual environment and installs into it; nothing to do when everything is there, network or not.
set -euo pipefail
venv=$1
python=${PYTHON:-python3}

if ! command -v "$python" >/dev/null; then
    echo "Footnote needs Python 3.11 or newer; no '$python' was found. Set PYTHON=/path/to/python3." >&2
    exit 1
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "Footnote needs Python 3.11 or newer; '$python' is $("$python" -V 2>&1). Set PYTHON=/path/to/python3.12 or so." >&2
    exit 1
fi

export PIP_DISABLE_PIP_VERSION_CHECK=1
if [ ! -x "$venv/bin/python" ]; then
    echo "Making $venv …"
    "$python" -m venv "$venv" || {
        echo "Python's venv module is missing: on Debian and Ubuntu, apt install python3-venv." >&2
        exit 1
    }
fi
if ! "$venv/bin/python" -c 'import torch, sys; sys.exit(torch.__version__.split("+")[0] != "2.13.0")' 2>/dev/null; then
    echo "Installing torch (the largest part) …"
    "$venv/bin/pip" install --quiet torch==2.13.0
fi
echo "Installing the other packages …"
"$venv/bin/pip" install --quiet --constraint constraints.txt setuptools
"$venv/bin/pip" install --quiet --constraint constraints.txt --no-build-isolation --editable '.[dev]'
