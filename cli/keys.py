"""`footnote keys`: API keys, made, listed and revoked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, cast
from uuid import UUID

import typer

from cli.output import console, print_json, visible
from cli.running import run

if TYPE_CHECKING:
    from state.principal import Principal
    from store.keys import KeyInfo, Keys, Scope

Result = TypeVar("Result")
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]

keys = typer.Typer(help="Keys for whoever uses the server: each acts as one user.", no_args_is_help=True)


@keys.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What the key is called.")],
    user: Annotated[str | None, typer.Option(help="Whom it acts as; a user of the key's name if left out.")] = None,
    group: Annotated[list[str] | None, typer.Option(help="A group that the user is in; several times.")] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(help="What it may do: ask, or write (upload and delete documents); both if left out."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a key and show it, this once: only its hash is kept."""
    options: dict[str, Any] = {"user": user, "groups": group or ()}
    if scope:
        options["scopes"] = cast("list[Scope]", scope)
    info, key = run(_with_keys(lambda book, principal: book.create(principal, name, **options)))
    if as_json:
        print_json({"key": key, **info.model_dump(mode="json")})
        return
    console().print(key, markup=False, soft_wrap=True)
    console().print(f"It acts as {_description(info)}, and is not shown again.", markup=False, soft_wrap=True)


@keys.command("list")
def list_keys(as_json: Json = False) -> None:
    """List the keys, without what makes them work."""
    found = run(_with_keys(lambda book, principal: book.all(principal)))
    if as_json:
        print_json([info.model_dump(mode="json") for info in found])
        return
    if not found:
        console().print("No keys yet: make one with `footnote keys create NAME`.")
    for info in found:
        used = f"last used {info.last_used_at:%Y-%m-%d %H:%M}" if info.last_used_at else "never used"
        state = f"revoked {info.revoked_at:%Y-%m-%d %H:%M}" if info.revoked_at else used
        line = f"{info.id}  {visible(info.name)}  {_description(info)}, {state}"
        console().print(line, markup=False, soft_wrap=True, style="dim" if info.revoked_at else "")


@keys.command("revoke")
def revoke(key: Annotated[UUID, typer.Argument(help="A key's id, as `footnote keys list` shows it.")]) -> None:
    """End a key at once and for good."""
    run(_with_keys(lambda book, principal: book.revoke(principal, key)))
    console().print("Revoked.")


def _description(info: KeyInfo) -> str:
    groups = f" of {', '.join(info.groups)}" if info.groups else ""
    return visible(f"user {info.user}{groups}, may {' and '.join(info.scopes)}")


async def _with_keys(work: Callable[[Keys, Principal], Awaitable[Result]]) -> Result:
    from settings import settings
    from state.principal import local_principal
    from store.database import open_database
    from store.keys import Keys

    configuration = settings()
    async with open_database(configuration) as database:
        return await work(Keys(database), local_principal(configuration))
