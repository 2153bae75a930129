"""`airuns export` and `airuns import`, on a data folder of their own."""

import csv
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.people import BOB
from tests.serving import AIRUNS, airuns, environment


@pytest.fixture(scope="module")
def archive(folder: Path) -> Path:
    """An archive of one run with a tag, made by hand."""
    run: dict[str, Any] = {
        "type": "run",
        "id": "018f6b1e-0000-7000-8000-000000000001",
        "source_type": "chat",
        "name": "By hand",
        "description": "",
        "tags": ["kept"],
        "attachments": [],
        "status": "completed",
        "is_starred": True,
        "preview": "",
    }
    run |= {name: {} for name in ("settings", "variable_values", "broker_values", "metadata")}
    run |= dict.fromkeys(("created_at", "updated_at", "last_message_at"), "2020-01-01T00:00:00Z")
    run |= dict.fromkeys(("source_id", "prompt_version", "head_message_id", "last_task_id"))
    run |= dict.fromkeys(("archived_at", "deleted_at"))
    path = folder / "by hand.json"
    path.write_text(json.dumps({"airuns": 1, "records": [run], "complete": True}))
    return path


def counts(table: str) -> dict[str, list[int]]:
    """Read how many of each kind were added, have grown, were there, and were refused."""
    rows = [line.split() for line in table.splitlines()[1:]]
    return {kind: [int(number) for number in numbers] for kind, *numbers in rows}


def test_a_file_goes_from_one_user_to_another(
    folder: Path, own_database_url: str, archive: Path
) -> None:
    def run(*args: object) -> str:
        done = airuns(folder, *map(str, args), AIRUNS_DATABASE_URL=own_database_url)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert counts(run("import", archive)) == {"run": [1, 0, 0, 0]}
    taken = folder / "taken.json"
    run("export", "--tag", "kept", "-o", taken)
    [record] = json.loads(taken.read_text())["records"]
    assert (record["updated_at"], record["status"]) == ("2020-01-01T00:00:00Z", "completed")
    assert counts(run("import", taken, "--user", BOB.username)) == {"run": [1, 0, 0, 0]}
    table = run("export", "--user", BOB.username, "--format", "csv", "--run", record["id"])
    assert [row["name"] for row in csv.DictReader(table.lstrip("\ufeff").splitlines())] == [
        "By hand"
    ]


def test_everything_comes_back_and_a_terminal_shows_how_far(
    folder: Path, own_database_url: str, archive: Path
) -> None:
    done = airuns(folder, "import", str(archive), AIRUNS_DATABASE_URL=own_database_url)
    assert done.returncode == 0, done.stderr
    assert "Importing" not in done.stderr  # not a terminal
    everything = folder / "everything.json"
    airuns(folder, "export", "-o", str(everything), AIRUNS_DATABASE_URL=own_database_url)
    head = json.loads(everything.read_text())
    assert (head["everything"], head["of"]["username"]) == (True, "alice")
    shown, terminal = os.openpty()
    done = subprocess.run(
        [AIRUNS, "import", str(everything)],
        env=environment(folder, AIRUNS_DATABASE_URL=own_database_url),
        stdout=subprocess.PIPE,
        stderr=terminal,
        text=True,
        timeout=60,
    )
    os.close(terminal)
    assert counts(done.stdout) == {"run": [0, 0, 1, 0]}
    assert "100%" in os.read(shown, 10_000).decode()
    os.close(shown)
