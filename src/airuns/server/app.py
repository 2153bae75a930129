"""Assembles the application from a visible list of features."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import aiohttp
import socketio  # pyright: ignore[reportMissingTypeStubs]  # it has none
from litestar import Litestar, Router, get
from litestar.datastructures import State
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from airuns import __version__
from airuns.errors import Unavailable
from airuns.server import metrics, problems, ui
from airuns.server.accounts import feature as accounts
from airuns.server.accounts.guard import AuthMiddleware, Guard, current_identity, current_user
from airuns.server.attachments import feature as attachments
from airuns.server.budgets import feature as budgets
from airuns.server.db.door import SERVICE, Database
from airuns.server.expected import refuse_unknown
from airuns.server.exports import feature as exports
from airuns.server.exports.jobs import Exporter
from airuns.server.gateway import feature as gateway
from airuns.server.gateway.app import Gateway
from airuns.server.given import GivenDatabase
from airuns.server.models import embedding
from airuns.server.models import feature as models
from airuns.server.models.local import LocalModel
from airuns.server.money import Usd, plain
from airuns.server.otlp import feature as otlp
from airuns.server.otlp.taking import Intake
from airuns.server.prompts import feature as prompts
from airuns.server.recorder import feature as recorder
from airuns.server.recorder.recorder import Recorder
from airuns.server.retention import feature as retention
from airuns.server.retention.upkeep import Upkeep
from airuns.server.runs import feature as runs
from airuns.server.runs.api.execute import GivenEngine
from airuns.server.runs.engine import Engine
from airuns.server.runs.live import Live
from airuns.server.search import feature as search
from airuns.server.search.indexer import Indexer
from airuns.server.search.meaning import Meanings
from airuns.server.settings import Settings
from airuns.server.ui import components
from airuns.server.ui.static import static_file
from airuns.server.usage import feature as usage
from airuns.server.usage.keeping import Folding

if TYPE_CHECKING:
    from airuns.server.otlp.ours import Tracing

FEATURES = (
    accounts,
    attachments,
    budgets,
    exports,
    gateway,
    models,
    otlp,
    prompts,
    recorder,
    retention,
    runs,
    search,
    usage,
)

OPENAPI = OpenAPIConfig(
    title="AI Runs",
    version=__version__,
    use_handler_docstrings=True,
    components=Components(security_schemes={"key": SecurityScheme(type="http", scheme="bearer")}),
    security=[{"key": []}],
    render_plugins=[ui.Docs(), JsonRenderPlugin()],
    openapi_router=Router("/docs", route_handlers=[], opt={"public": True}),
)


@get("/healthz", opt={"public": True}, sync_to_thread=False, tags=["operation"])
def healthz() -> dict[str, str]:
    """Say that the process runs."""
    return {"status": "ok"}


@get("/readyz", opt={"public": True}, tags=["operation"])
async def readyz(db: GivenDatabase, engine: GivenEngine) -> dict[str, str]:
    """Say that requests can be served: the database answers and the server stays up."""
    if engine.is_stopping:
        raise Unavailable("The server is shutting down.")
    async with db.transaction(SERVICE) as tx:
        await tx.value("select 1")
    return {"status": "ready"}


def create_app(
    settings: Settings, local: LocalModel | None, embedder: LocalModel | None = None
) -> Gateway:
    """Return the ASGI application, the gateway and Socket.IO included.

    The caller has migrated the database that `settings.database_url` names and has started the
    local model and the one that embeds, if any. Raises StartError.
    """
    assert settings.database_url is not None
    db = Database(settings.database_url, settings.database_pool)
    state = State({"settings": settings, "db": db, "local": local, "guard": Guard(settings, db)})
    live = Live(state)
    state.news = live.news
    state.recorder = Recorder(db, live.news)
    state.intake = Intake(db, state.recorder)
    state.tracing = _tracing(settings, state.recorder)
    state.exporter = Exporter(settings, db, live.news)
    state.indexer = Indexer(db)
    state.meanings = Meanings(settings, db, embedding.chosen(settings, embedder))
    state.upkeep = Upkeep(db, live.news, settings.data_dir)
    state.folding = Folding(db)
    live.news.heard_by(state.indexer.wake)

    app = Litestar(
        route_handlers=[
            healthz,
            readyz,
            metrics.route(partial(_metrics, state), is_public=settings.public_metrics),
            static_file,
            *(components.routes if settings.dev else []),
            *(route for feature in FEATURES for route in feature.routes),
        ],
        dependencies=_dependencies(state),
        exception_handlers=problems.HANDLERS,
        middleware=[AuthMiddleware],
        guards=[refuse_unknown],
        lifespan=[partial(_running, live=live, local=local)],
        state=state,
        type_encoders={Usd: plain},
        request_max_body_size=settings.max_body,
        compression_config=ui.COMPRESSION,
        before_send=[ui.secure],
        template_config=ui.template_config(),
        openapi_config=OPENAPI,
    )
    state.gateway = Gateway(state, socketio.ASGIApp(live.server, app))
    return state.gateway


def _tracing(settings: Settings, recorder: Recorder) -> "Tracing | None":
    if settings.otlp_endpoint is None:
        return None
    from airuns.server.otlp.ours import Tracing  # which takes long to import

    tracing = Tracing(settings.otlp_endpoint)
    recorder.heard_by(tracing.recorded)
    return tracing


async def _metrics(state: State) -> list[metrics.Metric]:
    found = [*await state.indexer.metrics(), *await state.meanings.metrics()]
    found += [*state.gateway.metrics(), *state.intake.metrics()]
    return [*metrics.of_process(), *found]


@asynccontextmanager
async def _running(app: Litestar, live: Live, local: LocalModel | None) -> AsyncGenerator[None]:
    """Start what the application works with, and stop it in the opposite order."""
    state = app.state
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=True) as http:
        state.http = http
        await state.db.open()
        tell = state.tracing.hearing(live.tell) if state.tracing else live.tell
        state.engine = Engine(state.settings, state.db, http, local, tell)
        await state.engine.start()
        live.start()
        state.exporter.start()
        state.indexer.start()
        state.meanings.start(http)
        state.upkeep.start()
        state.folding.start()
        state.gateway.start()
        try:
            yield
        finally:
            await state.gateway.stop()
            await state.exporter.stop()
            await state.folding.stop()
            await state.upkeep.stop()
            await state.meanings.stop()
            await state.indexer.stop()
            await state.engine.stop()
            await state.recorder.stop()
            if state.tracing:
                await asyncio.to_thread(state.tracing.stop)
            await live.stop()
            await state.db.close()


def _dependencies(state: State) -> dict[str, Provide]:
    def provide(name: str) -> Provide:
        def value() -> Any:
            return getattr(state, name)

        return Provide(value, sync_to_thread=False)

    return {
        "settings": provide("settings"),
        "db": provide("db"),
        "engine": provide("engine"),
        "upkeep": provide("upkeep"),
        "meanings": provide("meanings"),
        "news": provide("news"),
        "exporter": provide("exporter"),
        "recorder": provide("recorder"),
        "intake": provide("intake"),
        "stop": Provide(lambda: state.engine.cancel_all, sync_to_thread=False),
        "guard": provide("guard"),
        "me": Provide(current_identity, sync_to_thread=False),
        "who": Provide(current_user, sync_to_thread=False),
    }
