"""Whatever becomes of the server, the disk or the program: nothing blocks, raises or is lost."""

import logging
import signal
import sqlite3
import threading
import time
from pathlib import Path

import pytest

import airuns
from airuns.client.spool import Lock
from tests.client.conftest import Program
from tests.client.receiver import Answer, Receiver
from tests.serving import wait_until


def contents(receiver: Receiver) -> list[str]:
    return [event["message"]["content"] for event in receiver.events if event["type"] == "message"]


def say(count: int, first: int = 0) -> None:
    run = airuns.resume("018f6b1e-0000-7000-8000-000000000000")
    for number in range(first, first + count):
        run.add_message("user", f"message {number}")


def said(count: int) -> list[str]:
    return [f"message {number}" for number in range(count)]


def test_events_arrive_in_their_order_with_the_key(sdk: Receiver, tmp_path: Path) -> None:
    say(1200)
    assert airuns.flush(10)
    assert contents(sdk) == said(1200)
    assert sdk.keys == {"Bearer air_x"}
    assert not list(tmp_path.rglob("*.spool"))


def test_what_a_killed_program_left_the_next_one_delivers(
    receiver: Receiver, program: Program
) -> None:
    away = "http://127.0.0.1:1"
    code = """
        run = airuns.resume("018f6b1e-0000-7000-8000-000000000000")
        for number in range({first}, {first} + 50):
            run.add_message("user", f"message {{number}}")
        {end}
    """
    kill = "os.kill(os.getpid(), 9)"
    gate = threading.Event()
    receiver.answer = lambda batch: Answer(None) if not gate.is_set() else None
    killed = [
        program(code.format(first=0, end=kill), receiver.url),  # as soon as the last is handed over
        program(code.format(first=50, end="airuns.flush(0.5); " + kill), receiver.url),
    ]
    assert [each.returncode for each in killed] == [-signal.SIGKILL] * 2
    assert program(code.format(first=0, end=""), away).returncode == 0  # of another server
    assert receiver.events == []
    gate.set()
    later = program(code.format(first=100, end=""), receiver.url)
    assert (later.returncode, later.stderr) == (0, "")
    assert contents(receiver) == said(150)


def test_what_was_recorded_while_the_server_was_away_arrives_once_it_is_back(
    tmp_path: Path,
) -> None:
    with Receiver() as receiver:
        airuns.configure(
            url=receiver.url, api_key="air_x", disabled=False, queue_dir=tmp_path / "queue"
        )
        say(3)
        assert not airuns.flush(0.2)
        receiver.start()
        assert airuns.flush(10)
        assert contents(receiver) == said(3)
        airuns.configure(disabled=True)


def test_a_server_that_stumbles_is_tried_again(sdk: Receiver) -> None:
    sdk.answers = [Answer(500), Answer(503), Answer(502), Answer(401)]
    say(3)
    wait_until(lambda: airuns.flush(0.2))  # a new flush does not wait out the delays, which grow
    assert sorted(contents(sdk)) == said(3)


def test_a_server_that_asks_to_wait_is_not_asked_sooner(sdk: Receiver) -> None:
    sdk.answers = [Answer(429, retry_after="1")]
    say(1)
    assert not airuns.flush(0.3)
    assert airuns.flush(10)
    assert sdk.times[1] - sdk.times[0] >= 1


def test_a_refused_event_is_kept_apart_and_the_reason_is_logged(
    sdk: Receiver, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sdk.refuse = lambda event: "bad role" if event["message"]["content"] == "message 1" else None
    say(3)
    assert airuns.flush(10)
    assert contents(sdk) == ["message 0", "message 2"]
    assert "bad role" in caplog.text
    [queue] = tmp_path.rglob("queue.db")
    with sqlite3.connect(queue) as db:
        assert db.execute("select reason from refused").fetchall() == [("bad role",)]
        assert db.execute("select count(*) from events").fetchone() == (0,)
    db.close()


@pytest.mark.parametrize("status", [413, 422, 500])
def test_an_event_that_a_batch_fails_by_does_not_hold_up_the_others(
    status: int, sdk: Receiver
) -> None:
    def fail(batch: list[dict[str, object]]) -> Answer | None:
        texts = [str(event["message"]) for event in batch]
        return Answer(status) if any("message 5'" in text for text in texts) else None

    sdk.answer = fail
    say(10)
    wait_until(lambda: airuns.flush(0.01) or len(contents(sdk)) == 9, "the other events")
    assert sorted(contents(sdk)) == [text for text in said(10) if text != "message 5"]


def test_flush_ends_in_time_when_the_server_is_silent(sdk: Receiver) -> None:
    sdk.answer = lambda batch: Answer(None)
    say(1)
    began = time.monotonic()
    assert not airuns.flush(0.2)
    assert time.monotonic() - began < 2
    sdk.ending.set()


def test_one_process_delivers_at_a_time(sdk: Receiver, tmp_path: Path) -> None:
    say(1)
    assert airuns.flush(10)
    [path] = tmp_path.rglob("send.lock")
    other = Lock(path)
    wait_until(other.take)
    say(1, first=1)
    assert not airuns.flush(0.3)
    other.release()
    assert airuns.flush(10)
    assert contents(sdk) == said(2)


def test_threads_record_at_once(sdk: Receiver) -> None:
    threads = [threading.Thread(target=say, args=[50, 50 * n]) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert airuns.flush(10)
    assert sorted(contents(sdk)) == sorted(said(400))


def test_a_forked_child_records_and_the_end_of_a_program_delivers(
    receiver: Receiver, program: Program
) -> None:
    done = program(
        """
        run = airuns.run("before the fork")
        child = os.fork()
        run.add_message("user", "child" if child == 0 else "parent")
        if child == 0:
            import sys
            assert airuns.flush(10)
            assert "httpx" not in sys.modules  # openai would see it half imported
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        """,
        receiver.url,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(contents(receiver)) == ["child", "parent"]
    ids = [event["id"] for event in receiver.events]
    assert len(ids) == len(set(ids)) == 3


def test_a_full_disk_takes_events_but_not_the_program(receiver: Receiver, program: Program) -> None:
    done = program(
        """
        import logging, resource
        logging.basicConfig()
        resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
        run = airuns.run("much")
        for number in range(20):
            run.add_message("user", "x" * 1000)
        print("went on")
        """,
        receiver.url,
    )
    assert (done.returncode, done.stdout) == (0, "went on\n")
    assert done.stderr.count("An event is lost") == 1


def test_a_folder_that_cannot_be_used_is_replaced_by_one_for_temporary_files(
    receiver: Receiver, program: Program, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    done = program(
        "airuns.run('somewhere'); assert airuns.flush(10)",
        receiver.url,
        AIRUNS_QUEUE_DIR=tmp_path / "file" / "queue",
        TMPDIR=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert [event["name"] for event in receiver.events] == ["somewhere"]
    assert list(tmp_path.glob("airuns-queue-*"))


def test_a_full_queue_takes_nothing_new(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with Receiver() as receiver:
        airuns.configure(
            url=receiver.url,
            api_key="air_x",
            disabled=False,
            queue_dir=tmp_path / "queue",
            max_queue=3000,
        )
        say(100)
        assert "The queue is full" in caplog.text
        airuns.configure(max_queue=10_000_000)
        receiver.start()
        assert airuns.flush(10)
        assert contents(receiver) == said(len(contents(receiver)))
        assert 5 < len(contents(receiver)) < 50
        airuns.configure(disabled=True)


def test_a_broken_queue_file_is_put_aside(sdk: Receiver, tmp_path: Path) -> None:
    say(1)
    assert airuns.flush(10)
    airuns.configure()
    [queue] = tmp_path.rglob("queue.db")
    wait_until(lambda: not queue.with_name("queue.db-wal").exists(), "the thread's end")
    queue.write_bytes(b"no database " * 1000)
    say(1, first=1)
    assert airuns.flush(10)
    assert contents(sdk) == said(2)
    assert len(list(tmp_path.rglob("queue.broken-*"))) == 1


@pytest.mark.parametrize("missing", ["AIRUNS_URL", "AIRUNS_API_KEY", None])
def test_without_a_server_or_disabled_nothing_happens_and_the_log_says_so_once(
    missing: str | None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    given = {"AIRUNS_URL": "http://127.0.0.1:1", "AIRUNS_API_KEY": "air_x"}
    threads = threading.active_count()
    airuns.configure(
        url="" if missing == "AIRUNS_URL" else given["AIRUNS_URL"],
        api_key="" if missing == "AIRUNS_API_KEY" else given["AIRUNS_API_KEY"],
        disabled=missing is None,
        queue_dir=tmp_path / "queue",
    )
    caplog.set_level(logging.INFO)
    say(3)
    assert airuns.flush(0)
    assert not list(tmp_path.iterdir())
    assert threading.active_count() <= threads
    [record] = caplog.records
    assert (missing or "AIRUNS_DISABLED") in record.message
    airuns.configure(disabled=True)


def test_importing_is_cheap_and_says_what_there_is(program: Program) -> None:
    done = program(
        """
        import sys, threading
        heavy = {"httpx", "sqlite3", "msgspec", "asyncio", "openai", "airuns.server"}
        heavy &= set(sys.modules)
        assert not heavy, heavy
        assert threading.active_count() == 1
        assert {name for name in airuns.__all__ if not hasattr(airuns, name)} == set()
        assert set(airuns.__all__) <= set(dir(airuns))
        try:
            airuns.nothing
        except AttributeError as error:
            assert "nothing" in str(error)
        """,
        "http://127.0.0.1:1",
    )
    assert done.returncode == 0, done.stderr


def test_a_client_that_does_not_know_its_server_says_what_to_set(program: Program) -> None:
    done = program(
        """
        try:
            airuns.Client()
        except airuns.errors.InvalidInput as error:
            assert "AIRUNS_URL" in str(error)
        else:
            raise AssertionError
        """,
        "",
    )
    assert done.returncode == 0, done.stderr
