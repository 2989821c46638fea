"""`/healthz`, `/readyz` and `/metrics`: for whoever runs the server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from typing import Any, Literal
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from starlette.responses import JSONResponse

from graph.application import Application
from server.addresses import is_loopback
from server.identity import bearer_of, check_key, opened
from server.problems import documented
from settings import Settings
from state.principal import local_principal

routes = APIRouter(tags=["health"])

_SECONDS = 2.0  # that a dependency may take to answer


class Health(BaseModel):
    """That the process answers."""

    status: Literal["ok"] = "ok"


class Dependency(BaseModel):
    """How a part fares that answers rest on. Without one that is not ``needed`` they are given all the same, noted."""

    status: Literal["ok", "failed"]
    needed: bool
    milliseconds: float


class Readiness(BaseModel):
    """Whether this process can answer questions now."""

    status: Literal["ready", "not ready"]
    dependencies: dict[str, Dependency]


@routes.get("/healthz")
async def healthz() -> Health:
    """Say that the process is alive."""
    return Health()


@routes.get("/readyz", response_model=Readiness, responses={503: {"model": Readiness, "description": "Not ready."}})
async def readyz(request: Request) -> Response:
    """Say whether questions can be answered now: each part that answers rest on, and how long it took to say so."""
    application, settings = opened(request.scope), request.app.state.settings
    checks: dict[str, tuple[bool, Awaitable[Any]]] = {
        "database": (True, _database(application, settings)),
        "embedding_model": (False, asyncio.to_thread(application.embedder.embed, ["ready"])),
    }
    if address := _chat_address(settings):
        checks["chat_model"] = (False, _reached(*address))
    found = await asyncio.gather(*(_checked(needed, check) for needed, check in checks.values()))
    dependencies = dict(zip(checks, found, strict=True))
    is_ready = all(one.status == "ok" for one in found if one.needed)
    body = Readiness(status="ready" if is_ready else "not ready", dependencies=dependencies)
    return JSONResponse(body.model_dump(), 200 if is_ready else 503)


async def _checked(needed: bool, check: Awaitable[Any]) -> Dependency:
    began = time.perf_counter()
    status: Literal["ok", "failed"] = "ok"
    try:
        await asyncio.wait_for(check, _SECONDS)
    except Exception:  # why it does not answer is in the log of whoever asks it; here it only counts that it does not
        status = "failed"
    return Dependency(status=status, needed=needed, milliseconds=round((time.perf_counter() - began) * 1000, 1))


async def _database(application: Application, settings: Settings) -> None:
    async with application.database.session(local_principal(settings)) as connection:
        await connection.execute("select 1")


def _chat_address(settings: Settings) -> tuple[str, int] | None:
    """Return host and port of the chat model's server where one was set; hosted providers are not asked."""
    if not settings.chat_model or not settings.chat_base_url:
        return None
    parts = urlsplit(settings.chat_base_url)
    return (parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))


async def _reached(host: str, port: int) -> None:
    _, writer = await asyncio.open_connection(host, port)
    writer.close()


@routes.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **documented()},
)
async def metrics(request: Request) -> Response:
    """Return Prometheus metrics: to this machine, and to whoever has an API key."""
    from observe.metrics import CONTENT_TYPE, render

    settings: Settings = request.app.state.settings
    here = request.client and is_loopback(request.client.host) and not settings.trusted_proxies
    if not here:
        await check_key(opened(request.scope), bearer_of(request.scope))
    return Response(await asyncio.to_thread(render), media_type=CONTENT_TYPE)
