"""Search by meaning, where AIRUNS_EMBEDDING_MODEL is set: one loop that embeds, and the queries.

It works behind the text index and beside it: whatever fails here, searches by words go on.
"""

import asyncio
import logging
from collections import OrderedDict
from contextlib import suppress
from typing import Any

import aiohttp
from litestar.di import NamedDependency

from airuns.errors import AirunsError
from airuns.server.db.door import Database
from airuns.server.metrics import Metric
from airuns.server.models.call import ProviderError, Timeouts
from airuns.server.models.embedding import EmbeddingModel, embed
from airuns.server.search import meaning_filling, meaning_tables
from airuns.server.search.meaning_near import Meant
from airuns.server.search.meaning_tables import NoMeanings
from airuns.server.search.query import Query
from airuns.server.settings import Settings

log = logging.getLogger(__name__)

POLL_SECONDS = 1.0
LONGEST_WAIT = 60.0
QUERY_SECONDS = 1.0
BATCH_SECONDS = 60.0
REST_SECONDS = 2.0
REMEMBERED = 256
AWAY = "Only words were searched: the model that finds similar meanings does not answer."


class Meanings:
    """Search by meaning in one process; without a model it does nothing at all."""

    def __init__(self, settings: Settings, db: Database, model: EmbeddingModel | None) -> None:
        self.embedded = 0
        self.failures = 0
        self._settings = settings
        self._db = db
        self._model = model
        self._is_ready = False
        self._rests_until = 0.0
        self._asked: OrderedDict[str, list[float]] = OrderedDict()
        self._loop: asyncio.Task[None] | None = None

    def start(self, session: aiohttp.ClientSession) -> None:
        """Begin to work, if there is a model."""
        self._session = session
        if self._model is not None:
            self._loop = asyncio.create_task(self._run(self._model))

    async def stop(self) -> None:
        """Stop at once; a batch that is under way is embedded again by the next server."""
        if self._loop:
            self._loop.cancel()
            with suppress(asyncio.CancelledError):
                await self._loop

    async def of(self, query: Query, sort: str) -> Meant | None:
        """Return what a query means, for a search by relevance; None when words have to do.

        That is when there is no model, or when something is asked that only words can have:
        phrases, beginnings, -words, or whose message it is.
        """
        plain = [each.text for each in query.terms if each.kind == "word" and not each.is_not]
        by_words = len(plain) < len(query.terms) or any(f.key == "role" for f in query.filters)
        if self._model is None or sort != "relevance" or not plain or by_words:
            return None
        return Meant(self._model.name, *await self._vector(self._model, " ".join(plain)))

    async def metrics(self) -> list[Metric]:
        """Return how far meanings are behind the text index, and what this process has done."""
        if not self._is_ready:
            return []
        return [
            Metric(
                "airuns_meaning_waiting",
                "Texts in the index whose meaning is not known yet, about.",
                await meaning_filling.waiting(self._db),
            ),
            Metric(
                "airuns_meaning_embedded_total",
                "Messages whose meaning this process has asked for.",
                self.embedded,
                "counter",
            ),
            Metric(
                "airuns_meaning_failures_total",
                "Times that the embedding model could not be had.",
                self.failures,
                "counter",
            ),
        ]

    async def _vector(
        self, model: EmbeddingModel, text: str
    ) -> tuple[list[float] | None, list[str]]:
        """Return the vector of what is searched for, or why there is none.

        A model that did not answer in time is not asked again for REST_SECONDS, so that searches
        stay quick.
        """
        if text in self._asked:
            self._asked.move_to_end(text)
            return self._asked[text], []
        if not self._is_ready or asyncio.get_running_loop().time() < self._rests_until:
            return None, [AWAY]
        try:
            [vector] = await embed(model, [text], self._session, _within(QUERY_SECONDS))
        except ProviderError as error:
            log.warning("The embedding model failed: %s", error.message)
            self.failures += 1
            if error.kind == "timeout":
                self._rests_until = asyncio.get_running_loop().time() + REST_SECONDS
            return None, [AWAY]
        self._asked[text] = vector
        if len(self._asked) > REMEMBERED:
            self._asked.popitem(last=False)
        return vector, []

    async def _run(self, model: EmbeddingModel) -> None:
        """Embed what lacks its meaning; it outlives what goes wrong, and waits ever longer."""
        wait = POLL_SECONDS

        async def vectors(texts: list[str]) -> list[list[float]]:
            return await embed(model, texts, self._session, _within(BATCH_SECONDS))

        while True:
            try:
                if not self._is_ready:
                    await self._prepare(model, len((await vectors(["Hello"]))[0]))
                done = await meaning_filling.fill(self._db, model.name, vectors)
            except NoMeanings as error:
                log.error("Search by meaning is off. %s", error.detail)
                self._model = None
                return
            except (ProviderError, AirunsError) as error:
                log.warning("Meanings wait %g s: %s", wait, error)
                self.failures += isinstance(error, ProviderError)
            except Exception:
                log.exception("Embedding failed; trying again in %g s", wait)
            else:
                self.embedded += done
                wait = POLL_SECONDS
                if not done:
                    await asyncio.sleep(POLL_SECONDS)
                continue
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT)

    async def _prepare(self, model: EmbeddingModel, dimensions: int) -> None:
        url: Any = self._settings.database_url
        made = await asyncio.to_thread(meaning_tables.make, url, model.name, dimensions)
        if made:
            log.warning("Meanings are made anew with %s; watch airuns_meaning_waiting.", model.name)
        self._is_ready = True


GivenMeanings = NamedDependency[Meanings]


def _within(seconds: float) -> Timeouts:
    return Timeouts(connect=seconds, first_token=seconds, between_tokens=seconds, total=seconds)
