"""Our own server: the API for keys, the page for people, health and metrics for whoever runs it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from importlib.metadata import version

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Match, Mount
from starlette.types import Scope

from graph.app import open_application
from graph.application import Application
from observe.logs import set_up_logging
from observe.tracing import flush_traces, set_up_tracing
from server.chat_completions.errors import as_openai, speaks_openai
from server.headers import SecurityHeaders, is_api
from server.identity import ApiKeys
from server.limits import Admission, BodyLimit, Buckets, question_places
from server.openapi import with_problems
from server.page import PageGate, PageUsers, PageWork
from server.problems import install
from server.requests import HEADER, Requests
from server.routes import ask, conversations, documents, health, openai, receipts, search
from server.routes.sign_in import sign_in
from server.scripts import Scripts
from server.sessions import Cookies, session_secret
from settings import Settings
from settings import settings as settings_of_process

_ABOUT = """Answers from your documents, in which every sentence carries a checked footnote.

Send an API key as `Authorization: Bearer fn_…`. Failures are problem details (RFC 9457) with a request id, which every
answer carries in `X-Request-Id`. What a key may not see does not exist for it: it gets 404.
"""
Opening = Callable[[Settings], AbstractAsyncContextManager[Application]]


def create_app(settings: Settings, *, page: bool = False, opening: Opening = open_application) -> FastAPI:
    """Return the server's application, with the chat page at ``/`` if ``page``.

    The page keeps its sessions in the process: one process serves it, several may serve the API. The `Application` is
    opened when the server starts and closed when it ends.
    """
    app = FastAPI(
        title="Footnote",
        version=version("footnote"),
        description=_ABOUT,
        lifespan=_lifespan(opening),
        docs_url=None,  # they load their scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        separate_input_output_schemas=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # ours are in `server.requests`
        form_limits={"max_files": settings.max_upload_files, "max_fields": 200, "max_part_size": 10_000},
    )
    app.state.settings = settings
    app.state.stopping = asyncio.Event()
    app.state.questions = Admission(question_places(settings))
    app.state.uploads = Admission(settings.max_uploads)
    app.state.renders = [(speaks_openai, as_openai)]
    requests = Buckets(settings.requests_per_minute, settings.request_burst)
    middleware = [
        Middleware(Requests),
        Middleware(SecurityHeaders),
        # Also without origins: it keeps the page from answering other ones in a way of its own.
        Middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", HEADER],
            expose_headers=[HEADER, "Retry-After"],
        ),
        Middleware(BodyLimit, settings=settings),
        Middleware(ApiKeys, requests=requests),
    ]
    for module in (ask, search, documents, conversations, receipts, openai, health):
        app.include_router(module.routes)
    install(app)
    if page:
        users = PageUsers(settings, Cookies(session_secret(settings.home), settings.session_hours), _opened(app))
        middleware.append(Middleware(PageGate, users=users))
        app.include_router(sign_in(users))
        work = PageWork(users, requests, app.state.questions, settings.question_seconds)
        _in_loop(partial(_mount_page, app, users, work))
    app.user_middleware = middleware
    app.openapi = with_problems(app)  # type: ignore[method-assign]
    return app


def api() -> FastAPI:
    """Return the API for a worker process, by the settings of its environment."""
    settings = settings_of_process()
    set_up_logging(settings)
    set_up_tracing(settings)
    return create_app(settings)


def _lifespan(opening: Opening) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with opening(app.state.settings) as application:
            await application.warm()
            app.state.application = application
            yield
        await asyncio.to_thread(flush_traces)

    return lifespan


def _opened(app: FastAPI) -> Callable[[], Application]:
    def opened() -> Application:
        application: Application = app.state.application
        return application

    return opened


def _in_loop(work: Callable[[], None]) -> None:
    """Run something with an event loop there: Gradio would make one of its own and leave it open."""

    async def run() -> None:
        work()

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(run())
    else:
        work()


def _mount_page(app: FastAPI, users: PageUsers, work: PageWork) -> None:
    """Mount the page at ``/``: last, because it takes every path that is left."""
    import gradio

    from ui.page import build_page, page_options

    blocks = build_page(_opened(app), users.principal_of, work.place)
    gradio.mount_gradio_app(
        app,
        blocks,
        path="/",
        auth_dependency=users.user,
        # What one file may have is checked where it is read in, which names it and reads the others.
        max_file_size=int(app.state.settings.max_upload_mb * 1_000_000),
        **page_options(),
    )
    [mounted] = (route for route in app.router.routes if isinstance(route, Mount))
    mounted.app.stop_event = app.state.stopping  # type: ignore[attr-defined]  # ends what it would stream for ever
    app.router.routes[app.router.routes.index(mounted)] = _PageMount("/", Scripts(mounted.app))


class _PageMount(Mount):
    """The page, which leaves the paths of the API alone: what is none of its routes is refused as the API does."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Say whether the page takes a request."""
        return (Match.NONE, {}) if is_api(scope["path"]) else super().matches(scope)
