"""Model calls over real HTTP, and every way in which they go wrong."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import aiohttp
import msgspec
import pytest

from airuns.server.models.call import Call, Endpoint, Protocol, ProviderError, Text, Timeouts, Usage
from airuns.server.models.transport import stream, url_of
from tests.models.calls import (
    KEY,
    PATIENT,
    call,
    end_of,
    opened,
    pieces_of,
    reasoning_of,
    text_of,
    tools_of,
)
from tests.provider import Failure, Gate, Script, ScriptedProvider, Tokens, Tool

both = pytest.mark.parametrize("protocol", ["openai", "anthropic"])
WEATHER = Tool(id="call_1", name="weather", arguments=('{"city":', '"Bern"}'))


def limits(**seconds: float) -> Timeouts:
    return msgspec.structs.replace(PATIENT, **seconds)


async def failure_of(
    provider: ScriptedProvider, model: str, protocol: Protocol, timeouts: Timeouts = PATIENT
) -> tuple[str, ProviderError]:
    """The text that came before the call failed, and the error."""
    text = ""
    try:
        async with opened(call(provider, model, protocol), timeouts) as pieces:
            async for piece in pieces:
                text += piece.text if isinstance(piece, Text) else ""
    except ProviderError as error:
        return text, error
    pytest.fail(f"{model} did not fail")


@both
async def test_an_answer_comes_whole_with_usage_and_info(
    provider: ScriptedProvider, protocol: Protocol
) -> None:
    pieces = await pieces_of(call(provider, "echo", protocol, temperature=0))
    assert text_of(pieces) == "one two three"
    end = end_of(pieces)
    assert end.usage == Usage(input=10, output=3)
    assert end.reason in ("stop", "end_turn")
    assert end.info["request_id"] == "req_scripted"
    assert end.info["model"] == "echo"
    sent = provider.requests[-1]
    assert sent.json["temperature"] == 0
    assert KEY in (sent.headers.get("x-api-key", "") + sent.headers.get("Authorization", ""))


@both
@pytest.mark.parametrize("whole", [False, True])
async def test_reasoning_tools_and_cached_tokens(
    provider: ScriptedProvider, protocol: Protocol, whole: bool
) -> None:
    tokens = Tokens(input=100, cache_read=50)
    script = Script(
        pieces=("a", "b"), reasoning=("h", "m"), tools=(WEATHER,), usage=tokens, whole=whole
    )
    provider.script("rich", script)
    pieces = await pieces_of(call(provider, "rich", protocol))
    assert (text_of(pieces), reasoning_of(pieces)) == ("ab", "hm")
    assert [(one.id, one.name) for one in tools_of(pieces)] == [("call_1", "weather")]
    assert msgspec.json.decode(tools_of(pieces)[0].arguments) == {"city": "Bern"}
    assert end_of(pieces).usage == Usage(input=100, output=2, cache_read=50)


@both
async def test_usage_that_the_provider_does_not_give_is_unknown(
    provider: ScriptedProvider, protocol: Protocol
) -> None:
    provider.script("silent about it", Script(pieces=("a",), usage=None))
    assert end_of(await pieces_of(call(provider, "silent about it", protocol))).usage is None


@both
@pytest.mark.parametrize("how", ["cut_after", "end_after"])
@pytest.mark.parametrize("pieces", [0, 1, 2])
async def test_a_stream_without_its_end_was_cut(
    provider: ScriptedProvider, protocol: Protocol, how: str, pieces: int
) -> None:
    provider.script("cut", Script(pieces=("a", "b"), **{how: pieces}))
    text, error = await failure_of(provider, "cut", protocol)
    assert text == "ab"[:pieces]
    assert "cut the stream" in error.message
    assert (error.kind, error.transient, error.request_id) == ("connection", True, "req_scripted")


@both
async def test_garbage_and_errors_within_the_stream(
    provider: ScriptedProvider, protocol: Protocol
) -> None:
    provider.script("garbage", Script(pieces=("a", "b"), garbage_after=1))
    text, error = await failure_of(provider, "garbage", protocol)
    assert (text, error.kind, error.transient) == ("a", "protocol", False)
    provider.script("error", Script(pieces=("a", "b"), error_after=1))
    text, error = await failure_of(provider, "error", protocol)
    assert (text, error.kind, error.transient) == ("a", "provider", True)
    assert error.message == "scripted error in the stream"


@both
async def test_an_event_cut_in_two_is_a_cut_and_no_garbage(
    provider: ScriptedProvider, protocol: Protocol
) -> None:
    provider.script("torn", Script(raw=(b'data: {"choices": [{"delta": {"cont',)))
    _, error = await failure_of(provider, "torn", protocol)
    assert error.kind == "connection"


async def test_a_web_page_in_place_of_an_answer(provider: ScriptedProvider) -> None:
    provider.script("page", Script(raw=(b"\n<!doctype html><p>Welcome",)))
    _, error = await failure_of(provider, "page", "openai")
    assert error.kind == "protocol"
    assert "base URL" in error.message


async def test_the_end_of_a_stream_may_lack_its_blank_line_or_its_mark(
    provider: ScriptedProvider,
) -> None:
    chunk = b'data: {"choices": [{"delta": {"content": "a"}, "finish_reason": "stop"}]}'
    provider.script("short", Script(raw=(b": hello\r\n\r\ndata:\n\n", chunk[:30], chunk[30:])))
    pieces = await pieces_of(call(provider, "short"))
    assert (text_of(pieces), end_of(pieces).reason) == ("a", "stop")


@both
@pytest.mark.parametrize(
    ("status", "transient"),
    [(400, False), (401, False), (404, False), (408, True), (429, True), (500, True), (529, True)],
)
async def test_http_errors_keep_what_the_provider_said(
    provider: ScriptedProvider, protocol: Protocol, status: int, transient: bool
) -> None:
    told = Failure(status=status, message="No.", code="why", retry_after="7", request_id="req_1")
    provider.script("fails", Script(failures=(told,)))
    _, error = await failure_of(provider, "fails", protocol)
    assert (error.message, error.status, error.code) == ("No.", status, "why")
    assert (error.request_id, error.retry_after) == ("req_1", 7.0)
    assert (error.kind, error.transient) == ("provider", transient)


async def test_the_id_of_a_request_may_be_no_text() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 500 No\r\nx-request-id: r\xff\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1") as server:
        url = "http://{}:{}".format(*server.sockets[0].getsockname())
        endpoint = Endpoint(name="odd", protocol="openai", base_url=url)
        with pytest.raises(ProviderError) as caught:
            await pieces_of(Call(endpoint=endpoint, model="m", messages=[], settings={}))
    assert caught.value.request_id == "r\ufffd"


async def test_retry_after_may_be_a_date(provider: ScriptedProvider) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    for header, least, most in ((later, 90, 100), ("Tue, 01 Jan 2019 00:00:00 GMT", 0, 0)):
        provider.script("busy", Script(failures=(Failure(status=429, retry_after=header),)))
        _, error = await failure_of(provider, "busy", "openai")
        assert error.retry_after is not None
        assert least <= error.retry_after <= most
    provider.script("busy", Script(failures=(Failure(status=429, retry_after="soon"),)))
    assert (await failure_of(provider, "busy", "openai"))[1].retry_after is None


@pytest.mark.parametrize(
    ("body", "message", "code"),
    [
        (b'[{"error": {"code": 400, "message": "Bad", "status": "X"}}]', "Bad", "400"),
        (b'{"object": "error", "message": "Bad", "type": "t", "code": null}', "Bad", "t"),
        (b'{"detail": [{"msg": "Bad", "type": "extra"}]}', "Bad", "extra"),
        (b'{"message": {"detail": [{"msg": "Bad"}]}, "code": "c"}', "Bad", "c"),
        (b'{"error": "Bad"}', "Bad", None),
        (b'{"detail": "Bad"}', "Bad", None),
        (b"Bad \x00\n", "Bad \ufffd", None),
        (b"", "The provider answered with status 400.", None),
        (b"{}", "The provider answered with status 400.", None),
        (b'{"error":' * 500 + b"1" + b"}" * 500, None, None),
    ],
)
async def test_every_shape_of_error_body(
    provider: ScriptedProvider, body: bytes, message: str | None, code: str | None
) -> None:
    provider.script("shape", Script(failures=(Failure(status=400, body=body),)))
    _, error = await failure_of(provider, "shape", "openai")
    assert message is None or error.message == message
    assert error.code == code


async def test_an_empty_account_is_not_worth_another_try(provider: ScriptedProvider) -> None:
    broke = Failure(status=429, code="insufficient_quota")
    provider.script("broke", Script(failures=(broke,)))
    assert not (await failure_of(provider, "broke", "openai"))[1].transient


@both
async def test_a_key_that_the_provider_repeats_is_not_shown(
    provider: ScriptedProvider, protocol: Protocol
) -> None:
    wrong = Failure(status=401, message=f"Incorrect API key provided: {KEY}.")
    provider.script("wrong", Script(failures=(wrong,)))
    _, refused = await failure_of(provider, "wrong", protocol)
    provider.script("rude", Script(raw=(b'data: {"error": "' + KEY.encode() + b'"}\n\n',)))
    _, told = await failure_of(provider, "rude", "openai")
    for error in (refused, told):
        assert "(key)" in error.message
        assert KEY not in f"{error} {error!r} {error.args} {error.__dict__}"


@both
async def test_the_limit_of_the_first_token(provider: ScriptedProvider, protocol: Protocol) -> None:
    provider.script("head only", Script(pieces=("a",), gate=Gate()))
    for model in ("silent", "head only"):
        _, error = await failure_of(provider, model, protocol, limits(first_token=0.05))
        assert error.kind == "timeout"
        assert error.code == "first_token_timeout"
        assert error.message == "The model sent no first token within 0.05 seconds."


@both
async def test_the_limit_between_two_pieces(provider: ScriptedProvider, protocol: Protocol) -> None:
    provider.script("stalls", Script(pieces=("a", "b"), gate=(gate := Gate())))
    gate.open(1)
    text, error = await failure_of(provider, "stalls", protocol, limits(between_tokens=0.05))
    assert text == "a"
    assert (error.kind, error.code) == ("timeout", "between_tokens_timeout")
    assert error.message == "The model stopped sending for 0.05 seconds."


async def test_keeping_the_connection_alive_is_no_answer(provider: ScriptedProvider) -> None:
    pings = (b": ping\n\n", b'event: ping\ndata: {"type": "ping"}\n\n')
    provider.script("pings", Script(raw=pings * 100, delay=0.01))
    for protocol in ("openai", "anthropic"):
        _, error = await failure_of(provider, "pings", protocol, limits(first_token=0.1))
        assert error.code == "first_token_timeout"


async def test_the_limit_of_the_whole_answer(provider: ScriptedProvider) -> None:
    text, error = await failure_of(provider, "endless:1", "openai", limits(total=0.1))
    assert text.startswith("word0 word1 ")
    assert (error.kind, error.code) == ("timeout", "total_timeout")
    assert error.message == "The model's answer took more than 0.1 seconds."


async def test_a_slow_reader_is_not_a_slow_provider(provider: ScriptedProvider) -> None:
    provider.script("gated", Script(pieces=("a", "b"), gate=(gate := Gate())))
    async with opened(call(provider, "gated"), limits(between_tokens=0.05)) as pieces:
        gate.open(1)
        assert await anext(pieces) == Text("a")
        await asyncio.to_thread(threading.Event().wait, 0.15)
        gate.open()
        assert await anext(pieces) == Text("b")


async def test_a_provider_that_cannot_be_reached(provider: ScriptedProvider) -> None:
    for url, transient in (
        ("http://127.0.0.1:1/v1", True),
        ("http://nowhere.invalid", True),
        ("not a url", False),
        ("ftp://127.0.0.1/v1", False),
    ):
        endpoint = Endpoint(name="away", protocol="openai", base_url=url, key=KEY)
        asked = msgspec.structs.replace(call(provider, "echo"), endpoint=endpoint)
        with pytest.raises(ProviderError, match="away could not be reached") as caught:
            await pieces_of(asked)
        assert (caught.value.kind, caught.value.transient) == ("connection", transient)
        assert KEY not in repr(caught.value)


async def test_a_key_that_is_no_header(provider: ScriptedProvider) -> None:
    endpoint = Endpoint(name="p", protocol="openai", base_url=provider.url, key="two\r\nlines")
    asked = msgspec.structs.replace(call(provider, "echo"), endpoint=endpoint)
    with pytest.raises(ProviderError) as caught:
        await pieces_of(asked)
    assert "two" not in str(caught.value)


async def test_connecting_has_its_own_limit(provider: ScriptedProvider) -> None:
    class Never(aiohttp.abc.AbstractResolver):
        async def resolve(self, *_: Any, **__: Any) -> Any:
            await asyncio.Event().wait()

        async def close(self) -> None: ...

    endpoint = Endpoint(name="p", protocol="openai", base_url="http://slow.invalid/v1", key=KEY)
    asked = msgspec.structs.replace(call(provider, "echo"), endpoint=endpoint)
    connector = aiohttp.TCPConnector(resolver=Never())
    async with aiohttp.ClientSession(connector=connector) as session:
        with pytest.raises(ProviderError) as caught:
            await anext(stream(asked, session, limits(connect=0.05)))
    assert (caught.value.code, caught.value.transient) == ("connect_timeout", True)
    assert caught.value.message == "The provider could not be reached within 0.05 seconds."


@both
async def test_closing_the_generator_closes_the_connection(
    provider: ScriptedProvider, protocol: Protocol
) -> None:
    provider.script("held", Script(pieces=("a", "b"), gate=(gate := Gate())))
    gate.open(1)
    number = len(provider.requests)
    async with opened(call(provider, "held", protocol)) as pieces:
        await anext(pieces)
        request = provider.request(number)
        assert not request.disconnected.is_set()
        await pieces.aclose()
        assert await asyncio.to_thread(request.disconnected.wait, 5)


@both
@pytest.mark.parametrize("model", ["silent", "held"])
async def test_cancelling_the_reader_closes_the_connection(
    provider: ScriptedProvider, protocol: Protocol, model: str
) -> None:
    provider.script("held", Script(pieces=("a",), gate=Gate()))
    number = len(provider.requests)
    reading = asyncio.create_task(pieces_of(call(provider, model, protocol)))
    request = await asyncio.to_thread(provider.request, number)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert await asyncio.to_thread(request.disconnected.wait, 5)


async def test_a_connection_is_used_again(provider: ScriptedProvider) -> None:
    made: list[int] = []
    trace = aiohttp.TraceConfig()

    async def note(*_: Any) -> None:
        made.append(1)

    trace.on_connection_create_end.append(note)
    async with aiohttp.ClientSession(trace_configs=[trace]) as session:
        for _ in range(5):
            pieces = [piece async for piece in stream(call(provider, "echo"), session, PATIENT)]
            assert text_of(pieces) == "one two three"
    assert len(made) == 1


async def test_two_hundred_streams_at_once_are_each_exact(provider: ScriptedProvider) -> None:
    answers = await asyncio.gather(*(pieces_of(call(provider, "text:50")) for _ in range(200)))
    wanted = "".join(f"word{number} " for number in range(50))
    assert all(text_of(pieces) == wanted for pieces in answers)


def test_an_address_keeps_its_query() -> None:
    def at(base_url: str) -> str:
        endpoint = Endpoint(name="p", protocol="openai", base_url=base_url)
        return str(url_of(endpoint, "chat/completions"))

    assert at("https://x/v1") == at("https://x/v1/") == "https://x/v1/chat/completions"
    assert at("https://x/a?api-version=1") == "https://x/a/chat/completions?api-version=1"
