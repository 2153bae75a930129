"""Nothing that a client was shown is lost: whoever dies or goes away, served is recorded."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from uuid import uuid4

import httpx
import msgspec
import pytest

from airuns.errors import Unavailable
from airuns.events import CallEvent, Outcome
from airuns.server.db.door import As, Database
from airuns.server.gateway import spool
from airuns.server.gateway.recording import Recording
from airuns.server.gateway.records import Begun, Ended
from airuns.server.gateway.spool import Spool
from tests.gateway.calling import (
    CHAT,
    asking,
    metrics,
    settled,
    task,
    task_of,
    text_of,
    unique,
)
from tests.people import ALICE
from tests.provider import Gate, Script, ScriptedProvider, Tokens
from tests.serving import Served, airuns, wait_until

Serve = Callable[..., Served]


def test_kill_9_loses_nothing_that_was_shown(
    serve: Serve, own_database_url: str, provider: ScriptedProvider
) -> None:
    """Under load, with a stream that is half shown; the next start records all of it, once."""
    gate = Gate()
    provider.script("half", Script(pieces=("one ", "two ", "three"), gate=gate))
    served = serve(AIRUNS_DATABASE_URL=own_database_url)
    shown: list[str] = []

    def load() -> None:
        with served.client(ALICE) as client:
            while True:
                try:
                    answer = client.post(CHAT, json=asking(unique()))
                except httpx.TransportError:
                    return
                shown.append(answer.headers["airuns-task-id"])

    loads = [threading.Thread(target=load) for _ in range(4)]
    with served.client(ALICE) as client:
        asked = asking(unique(), model="openai/half", stream=True)
        with client.stream("POST", CHAT, json=asked) as stream:
            for each in loads:
                each.start()
            gate.open(2)
            text = ""
            for piece in stream.iter_text():
                text += piece
                if "two" in text and len(shown) > 100:
                    break
                if "two" in text:
                    wait_until(lambda: len(shown) > 100, "load")
                    break
            served.kill()
    for each in loads:
        each.join()
    served.start()
    with served.client(ALICE) as client:
        half = task_of(client, stream.headers["airuns-task-id"])
        assert (half["status"], half["response_text"]) == ("error", "one two ")
        assert half["response_errors"]["code"] == "interrupted"
        wait_until(lambda: metrics(client)["spool_bytes"] == 0, "the spool", 30)
        for task_id in shown:
            assert task_of(client, task_id)["status"] == "completed"
        assert len(set(shown)) == len(shown)
        assert metrics(client)["recovered_total"] >= 1
    gate.open()


def test_the_database_goes_away_and_calls_go_on(serve: Serve, provider: ScriptedProvider) -> None:
    """PostgreSQL is killed under load; everything is recorded once it is back, in order."""
    served = serve()
    made = airuns(served.data_dir, "key", "create", "x").stdout
    head = {"authorization": f"Bearer {made.strip()}"}
    with served.client(headers=head) as client:
        first = unique()
        texts = [first, text_of(client.post(CHAT, json=asking(first)))]
        settled(served, client)
        pid = int((served.data_dir / "postgres" / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)
        answers: list[httpx.Response] = []
        for _ in range(5):
            texts.append(unique())
            answers.append(client.post(CHAT, json=asking(*texts)))
            texts.append(text_of(answers[-1]))
        wait_until(lambda: client.get("/readyz").is_success, "the database", 60)
        assert len({answer.headers["airuns-run-id"] for answer in answers}) == 1
        counts = settled(served, client)
        assert counts["recorded_total"] == counts["served_total"] == 6


@pytest.mark.parametrize("policy", ["drain", "stop"])
def test_the_client_goes_away(policy: str, alice: httpx.Client, provider: ScriptedProvider) -> None:
    gate = Gate()
    script = Script(pieces=("one ", "two ", "three"), gate=gate, usage=Tokens(input=7, output=3))
    provider.script(f"left-{policy}", script)
    before = len(provider.requests)
    asked = asking(unique(), model=f"openai/left-{policy}", stream=True)
    asked["stream_options"] = {"include_usage": True}
    head = {"airuns-on-disconnect": policy}
    gate.open(1)
    with alice.stream("POST", CHAT, json=asked, headers=head) as stream:
        for piece in stream.iter_text():
            if "one" in piece:
                break
    sent = provider.request(before)
    if policy == "stop":
        assert sent.disconnected.wait(10)
    gate.open()
    found = task(alice, stream)  # pyright: ignore
    if policy == "stop":
        assert (found["status"], found["response_text"]) == ("cancelled", "one ")
        assert found["usage_estimated"]
        assert found["response_metadata"]["gateway"]["client_gone"]
    else:
        assert sent.finished.wait(10)
        assert (found["status"], found["response_text"]) == ("completed", "one two three")
        assert (found["tokens_input"], found["usage_estimated"]) == (7, False)


def test_a_slow_client_is_waited_for(alice: httpx.Client) -> None:
    """Looking whether it has gone takes nothing of what it still sends."""
    said = unique()
    body = httpx.Request("POST", "http://x", json=asking(said)).content

    def slowly() -> Iterator[bytes]:
        for part in (body[:20], body[20:40], body[40:]):
            yield part
            threading.Event().wait(0.4)

    answer = alice.post(CHAT, content=slowly(), headers={"content-type": "application/json"})
    assert text_of(answer) == said


def test_an_answer_that_is_cut_is_cut_for_the_client_too(
    alice: httpx.Client, provider: ScriptedProvider
) -> None:
    provider.script("cut", Script(pieces=("one ", "two "), cut_after=1))
    asked = asking(unique(), model="openai/cut", stream=True)
    stream = alice.send(alice.build_request("POST", CHAT, json=asked), stream=True)
    with pytest.raises(httpx.RemoteProtocolError):
        stream.read()
    found = task(alice, stream)
    assert (found["status"], found["response_text"]) == ("error", "one ")


def test_the_first_token_is_not_the_first_byte(
    alice: httpx.Client, provider: ScriptedProvider
) -> None:
    """The provider's opening comes at once, its first token when it is let out."""
    gate = Gate()
    provider.script("waits", Script(pieces=("late",), gate=gate))
    asked = asking(unique(), model="openai/waits", stream=True)
    with alice.stream("POST", CHAT, json=asked) as stream:
        pieces = stream.iter_text()
        assert '"content": ""' in next(pieces)
        threading.Timer(0.3, gate.open).start()
        assert "late" in "".join(pieces)
    found = task(alice, stream)
    assert 0.25 < found["time_to_first_token"] <= found["total_time"]


def test_limits_of_time(serve: Serve, own_database_url: str) -> None:
    served = serve(
        AIRUNS_DATABASE_URL=own_database_url,
        AIRUNS_FIRST_TOKEN_TIMEOUT=0.3,
        AIRUNS_TOTAL_TIMEOUT=0.6,
    )
    with served.client(ALICE) as client:
        for stream, seconds in ((True, "0.3"), (False, "0.6")):
            asked = asking(unique(), model="openai/silent", stream=stream)
            answer = client.post(CHAT, json=asked)
            assert answer.status_code == 504
            assert f"within {seconds} seconds" in answer.json()["error"]["message"]
            assert task(client, answer)["status"] == "timeout"
        asked = asking(unique(), model="openai/silent", stream=True)
        answer = client.post(CHAT, json=asked, headers={"airuns-fallback": "openai/echo"})
        assert answer.status_code == 200


def _begun(request: bytes = b'{"model":"m"}') -> Begun:
    return Begun(
        id=uuid4(),
        user_id=ALICE.user_id,
        key_id=None,
        at=1.0,
        protocol="openai.chat",
        run_id=None,
        provider="openai",
        model="m",
        endpoint="http://x",
        source_type=None,
        source_id=None,
        name=None,
        tags=(),
        request=request,
    )


def _packed(what: Begun | Ended) -> bytes:
    return msgspec.msgpack.encode(what)


def test_a_spool_is_read_as_far_as_it_was_written(tmp_path: Path) -> None:
    """A call's frames may be in several files; the last frame may be cut off anywhere."""
    mine = Spool(tmp_path, uuid4())
    begun = _begun()
    mine.begin(1, _packed(begun))
    mine.write(b"P", 1, b"one ")
    second = mine.roll()
    mine.write(b"P", 1, b"two")
    mine.write(b"E", 1, _packed(Ended(http_status=200)))
    mine.begin(2, _packed(_begun()))
    mine.write(b"P", 2, b"half")
    [record] = mine.read(mine.roll(), second)
    assert (record.answer, record.begun, record.segment) == (b"one two", begun, 1)
    [folder] = (tmp_path / "spool").iterdir()
    whole = (folder / f"{second:08}").read_bytes()
    for cut in range(len(whole)):
        (folder / f"{second:08}").write_bytes(whole[:cut])
        found = list(spool.read_folder(folder))
        assert found[0].begun == begun
        assert found[0].answer in (b"one ", b"one two")
    mine.stored(1)
    assert not (folder / "00000001").exists()
    mine.stored(second)
    mine.close()
    assert not folder.exists()


async def test_a_long_absence_of_the_database_fills_the_disk_and_not_the_memory(
    db: Database, tmp_path: Path
) -> None:
    """All is brought in the order in which it ended, once, and the spool is empty at the end."""
    away = True
    taken: list[CallEvent] = []
    all_taken = asyncio.Event()
    begun = [_begun(b'{"model":"m","text":"%s"}' % (b"x" * 1000)) for _ in range(200)]

    async def take(_: As, events: Sequence[CallEvent]) -> Outcome:
        if away:
            raise Unavailable("The database is away.")
        taken.extend(events)
        if len(taken) == len(begun):
            all_taken.set()
        return Outcome(stored=len(events), waiting=0, refused=[])

    recording = Recording(tmp_path, uuid4(), take, db, most_held=20_000)
    recording.start()
    for call in map(recording.begin, begun):
        recording.piece(call, b'{"choices":[]}')
        recording.end(call, Ended(http_status=200))
    assert recording.held < 30_000
    assert recording.waiting == 200
    assert recording.spooled > 200_000
    away = False
    await asyncio.wait_for(all_taken.wait(), 30)
    assert [event.id for event in taken] == [one.id for one in begun]
    assert taken[-1].response == '{"choices":[]}'
    await recording.stop()
    assert not any((tmp_path / "spool").iterdir())
