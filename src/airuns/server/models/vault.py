"""Keeps providers' keys encrypted in the database, under a key that is not in it."""

import base64
import contextlib
import os
import secrets
from pathlib import Path
from typing import Self

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from airuns.errors import StartError
from airuns.server.settings import Settings

FILE = "secret.key"
SHORTEST = 32


class Vault:
    """Encrypts with Fernet (AES-128-CBC and HMAC-SHA256), under a key derived from a secret."""

    def __init__(self, secret: str) -> None:
        derived = HKDF(SHA256(), length=32, salt=None, info=b"airuns provider keys")
        self._fernet = Fernet(base64.urlsafe_b64encode(derived.derive(secret.encode())))

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Open the vault with AIRUNS_SECRET_KEY, else with the data folder's own secret.

        That secret is made at the first use, and only its user can read it. Raises StartError when
        AIRUNS_SECRET_KEY is too short, or the file cannot be read or written.
        """
        if settings.secret_key is not None:
            if len(settings.secret_key) < SHORTEST:
                raise StartError(f"AIRUNS_SECRET_KEY must have at least {SHORTEST} characters.")
            return cls(settings.secret_key)
        try:
            return cls(_own_secret(settings.data_dir / FILE))
        except OSError as error:
            raise StartError(
                f"{settings.data_dir / FILE} cannot be used: {error.strerror}."
            ) from None

    def encrypt(self, text: str) -> bytes:
        """Return `text` as only this vault can read it."""
        return self._fernet.encrypt(text.encode())

    def decrypt(self, encrypted: bytes) -> str | None:
        """Return what was encrypted; None when that was under another secret, or it was changed."""
        try:
            return self._fernet.decrypt(encrypted).decode()
        except InvalidToken:
            return None


def _own_secret(path: Path) -> str:
    """Read the secret, making it first if need be; of two processes at once, one makes it.

    The file appears whole or not at all: it is written under another name, then linked.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_name(f"{FILE}.{secrets.token_hex(8)}")
        with open(draft, "x", opener=_private) as file:
            file.write(secrets.token_urlsafe(32))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text().strip()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
