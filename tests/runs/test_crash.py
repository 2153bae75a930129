"""Nothing that was shown is lost by a crash."""

import os
import signal
from collections.abc import Callable
from decimal import Decimal

import httpx
import psycopg

from tests.people import ALICE
from tests.provider import Gate, Script, ScriptedProvider
from tests.runs.calling import execute, get, sse, user
from tests.serving import Served, airuns, wait_until

PIECES = tuple(f"piece {n} häß 😀 " for n in range(20))


def test_kill_9_in_mid_stream_loses_nothing_that_was_shown(
    serve: Callable[..., Served], own_database_url: str, provider: ScriptedProvider
) -> None:
    gate = Gate()
    provider.script("killed", Script(pieces=PIECES, gate=gate))
    server = serve(AIRUNS_DATABASE_URL=own_database_url)
    shown, task_id, run_id = "", "", ""
    with server.client(ALICE) as client:
        body = {"model": "openai/killed", "messages": [user("go")], "stream": True}
        with client.stream("POST", "/api/prompt/run", json=body) as response:
            try:
                for event in sse(response):
                    gate.open(1)
                    if event.name == "task.started":
                        task_id, run_id = event["task_id"], event["run_id"]
                    else:
                        shown += event["text"]
                    if len(shown) >= len("".join(PIECES[:7])):
                        server.kill()
            except httpx.TransportError:
                pass
    assert shown
    gate.open()
    server.start()
    with server.client(ALICE) as client:
        task = get(client, f"/api/tasks/{task_id}")
        assert task["status"] == "error"
        assert task["response_errors"]["code"] == "interrupted"
        assert task["response_text"].startswith(shown)
        assert task["usage_estimated"] is True
        run = get(client, f"/api/runs/{run_id}")
        assert run["messages"][-1]["content"] == task["response_text"]
        assert run["running_tasks"] == []
        assert not list((server.data_dir / "journal").glob("*/*.*"))
        retried = client.post(f"/api/tasks/{task_id}/retry").json()
        assert retried["response_text"] == "".join(PIECES)


def test_shutdown_lets_answers_end_and_interrupts_those_that_do_not(
    serve: Callable[..., Served], own_database_url: str, provider: ScriptedProvider
) -> None:
    quick, slow = Gate(), Gate()
    provider.script("quick", Script(pieces=("all ", "of it"), gate=quick))
    provider.script("slow", Script(pieces=("some ", "more"), gate=slow))
    server = serve(AIRUNS_DATABASE_URL=own_database_url, AIRUNS_SHUTDOWN_GRACE=2)
    tasks: dict[str, str] = {}
    with server.client(ALICE) as client:
        for model in ("quick", "slow"):
            body = {"model": f"openai/{model}", "messages": [user("go")], "stream": True}
            with client.stream("POST", "/api/prompt/run", json=body) as response:
                tasks[model] = next(sse(response))["task_id"]
        quick.open(1)
        slow.open(1)
        for task_id in tasks.values():
            wait_until(
                lambda task_id=task_id: get(client, f"/api/tasks/{task_id}")["response_text"]
            )
    server.process.send_signal(signal.SIGTERM)
    quick.open()
    assert server.process.wait(30) == 0
    server.start()
    with server.client(ALICE) as client:
        ended = {name: get(client, f"/api/tasks/{task}") for name, task in tasks.items()}
    assert (ended["quick"]["status"], ended["quick"]["response_text"]) == ("completed", "all of it")
    assert ended["slow"]["response_errors"]["code"] == "interrupted"
    assert ended["slow"]["response_text"] == "some "


def test_a_task_of_a_silent_process_elsewhere_is_interrupted(
    serve: Callable[..., Served], own_database_url: str, provider: ScriptedProvider
) -> None:
    gate = Gate()
    provider.script("elsewhere", Script(pieces=("some ", "more"), gate=gate))
    first = serve(AIRUNS_DATABASE_URL=own_database_url, AIRUNS_LEASE=2)
    other = serve(AIRUNS_DATABASE_URL=own_database_url, AIRUNS_LEASE=2)
    with first.client(ALICE) as client, other.client(ALICE) as elsewhere:
        body = {"model": "openai/elsewhere", "messages": [user("go")], "stream": True}
        with client.stream("POST", "/api/prompt/run", json=body) as response:
            task_id = next(sse(response))["task_id"]
        gate.open(1)
        wait_until(lambda: get(elsewhere, f"/api/tasks/{task_id}")["response_text"] == "some ")
        assert get(elsewhere, f"/api/tasks/{task_id}")["status"] == "streaming"
        first.kill()
        wait_until(lambda: get(elsewhere, f"/api/tasks/{task_id}")["status"] == "error")
        task = get(elsewhere, f"/api/tasks/{task_id}")
        assert task["response_errors"]["code"] == "interrupted"
        assert task["response_text"] == "some "


def test_stop_and_follow_work_from_another_process(
    serve: Callable[..., Served], own_database_url: str, provider: ScriptedProvider
) -> None:
    gate = Gate()
    provider.script("far", Script(pieces=("some ", "more"), gate=gate))
    first = serve(AIRUNS_DATABASE_URL=own_database_url)
    other = serve(AIRUNS_DATABASE_URL=own_database_url)
    with first.client(ALICE) as client, other.client(ALICE) as elsewhere:
        body = {"model": "openai/far", "messages": [user("go")], "stream": True}
        with client.stream("POST", "/api/prompt/run", json=body) as response:
            task_id = next(sse(response))["task_id"]
        gate.open(1)
        with elsewhere.stream("GET", f"/api/tasks/{task_id}/events") as response:
            events = sse(response)
            assert next(events).name == "task.started"
            assert next(events)["text"] == "some "
            stopped = client.post(f"/api/tasks/{task_id}/cancel").json()
            assert next(events).name == "task.cancelled"
        assert stopped["status"] == "cancelled"


def test_the_database_restarts_under_load_and_the_server_recovers(
    serve: Callable[..., Served], provider: ScriptedProvider
) -> None:
    """On the embedded PostgreSQL, killed as a whole while answers stream."""
    gate = Gate()
    provider.script("loaded", Script(pieces=PIECES, gate=gate))
    server = serve()
    key = new_key(server)
    with httpx.Client(base_url=server.url, headers=key, timeout=30) as client:
        tasks: list[str] = []
        for _ in range(5):
            body = {"model": "openai/loaded", "messages": [user("go")], "stream": True}
            with client.stream("POST", "/api/prompt/run", json=body) as response:
                tasks.append(next(sse(response))["task_id"])
        gate.open(5)
        kill_postgres(server)
        gate.open()
        wait_until(lambda: all(ended(client, task_id) for task_id in tasks), timeout=40)
        for task_id in tasks:
            assert get(client, f"/api/tasks/{task_id}")["response_text"] == "".join(PIECES)
        result = execute(client, messages=[user("after")], model="openai/echo")
        assert result["status"] == "completed"
        run = get(client, f"/api/runs/{result['run_id']}")
        assert run["total_cost"] is None or Decimal(run["total_cost"]) >= 0


def ended(client: httpx.Client, task_id: str) -> bool:
    answer = client.get(f"/api/tasks/{task_id}")
    return answer.status_code == 200 and answer.json()["status"] == "completed"


def new_key(server: Served) -> dict[str, str]:
    made = airuns(server.data_dir, "key", "create", "test")
    assert made.returncode == 0, made.stderr
    return {"Authorization": f"Bearer {made.stdout.strip()}"}


def kill_postgres(server: Served) -> None:
    """kill -9 the server's PostgreSQL, as the kernel does when memory runs out."""
    pid = int((server.data_dir / "postgres" / "postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGKILL)


def test_shutdown_ends_with_the_database_away_and_a_viewer_connected(
    serve: Callable[..., Served], provider: ScriptedProvider
) -> None:
    gate = Gate()
    provider.script("stuck-end", Script(pieces=("kept ", "text"), gate=gate))
    server = serve(AIRUNS_SHUTDOWN_GRACE=1, AIRUNS_MAX_RUNNING=5)
    with httpx.Client(base_url=server.url, headers=new_key(server), timeout=60) as client:
        body = {"model": "openai/stuck-end", "messages": [user("go")], "stream": True}
        with client.stream("POST", "/api/prompt/run", json=body) as response:
            events = sse(response)
            task_id = next(events)["task_id"]
            gate.open(1)
            assert next(events)["text"] == "kept "
            kill_postgres(server)
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(40) == 0
        server.start()
        task = get(client, f"/api/tasks/{task_id}")
        assert task["response_text"] == "kept "
        assert task["response_errors"]["code"] == "interrupted"


def test_a_process_that_only_pauses_is_not_taken_for_dead_on_its_own_machine(
    serve: Callable[..., Served], own_database_url: str, provider: ScriptedProvider
) -> None:
    gate = Gate()
    provider.script("paused", Script(pieces=("a", "b", "c"), gate=gate))
    env = {"AIRUNS_DATABASE_URL": own_database_url, "AIRUNS_LEASE": 1}
    paused = serve(**env)
    other = serve(paused.data_dir, **env)
    with paused.client(ALICE) as client, other.client(ALICE) as witness:
        body = {"model": "openai/paused", "messages": [user("go")], "stream": True}
        with client.stream("POST", "/api/prompt/run", json=body) as response:
            task_id = next(sse(response))["task_id"]
        gate.open(1)
        wait_until(lambda: get(witness, f"/api/tasks/{task_id}")["response_text"] == "a")
        paused.process.send_signal(signal.SIGSTOP)
        try:
            marks = [get(witness, f"/api/tasks/{task_id}")["updated_at"]]
            wait_until(lambda: silent_for(own_database_url) > 3, timeout=20)
            marks.append(get(witness, f"/api/tasks/{task_id}")["updated_at"])
        finally:
            paused.process.send_signal(signal.SIGCONT)
        assert marks[0] == marks[1]
        gate.open()
        wait_until(lambda: get(witness, f"/api/tasks/{task_id}")["status"] == "completed")
        assert get(witness, f"/api/tasks/{task_id}")["response_text"] == "abc"


def silent_for(url: str) -> float:
    """Return how long the most silent process has been silent, in seconds."""
    with psycopg.connect(url) as connection:
        connection.execute("set local role airuns_service")
        row = connection.execute(
            "select extract(epoch from max(now() - seen_at)) from airuns.server_processes"
        ).fetchone()
    return float(row[0]) if row and row[0] is not None else 0
