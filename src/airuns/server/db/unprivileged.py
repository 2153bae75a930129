"""Whom PostgreSQL runs as: it refuses to run as root, so for root it runs as a system user.

That user must reach the data folder and PostgreSQL's programs: folders above them get the right to
be passed through, where it is missing, and never the right to be read.
"""

import os
import pwd
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import msgspec

from airuns.errors import StartError

SYSTEM_USER = "pgserver"


class Account(msgspec.Struct, frozen=True):
    """The user and group that PostgreSQL runs as; `foreign` when they are not our own."""

    uid: int
    gid: int
    foreign: bool

    @property
    def process(self) -> dict[str, Any]:
        """How `subprocess` starts a program as this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.foreign else {}

    def own(self, path: Path, mode: int) -> None:
        """Make `path` private to this account."""
        path.chmod(mode)
        if self.foreign:
            os.chown(path, self.uid, self.gid)

    def admit(self, folder: Path) -> None:
        """Let this account, and nobody else, pass through our private `folder`."""
        folder.chmod(0o700)
        if self.foreign:
            os.chown(folder, -1, self.gid)
            folder.chmod(0o710)


def account() -> Account:
    """Return whom PostgreSQL runs as: ourselves, or for root a system user, made when missing.

    Raises StartError when that user cannot be made.
    """
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), foreign=False)
    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        _create_user()
        entry = pwd.getpwnam(SYSTEM_USER)
    return Account(entry.pw_uid, entry.pw_gid, foreign=True)


def _create_user() -> None:
    useradd = shutil.which("useradd", path=os.defpath + ":/usr/sbin:/sbin")
    command = [str(useradd), "--system", "--no-create-home", "--shell", "/bin/false", SYSTEM_USER]
    made = subprocess.run(command, capture_output=True, text=True) if useradd else None  # noqa: S603
    if made is None or made.returncode:
        reason = made.stderr.strip() if made else "useradd is not installed"
        raise StartError(
            f"PostgreSQL does not run as root; its user {SYSTEM_USER} could not be made: {reason}. "
            "Run AI Runs as another user, or set AIRUNS_DATABASE_URL."
        )


def let_through(account: Account, target: Path) -> None:
    """Let `account` pass through every folder above `target`."""
    if not account.foreign:
        return
    for folder in target.parents:
        found = folder.stat()
        if not _may_pass(account, found):
            folder.chmod(stat.S_IMODE(found.st_mode) | stat.S_IXOTH)


def _may_pass(account: Account, found: os.stat_result) -> bool:
    if found.st_uid == account.uid:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid == account.gid:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)


def let_read(account: Account, program: Path, folders: list[Path]) -> None:
    """Let `account` use `program`, and the files in `folders`, when they are only ours to read."""
    if not account.foreign or program.stat().st_mode & stat.S_IXOTH:
        return
    for folder in folders:
        for path in (folder, *folder.rglob("*")):
            mode = stat.S_IMODE(path.stat().st_mode)
            path.chmod(mode | (0o005 if mode & stat.S_IXUSR else 0o004))
