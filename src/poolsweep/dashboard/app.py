"""What the dashboard answers: its page, where the runs are, and the report."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from poolsweep.dashboard.keeper import ReportKeeper
from poolsweep.dashboard.kept import Kept
from poolsweep.runs.secrets import without_secrets
from poolsweep.sweep.status import RunStatus, study_status

# A page of another site that has this address resolve to its own name (DNS rebinding) sends that name as the host.
HOSTS = ("localhost", "127.0.0.1")
_LISTED = 12  # of each state that a person has to look at
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_REPORT_POLICY = "frame-ancestors 'self'"  # the rest stands in the page itself
_WAITING = "<!doctype html><html lang=en><meta charset=utf-8><title>Report</title><p>There is no report yet.</p></html>"


def make_app(study: Path, keeper: ReportKeeper, *, token: str) -> Starlette:
    """The dashboard of one study.

    Args:
        study: Folder of the study.
        keeper: Has the report; watched over by the app while it runs.
        token: Begins every path: other users of this machine can reach the port, and do not know it.
    """

    now = Kept(lambda: state(study, keeper))

    def page(request: Request) -> Response:  # not async: a study on a network drive may take its time
        content = _page(now())
        return _answer(content.encode(), "text/html; charset=utf-8", _POLICY)

    async def report(request: Request) -> Response:
        return _answer(keeper.page or _WAITING.encode(), "text/html; charset=utf-8", _REPORT_POLICY)

    def status(request: Request) -> Response:
        return JSONResponse(now(), headers=_HEADERS)

    async def part(request: Request) -> Response:
        name = request.url.path.rpartition("/")[2]
        kind = "text/css" if name.endswith(".css") else "text/javascript"
        return _answer(_part(name), f"{kind}; charset=utf-8", _POLICY)

    @asynccontextmanager
    async def watching(app: Starlette) -> AsyncIterator[None]:
        keeper.start()
        yield
        keeper.stop()

    routes = [
        Route("/", page), Route("/report", report), Route("/status.json", status),
        Route("/dashboard.css", part), Route("/dashboard.js", part),
    ]  # fmt: skip
    hosts = [Middleware(TrustedHostMiddleware, allowed_hosts=list(HOSTS), www_redirect=False)]
    return Starlette(routes=[Mount(f"/{token}", routes=routes)], middleware=hosts, lifespan=watching)


def state(study: Path, keeper: ReportKeeper) -> dict[str, Any]:
    """All that the page shows beside the report, in plain containers."""
    found = study_status(study)
    counts = {name: count for name, count in found.counts.items() if count}
    running = [_brief(run) for run in found.of("running")]
    trouble = [_brief(run) for name in ("failed", "damaged", "interrupted") for run in found.of(name)[:_LISTED]]
    content = {
        "study": found.study,
        "total": len(found.runs),
        "counts": counts,
        "done": counts.get("finished", 0) + sum(run["progress"] or 0 for run in running),
        "seconds_left": found.seconds_left,
        "running": running[:_LISTED],
        "trouble": trouble,
        "more": {name: counts.get(name, 0) - _LISTED for name in ("running", "failed", "damaged", "interrupted")
                 if counts.get(name, 0) > _LISTED},
        "report": {"version": keeper.version, "problem": keeper.problem, "writing": keeper.writing,
                   "lacks": keeper.lacks},
    }  # fmt: skip
    return without_secrets(content)


def _brief(run: RunStatus) -> dict[str, Any]:
    return {
        "id": run.run_id, "name": run.name, "state": run.state, "phase": run.phase, "progress": run.progress,
        "seconds_left": run.seconds_left, "kind": run.kind, "reason": run.reason,
    }  # fmt: skip


def _answer(content: bytes, kind: str, policy: str) -> Response:
    return Response(content, headers={**_HEADERS, "Content-Security-Policy": policy, "Content-Type": kind})


def _part(name: str) -> bytes:
    return (files("poolsweep.dashboard") / name).read_bytes()


def _page(content: dict[str, object]) -> str:
    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
        _part("dashboard.html").decode()
    )
    return template.render(content)
