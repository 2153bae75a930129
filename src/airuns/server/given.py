"""What route handlers are given, in the marks that Litestar asks for."""

from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from airuns.server.db.door import As, Database
from airuns.server.news import News
from airuns.server.settings import Settings

GivenDatabase = NamedDependency[Database]
GivenUser = NamedDependency[As]
GivenSettings = NamedDependency[Settings]
GivenStop = NamedDependency[Callable[[As, list[UUID]], Awaitable[None]]]
"""Stops tasks and waits until they have ended."""

GivenNews = NamedDependency[News]

PathId = FromPath[UUID]

Cursor = Annotated[str | None, QueryParameter(description="The next_cursor of the page before.")]
Limit = Annotated[int | None, QueryParameter(description="How many items the page has.")]
