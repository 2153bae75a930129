"""Amounts of money as decimal strings in JSON: 0.00000015, where Decimal alone would say 1.5E-7."""

from decimal import Decimal
from typing import Any

import msgspec
from psycopg.adapt import Buffer, Loader


class Usd(Decimal):
    """An amount in US dollars; what PostgreSQL's numeric is read as."""


class NumericLoader(Loader):
    """Reads numeric columns as Usd."""

    def load(self, data: Buffer) -> Usd:
        return Usd(bytes(data).decode())


def plain(amount: Decimal) -> str:
    """Return an amount in plain notation, with the digits that it has."""
    return format(amount, "f")


def encode(value: Any) -> bytes:
    """Return a value as JSON; amounts become decimal strings."""
    return msgspec.json.encode(value, enc_hook=_encode_usd)


def _encode_usd(value: Any) -> str:
    if isinstance(value, Usd):
        return plain(value)
    raise NotImplementedError(f"{type(value).__name__} is no part of an answer.")
