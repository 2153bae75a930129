"""Stored providers, used models and own prices, each seen by its user only."""

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest

from airuns.server import settings
from airuns.server.db.door import Database
from airuns.server.models import store
from airuns.server.models.prices import OwnPrice
from airuns.server.models.vault import Vault
from tests.people import ALICE, BOB, Person

PRICE = OwnPrice(input=Decimal("1.5"), output=Decimal(2), cache_read=Decimal("0.10"))


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault.open(settings.load({}, data_dir=tmp_path))


async def put(
    db: Database, who: Person, name: str, key: bytes | None, *, keep_key: bool = False
) -> None:
    async with db.transaction(who.who) as tx:
        await store.put_provider(
            tx,
            who.user_id,
            name=name,
            protocol="openai",
            base_url="http://x/v1",
            key_encrypted=key,
            keep_key=keep_key,
        )


async def keys(db: Database, who: Person, vault: Vault) -> dict[str, str | None]:
    async with db.transaction(who.who) as tx:
        return {one.name: one.key for one in await store.providers(tx, who.user_id, vault)}


async def test_a_provider_is_stored_replaced_and_deleted(db: Database, vault: Vault) -> None:
    await put(db, ALICE, "mine", vault.encrypt("one"))
    assert (await keys(db, ALICE, vault))["mine"] == "one"
    await put(db, ALICE, "mine", None, keep_key=True)
    assert (await keys(db, ALICE, vault))["mine"] == "one"
    await put(db, ALICE, "mine", vault.encrypt("two"))
    assert (await keys(db, ALICE, vault))["mine"] == "two"
    await put(db, ALICE, "mine", None)
    assert (await keys(db, ALICE, vault))["mine"] is None
    async with db.transaction(ALICE.who) as tx:
        assert await store.delete_provider(tx, ALICE.user_id, "mine")
        assert not await store.delete_provider(tx, ALICE.user_id, "mine")


async def test_a_provider_is_its_user_s_alone(db: Database, vault: Vault) -> None:
    await put(db, ALICE, "hers", vault.encrypt("one"))
    assert "hers" not in await keys(db, BOB, vault)
    async with db.transaction(BOB.who) as tx:
        assert not await store.delete_provider(tx, ALICE.user_id, "hers")
        assert not await store.stored_providers(tx, ALICE.user_id)
    assert (await keys(db, ALICE, vault))["hers"] == "one"


async def test_a_key_under_another_secret_leaves_the_others_usable(
    db: Database, vault: Vault
) -> None:
    await put(db, ALICE, "lost", Vault("another secret").encrypt("one"))
    await put(db, ALICE, "found", vault.encrypt("two"))
    usable = await keys(db, ALICE, vault)
    assert "lost" not in usable
    assert usable["found"] == "two"


async def test_a_model_has_one_row_however_many_use_it_first(db: Database) -> None:
    async def first_use() -> object:
        async with db.transaction(ALICE.who) as tx:
            return await store.model_id(tx, ALICE.user_id, "openai", "brand-new")

    ids = await asyncio.gather(*(first_use() for _ in range(8)))
    assert len(set(ids)) == 1
    async with db.transaction(BOB.who) as tx:
        assert await store.model_id(tx, BOB.user_id, "openai", "brand-new") not in ids


async def test_own_prices_come_back_to_the_digit(db: Database) -> None:
    async with db.transaction(ALICE.who) as tx:
        await store.set_own_price(tx, ALICE.user_id, "openai", "priced", PRICE)
        assert await store.own_price(tx, ALICE.user_id, "openai", "priced") == PRICE
        used = {one.name: one.own_price for one in await store.models(tx, ALICE.user_id)}
        assert used["priced"] == PRICE
    async with db.transaction(BOB.who) as tx:
        assert await store.own_price(tx, BOB.user_id, "openai", "priced") is None
    async with db.transaction(ALICE.who) as tx:
        assert await store.clear_own_price(tx, ALICE.user_id, "openai", "priced")
        assert not await store.clear_own_price(tx, ALICE.user_id, "openai", "priced")
        assert await store.own_price(tx, ALICE.user_id, "openai", "priced") is None
