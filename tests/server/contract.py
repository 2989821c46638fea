"""Whether the server keeps to its OpenAPI document: schemathesis asks it whatever the document allows, and more.

Run as a program it tries for long: ``python -m tests.server.contract --examples 100`` (`make contract`).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from pathlib import Path

from models.embedder import SentenceTransformerEmbedder
from models.tokenizer import ModelTokenCounter
from settings import Settings
from store.database import prepare_embedded
from store.embedded import ensure_server, release_server
from tests.server.running import filled, running_server

TEXT = "# The Harbour Bridge\n\nThe bridge opened in 1932 after eight years of work.\n"
# Not among them is that whatever the document allows is taken: it cannot say that a question needs a word in it.
CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance", "negative_data_rejection", "missing_required_header", "unsupported_method",
    "use_after_free", "ensure_resource_availability", "ignored_auth",
)  # fmt: skip
UNBOUNDED = {"requests_per_minute": 10**6, "request_burst": 10**6}  # it asks faster than any user


def conforms(url: str, key: str, *, examples: int, phases: str, seed: int) -> subprocess.CompletedProcess[str]:
    """Let schemathesis ask a server as the user of a key; its exit status is 0 if nothing was found."""
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json", f"--header=Authorization: Bearer {key}",
        f"--checks={','.join(CHECKS)}", f"--phases={phases}", f"--max-examples={examples}", f"--seed={seed}",
        "--generation-database=none", "--warnings=off", "--no-color", "--continue-on-failure",
        "--suppress-health-check=all", "--request-timeout=30",
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:  # it keeps what it found where it runs
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def main() -> int:
    """Start a server with a document, and ask it."""
    parser = ArgumentParser(prog="python -m tests.server.contract", description=__doc__)
    parser.add_argument("--examples", type=int, default=100, help="requests a route and phase")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--phases", default="examples,coverage,fuzzing")
    chosen = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="footnote-contract-"))
    folder.chmod(0o711)
    home = folder / "home"
    home.mkdir()
    (folder / "documents").mkdir()
    (folder / "documents" / "bridge.md").write_text(TEXT, encoding="utf-8")
    settings = Settings.model_validate({"home": home, "allow_download": False, **UNBOUNDED})
    try:
        ensure_server(home, timeout=60)
        conninfo = prepare_embedded(home, settings.database_name, settings.tenant, timeout=60)
        embedder, counter = SentenceTransformerEmbedder(settings), ModelTokenCounter(settings)
        keys = filled(conninfo, embedder, counter, str(folder / "documents"))
        with running_server(settings) as url:
            phases = chosen.phases
            done = conforms(url, keys["ada"], examples=chosen.examples, phases=phases, seed=chosen.seed)
        print(done.stdout, done.stderr)  # noqa: T201
        return done.returncode
    finally:
        release_server(home)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
