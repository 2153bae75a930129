"""Keys at rest: unreadable without the secret, which is made once."""

import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from airuns.errors import StartError
from airuns.server import settings
from airuns.server.models.vault import Vault


def vault(folder: Path, secret: str | None = None) -> Vault:
    environ = {"AIRUNS_SECRET_KEY": secret} if secret else {}
    return Vault.open(settings.load(environ, data_dir=folder))


def test_what_goes_in_comes_out_and_is_not_readable_between(tmp_path: Path) -> None:
    encrypted = vault(tmp_path).encrypt("sk-1 😀")
    assert b"sk-1" not in encrypted
    assert vault(tmp_path).decrypt(encrypted) == "sk-1 😀"
    assert vault(tmp_path / "elsewhere").decrypt(encrypted) is None
    assert vault(tmp_path).decrypt(encrypted[:-6] + b"AAAA==") is None


def test_the_secret_is_private_and_alone(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    vault(folder)
    assert [file.name for file in folder.iterdir()] == ["secret.key"]
    assert stat.S_IMODE((folder / "secret.key").stat().st_mode) == 0o600


def test_processes_that_start_at_once_agree_on_one_secret(tmp_path: Path) -> None:
    opens: list[Callable[[], Vault]] = [lambda: vault(tmp_path)] * 16
    with ThreadPoolExecutor(16) as threads:
        vaults = list(threads.map(lambda one: one(), opens))
    encrypted = vaults[0].encrypt("x")
    assert {one.decrypt(encrypted) for one in vaults} == {"x"}
    assert len(list(tmp_path.iterdir())) == 1


def test_the_setting_wins_over_the_file(tmp_path: Path) -> None:
    encrypted = vault(tmp_path, "s" * 32).encrypt("x")
    assert not list(tmp_path.iterdir())
    assert vault(tmp_path / "other", "s" * 32).decrypt(encrypted) == "x"


def test_a_secret_that_is_too_short_or_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="at least 32 characters"):
        vault(tmp_path, "short")
    (tmp_path / "file").write_text("")
    with pytest.raises(StartError, match=r"secret\.key cannot be used"):
        vault(tmp_path / "file")
