#!/usr/bin/env bash
# Starts the LangGraph server. It would take another port without a word if this one is taken: that is told here.
set -euo pipefail
bin=$1
port=$2

if ! "$bin/python" -c 'import socket, sys; socket.create_server(("127.0.0.1", int(sys.argv[1]))).close()' "$port" 2>/dev/null; then
    echo "Port $port is taken or is none: make serve-langgraph PORT=2025" >&2
    exit 1
fi
"$bin/python" - <<'PYTHON'
from server.auth import TOKEN_FILE, local_token
from settings import settings

home = settings().home
local_token(home)
print(f"The token of the local user is in {home / TOKEN_FILE}; API keys: footnote keys create NAME")
PYTHON
exec "$bin/langgraph" dev --no-browser --no-reload --n-jobs-per-worker 8 --port "$port"
