"""Passwords as Argon2id hashes, computed beside the loop and a few at a time: each takes 64 MB."""

import asyncio
from functools import cache

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from airuns.server.accounts.rules import new_token


def hash_password(password: str) -> str:
    """Return the hash to store."""
    return _hasher().hash(password)


@cache
def _hasher() -> PasswordHash:
    return PasswordHash((Argon2Hasher(),))


@cache
def _nobodys_hash() -> str:
    return hash_password(new_token())


def _verify(password: str, stored: str | None) -> bool:
    nobodys = _nobodys_hash()
    return _hasher().verify(password, stored or nobodys) and stored is not None


class Passwords:
    """Hashes and verifies for one process."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(2)

    async def hash(self, password: str) -> str:
        """Return the hash to store."""
        async with self._turns:
            return await asyncio.to_thread(hash_password, password)

    async def verify(self, password: str, stored: str | None) -> bool:
        """Say whether the password is right; without a stored hash it is not, and takes as long."""
        async with self._turns:
            return await asyncio.to_thread(_verify, password, stored)
