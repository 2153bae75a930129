"""Three people: Alice owns, Bob is another user, Charlie is a stranger who attacks."""

from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

import psycopg

from airuns.server.db.door import As
from airuns.server.ids import new_id


@dataclass(frozen=True)
class Person:
    """Somebody with a user id and an API key, in every database of the tests."""

    username: str
    user_id: UUID
    key: str
    is_owner: bool = False

    @property
    def who(self) -> As:
        """Whose transaction the door opens for this person."""
        return As(self.user_id)

    @property
    def headers(self) -> dict[str, str]:
        """What authenticates a request of this person."""
        return {"Authorization": f"Bearer {self.key}"}


ALICE = Person("alice", UUID(int=0xA11CE), "air_alice" + "a" * 38, is_owner=True)
BOB = Person("bob", UUID(int=0xB0B), "air_bob" + "b" * 40)
CHARLIE = Person("charlie", UUID(int=0xC4A), "air_charlie" + "c" * 36)
PEOPLE = (ALICE, BOB, CHARLIE)


def add_people(url: str) -> None:
    """Put the three into a migrated database that `url` owns."""
    with psycopg.connect(url) as connection:
        connection.execute("set local role airuns_service")
        for person in PEOPLE:
            connection.execute(
                "insert into airuns.users (id, username, display_name, is_owner)"
                " values (%s, %s, %s, %s)",
                (person.user_id, person.username, person.username.title(), person.is_owner),
            )
        connection.execute("set local role airuns_app")
        for person in PEOPLE:
            connection.execute(f"set local airuns.user_id = '{person.user_id}'".encode())
            connection.execute(
                "insert into airuns.api_keys (user_id, id, name, prefix, key_hash)"
                " values (%s, %s, 'tests', %s, %s)",
                (person.user_id, new_id(), person.key[:12], sha256(person.key.encode()).digest()),
            )
