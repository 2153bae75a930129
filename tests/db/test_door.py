"""The one door: whose transaction it is decides which rows exist."""

import pytest

from airuns.server.db.door import SERVICE, Database
from tests.people import ALICE, BOB


async def test_a_transaction_sees_its_own_user_only(db: Database) -> None:
    async with db.transaction(ALICE.who) as tx:
        assert await tx.rows("select username from airuns.users") == [{"username": "alice"}]
        seen = await tx.value(
            "select count(*) from airuns.api_keys where user_id = %(user_id)s", user_id=BOB.user_id
        )
        assert seen == 0


async def test_sign_in_sees_every_user(db: Database) -> None:
    async with db.transaction(SERVICE) as tx:
        assert await tx.value("select count(*) from airuns.users") >= 3


async def test_an_error_rolls_back(db: Database) -> None:
    async def fail() -> None:
        async with db.transaction(ALICE.who) as tx:
            await tx.execute("update airuns.users set display_name = 'X'")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with db.transaction(ALICE.who) as tx:
        assert await tx.value("select display_name from airuns.users") == "Alice"
