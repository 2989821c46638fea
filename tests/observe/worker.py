"""A server of several workers, each with the metrics of `observe`: ``python -m tests.observe.worker PORT``.

Its requests say which worker answered; a request for ``/hang`` is being answered until its client leaves.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from observe.workers import metrics_shared_by_workers


def made() -> Starlette:
    """Make the application of a worker."""
    from observe import metrics

    async def which(request: Request) -> Response:
        with metrics.http_in_progress():
            started = time.perf_counter()
            if request.path_params["name"] == "hang":
                await asyncio.sleep(60)
            metrics.http_request(request.method, "/{name}", 200, time.perf_counter() - started)
        return PlainTextResponse(str(os.getpid()))

    async def told(request: Request) -> Response:
        return Response(metrics.render(), media_type=metrics.CONTENT_TYPE)

    return Starlette(routes=[Route("/metrics", told), Route("/{name}", which)])


if __name__ == "__main__":
    with metrics_shared_by_workers():
        uvicorn.run(
            "tests.observe.worker:made", factory=True, workers=2, port=int(sys.argv[1]), log_level="warning",
            timeout_graceful_shutdown=1,
        )  # fmt: skip
