"""The dashboard: what it answers, to whom, and when it writes the report anew."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from pathlib import Path

import pytest
import uvicorn
from starlette.testclient import TestClient

from poolsweep.dashboard import connection
from poolsweep.dashboard import keeper as module
from poolsweep.dashboard.app import make_app, state
from poolsweep.dashboard.command import _listen
from poolsweep.dashboard.keeper import ReportKeeper
from poolsweep.dashboard.kept import Kept
from poolsweep.runs.folder import RunFolder
from poolsweep.runs.plan import write_plan

HOSTILE = "<script>alert(1)</script>"
TOKEN = "a-token"


def client_of(app, base_url: str = "http://localhost:8765") -> TestClient:
    """A reader who knows the address."""
    return TestClient(app, base_url=f"{base_url}/{TOKEN}")


@pytest.fixture
def study(tmp_path: Path, finished_result) -> Path:
    """One run finished, one failed, one half-written, one that never began."""
    study = tmp_path / "study"
    write_plan(study, {RunFolder(study / name): f"seed={name}" for name in ("done", "bad", "missing")})
    for name in ("done", "bad", "half"):
        (study / name).mkdir()
    (study / "done" / "result.json").write_text(json.dumps(finished_result | {"name": "seed=done"}))
    (study / "bad" / "result.json").write_text(json.dumps({"status": "failed", "name": HOSTILE, "reason": HOSTILE}))
    (study / "half" / "result.json").write_text('{"status": "fin')
    return study


@pytest.fixture
def reports(monkeypatch) -> list[list[str]]:
    """Commands that would have written a report; each writes a page that counts them."""
    commands: list[list[str]] = []

    class Process:
        returncode = 0

        def __init__(self, command, **options):
            commands.append(command)
            page = Path(command[command.index("--out") + 1]) / "report.html"
            page.write_text(f"report {len(commands)}")

        def communicate(self, timeout):
            return None, ""

        def poll(self):
            return self.returncode

    monkeypatch.setattr(module.subprocess, "Popen", Process)
    return commands


def test_the_report_is_written_when_results_change_and_not_per_request(study, reports):
    keeper = ReportKeeper(study, with_texts=False)
    for _ in range(3):
        keeper.look()
    assert len(reports) == 1
    assert reports[0][1:6] == ["-P", "-m", "poolsweep", "report", str(study)]
    assert reports[0][-1] == "--no-texts"
    client = client_of(make_app(study, keeper, token=TOKEN), "http://localhost:8765")  # not entered: nothing watches
    for _ in range(3):
        assert client.get("/report").text == "report 1"
    (study / "half" / "result.json").write_text('{"status": "finished"}')
    keeper.look()
    assert (len(reports), keeper.version, keeper.page) == (2, 2, b"report 2")


def test_a_report_that_fails_leaves_the_last_one_and_says_why(study, reports, monkeypatch):
    keeper = ReportKeeper(study)
    keeper.look()

    class Fails:
        returncode = 2

        def __init__(self, command, **options):
            pass

        def communicate(self, timeout):
            return None, "Traceback\npoolsweep: no run of study has finished with accuracy\n"

    monkeypatch.setattr(module.subprocess, "Popen", Fails)
    (study / "done" / "result.json").write_text('{"status": "finished", "again": 1}')
    keeper.look()
    assert (keeper.version, keeper.page) == (1, b"report 1")
    assert keeper.problem == "no run of study has finished with accuracy"


def test_without_results_there_is_no_report_and_no_attempt_at_one(tmp_path, reports):
    (tmp_path / "empty").mkdir()
    keeper = ReportKeeper(tmp_path / "empty")
    keeper.look()
    assert not reports
    client = client_of(make_app(tmp_path / "empty", keeper, token=TOKEN), "http://localhost")
    assert "No run has finished yet" in client.get("/").text
    assert client.get("/report").status_code == 200
    assert client.get("/status.json").json()["total"] == 0


def test_it_tells_where_the_runs_are_and_escapes_what_they_say(study, reports):
    keeper = ReportKeeper(study)
    client = client_of(make_app(study, keeper, token=TOKEN), "http://127.0.0.1:8765")
    told = client.get("/status.json").json()
    assert told == json.loads(json.dumps(state(study, keeper)))
    assert told["counts"] == {"finished": 1, "failed": 1, "damaged": 1, "missing": 1}
    assert [run["reason"] for run in told["trouble"]] == [HOSTILE, "result.json is damaged"]
    page = client.get("/")
    assert "1 of 4 runs finished, 1 failed, 1 damaged, 1 missing" in page.text
    assert HOSTILE not in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "unsafe" not in page.headers["content-security-policy"]


def test_other_hosts_and_other_verbs_are_refused(study, reports):
    client = client_of(make_app(study, ReportKeeper(study), token=TOKEN), "http://localhost:8765")
    for path in ("/", "/report", "/status.json", "/dashboard.js"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in answer.headers
        assert client.get(path, headers={"Host": "evil.example"}).status_code == 400
        assert client.post(path).status_code == 405
    assert client.get("/../result.json").status_code == 404


def test_who_does_not_know_the_token_sees_nothing(study, reports):
    app = make_app(study, ReportKeeper(study), token=TOKEN)
    stranger = TestClient(app, base_url="http://localhost:8765")
    for path in ("/", "/report", "/status.json", "/other/status.json", f"/{TOKEN}x/", "/dashboard.js"):
        assert stranger.get(path).status_code == 404
    assert stranger.get(f"/{TOKEN}/status.json").status_code == 200


def test_the_page_says_what_its_report_lacks(study, reports, finished_result):
    keeper = ReportKeeper(study)
    keeper.look()
    assert state(study, keeper)["report"]["lacks"] == 0
    (study / "half" / "result.json").write_text(json.dumps(finished_result | {"name": "late"}))
    told = state(study, keeper)
    assert (told["counts"]["finished"], told["report"]["lacks"]) == (2, 1)
    page = client_of(make_app(study, keeper, token=TOKEN)).get("/").text
    assert "2 of 4 runs finished" in page
    assert "the report below lacks 1 of the results; it is being made anew" in page
    keeper.look()
    assert state(study, keeper)["report"]["lacks"] == 0


def test_a_hundred_readers_are_one_to_the_study():
    seconds, made = [0.0], []
    kept = Kept(lambda: made.append(seconds[0]) or len(made), clock=lambda: seconds[0])
    assert {kept() for _ in range(100)} == {1}
    seconds[0] = 0.9
    assert kept() == 1
    seconds[0] = 1.0
    assert kept() == 2

    def slow() -> int:
        seconds[0] += 3.0
        return len(made)

    kept = Kept(slow, clock=lambda: seconds[0])
    kept()
    before = seconds[0]
    seconds[0] += 11.9  # what takes 3 s is not made again for 12 s
    kept()
    assert seconds[0] == before + 11.9


def test_what_holds_a_connection_open_without_a_request_is_cut_off(study, reports, monkeypatch):
    monkeypatch.setattr(connection, "IDLE_SECONDS", 0.3)
    app = make_app(study, ReportKeeper(study), token=TOKEN)
    listening = _listen(0)
    server = uvicorn.Server(uvicorn.Config(app, http=connection.ShortConnection, ws="none", log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    half = b"GET /a-token/status.json HTTP/1.1\r\nHost: localhost\r\n"
    for sent in (b"", half, half + b"\r\n" + half):
        with socket.create_connection(listening.getsockname(), timeout=30) as client:
            client.sendall(sent)
            received = b""
            with contextlib.suppress(ConnectionResetError):
                while part := client.recv(65536):
                    received += part
            assert (b"200 OK" in received) is (b"\r\n\r\n" in sent)
    server.should_exit = True
    thread.join(timeout=30)
    assert not thread.is_alive()


def test_a_port_that_is_taken_is_named(cli, study, tmp_path, monkeypatch):
    monkeypatch.setenv("POOLSWEEP_OUTPUTS", str(tmp_path))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = cli("dashboard", "study", "--port", str(port))
    assert done.status == 2
    assert done.problems == [f"port {port} is taken, maybe by another dashboard; --port 0 takes one that is free"]
    assert cli("dashboard", "study", "--port", "99999").status == 2
    assert cli("dashboard", "no-such").status == 2
