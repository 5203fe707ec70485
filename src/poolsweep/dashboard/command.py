"""``poolsweep dashboard``: serves the live report on this machine."""

from __future__ import annotations

import contextlib
import errno
import secrets
import socket
import sys

from poolsweep.errors import UserError
from poolsweep.extras import require
from poolsweep.runs.locate import find_study

_ADDRESS = "127.0.0.1"


def dashboard(study: str, *, port: int, with_texts: bool) -> int:
    """Serve the report of a study until Ctrl-C.

    Args:
        study: A folder or a name.
        port: To listen on; 0 = any that is free.
        with_texts: Whether the page may show texts of the test split.
    Raises:
        UserError: If there is no such study, the port is taken, or the extra is not installed.
    """
    folder = find_study(study, begun=False)
    for package in ("starlette", "uvicorn"):
        require(package, asked_by="the dashboard", extra="dashboard")
    import uvicorn

    from poolsweep.dashboard.app import make_app
    from poolsweep.dashboard.connection import ShortConnection
    from poolsweep.dashboard.keeper import ReportKeeper

    listening, token = _listen(port), secrets.token_urlsafe(16)
    app = make_app(folder, ReportKeeper(folder, with_texts=with_texts), token=token)
    options = uvicorn.Config(
        app, http=ShortConnection, ws="none", log_level="error", access_log=False, timeout_graceful_shutdown=2
    )
    server = uvicorn.Server(options)
    address = f"http://localhost:{listening.getsockname()[1]}/{token}/"
    print(f"{address} shows {folder}; Ctrl-C ends it", file=sys.stderr, flush=True)
    with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises it again when it has closed
        server.run(sockets=[listening])
    return 0


def _listen(port: int) -> socket.socket:
    if not 0 <= port <= 65535:
        raise UserError(f"--port must be from 0 to 65535, got {port}")
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((_ADDRESS, port))
        listening.listen()
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise UserError(
                f"port {port} is taken, maybe by another dashboard; --port 0 takes one that is free"
            ) from None
        if error.errno == errno.EACCES:
            raise UserError(f"port {port} is not allowed; --port 0 takes one that is free") from None
        raise
    return listening
