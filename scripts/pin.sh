#!/usr/bin/env bash
# Writes constraints.txt from what is installed: run it after an upgrade that passed the tests.
set -euo pipefail
cd "$(dirname "$0")/.."
{
    echo "# Written by scripts/pin.sh. torch is pinned in scripts/setup.sh, for it comes in builds of its own."
    .venv/bin/pip freeze --exclude-editable --all |
        grep -viE '^(torch|pip|wheel|triton|nvidia-|footnote)([=@ -]|$)' | sort -f
} >constraints.txt
