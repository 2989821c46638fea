from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from settings import settings
from store.database import open_database
from store.keys import Keys
from tests.cli.conftest import Footnote


def test_a_key_is_shown_once_listed_without_itself_and_revoked(footnote: Footnote) -> None:
    made = footnote("keys", "create", "laptop", "--user", "ann", "--group", "staff", "--scope", "ask", "--json")
    assert made.status == 0, made.err
    key = made.json["key"]
    assert key.startswith("fn_")
    assert (made.json["name"], made.json["user"], made.json["groups"], made.json["scopes"]) == (
        "laptop", "ann", ["staff"], ["ask"],
    )  # fmt: skip
    assert checked(key) == ("ann", ("staff",), False)
    listed = footnote("keys", "list", "--json")
    assert key not in listed.out
    assert [one["id"] for one in listed.json] == [made.json["id"]]
    assert listed.json[0]["last_used_at"] is not None
    assert footnote("keys", "revoke", made.json["id"]).status == 0
    assert "revoked" in footnote("keys", "list").out
    assert footnote("keys", "list", "--json").json[0]["revoked_at"] is not None


def test_in_words_the_key_has_a_line_of_its_own_and_what_it_may_do_is_said(footnote: Footnote) -> None:
    assert "footnote keys create NAME" in footnote("keys", "list").out
    lines = footnote("keys", "create", "ann").out.splitlines()
    assert checked(lines[0]) == ("ann", (), True)
    assert "user ann, may ask and write" in lines[1]
    assert "never used" not in footnote("keys", "list").out


def test_what_cannot_be_a_key_is_told_in_one_line(footnote: Footnote) -> None:
    for arguments, said in (
        (("create", "x", "--scope", "admin"), "choose of ask, write"),
        (("create", "x", "--user", "a b"), "user:a b"),
        (("create", ""), "name"),
        (("revoke", "00000000-0000-0000-0000-000000000000"), "no API key"),
    ):
        refused = footnote("keys", *arguments)
        assert refused.status == 1
        assert refused.err.startswith("footnote: ")
        assert said in refused.err


def test_no_command_about_keys_loads_what_only_answers_need(footnote: Footnote, home: Path) -> None:
    program = (
        "import sys; from cli.main import main; sys.argv[0] = 'footnote';\n"
        "try: main()\nfinally: print(sorted({'torch', 'langgraph', 'gradio'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "keys", "create", "ann"],
        env={**os.environ, "FOOTNOTE_HOME": str(home)}, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr.strip().splitlines()[-1] == "[]"


def checked(key: str) -> tuple[str, tuple[str, ...], bool]:
    """Return whom a key acts as, its groups, and whether it may write."""

    async def check() -> tuple[str, tuple[str, ...], bool]:
        async with open_database(settings()) as database:
            principal, _, _ = await Keys(database).check(key)
            return principal.user, principal.groups, principal.can_write

    return asyncio.run(check())
