"""Stored providers, the models that a user has used, and the user's own prices of them."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec

from airuns.server.db import queries
from airuns.server.db.door import Transaction
from airuns.server.ids import new_id
from airuns.server.models import catalog
from airuns.server.models.call import Endpoint, Protocol
from airuns.server.models.prices import OwnPrice
from airuns.server.models.vault import Vault

SQL = queries.load(__package__ or "")


class StoredProvider(msgspec.Struct, frozen=True, kw_only=True):
    """A provider that a user has stored; its key stays encrypted."""

    name: str
    protocol: Protocol
    base_url: str | None
    key_encrypted: bytes | None
    created_at: datetime
    updated_at: datetime


class UsedModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model that a user has used or priced."""

    provider: str
    name: str
    context_size: int | None
    input: Decimal | None
    output: Decimal | None
    cache_read: Decimal | None
    cache_write_5m: Decimal | None
    cache_write_1h: Decimal | None

    @property
    def own_price(self) -> OwnPrice | None:
        if self.input is None or self.output is None:
            return None
        return OwnPrice(
            input=self.input,
            output=self.output,
            cache_read=self.cache_read,
            cache_write_5m=self.cache_write_5m,
            cache_write_1h=self.cache_write_1h,
        )


async def stored_providers(tx: Transaction, user_id: UUID) -> list[StoredProvider]:
    """Return the stored providers, by name."""
    return await tx.all(StoredProvider, SQL["provider_list"], user_id=user_id)


async def providers(tx: Transaction, user_id: UUID, vault: Vault) -> list[Endpoint]:
    """Return the stored providers as endpoints that can be called.

    One whose key was encrypted under another secret is left out: it cannot be called.
    """
    found = [endpoint(one, vault) for one in await stored_providers(tx, user_id)]
    return [one for one in found if one is not None]


def endpoint(stored: StoredProvider, vault: Vault) -> Endpoint | None:
    """Return the endpoint of a stored provider, None when its key cannot be decrypted."""
    key = None if stored.key_encrypted is None else vault.decrypt(stored.key_encrypted)
    if key is None and stored.key_encrypted is not None:
        return None
    return catalog.endpoint(stored.name, stored.protocol, stored.base_url, key)


async def put_provider(
    tx: Transaction,
    user_id: UUID,
    *,
    name: str,
    protocol: Protocol,
    base_url: str | None,
    key_encrypted: bytes | None,
    keep_key: bool,
) -> None:
    """Store a provider, or replace the one of that name; `keep_key` leaves its key as it is."""
    await tx.execute(
        SQL["provider_put"],
        user_id=user_id,
        id=new_id(),
        name=name,
        protocol=protocol,
        base_url=base_url,
        key_encrypted=key_encrypted,
        keep_key=keep_key,
    )


async def delete_provider(tx: Transaction, user_id: UUID, name: str) -> bool:
    """Delete a stored provider; False when there is none."""
    return await tx.execute(SQL["provider_delete"], user_id=user_id, name=name) > 0


async def model_id(tx: Transaction, user_id: UUID, provider: str, name: str) -> UUID:
    """Return the id of a model's row, which appears at the first use."""
    key = {"user_id": user_id, "provider": provider, "name": name}
    found: UUID | None = await tx.value(SQL["model_find"], **key)
    if found is None:
        await tx.execute(SQL["model_add"], id=new_id(), **key)
        found = await tx.value(SQL["model_find"], **key)
    assert found is not None
    return found


async def use(
    tx: Transaction, user_id: UUID, provider: str, name: str
) -> tuple[UUID, OwnPrice | None]:
    """Return the id of a model that is about to be called, and the user's own price of it."""
    [row] = await tx.rows(SQL["model_use"], user_id=user_id, provider=provider, name=name) or [None]
    if row is None:
        return await model_id(tx, user_id, provider, name), None
    row_id: UUID = row.pop("id")
    priced = row["input"] is not None and row["output"] is not None
    return row_id, OwnPrice(**row) if priced else None


async def models(tx: Transaction, user_id: UUID) -> list[UsedModel]:
    """Return the models that a user has used or priced."""
    return await tx.all(UsedModel, SQL["model_list"], user_id=user_id)


async def recent(tx: Transaction, user_id: UUID) -> list[str]:
    """Return the models that a user has called lately, as provider/name, the last one first."""
    rows = await tx.rows(SQL["model_recent"], user_id=user_id)
    return [row["model"] for row in rows]


async def own_price(tx: Transaction, user_id: UUID, provider: str, name: str) -> OwnPrice | None:
    """Return the user's own price of a model, None when there is none."""
    return await tx.one(OwnPrice, SQL["price_get"], user_id=user_id, provider=provider, name=name)


async def set_own_price(
    tx: Transaction, user_id: UUID, provider: str, name: str, price: OwnPrice
) -> None:
    """Set the user's own price of a model. It counts for the calls that end from now on."""
    id_ = await model_id(tx, user_id, provider, name)
    await tx.execute(SQL["price_set"], user_id=user_id, id=id_, **msgspec.structs.asdict(price))


async def clear_own_price(tx: Transaction, user_id: UUID, provider: str, name: str) -> bool:
    """Go back to the price table; False when there was no own price."""
    changed = await tx.execute(SQL["price_clear"], user_id=user_id, provider=provider, name=name)
    return changed > 0
