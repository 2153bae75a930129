"""What a dead process left is found; what a living one has is left alone."""

import multiprocessing
import os
import signal
from pathlib import Path
from uuid import UUID, uuid4

from airuns.server.runs import journal
from airuns.server.runs.journal import Journal
from tests.serving import wait_until

USER, TASK = UUID(int=1), UUID(int=2)


def write_and_hang(folder: Path, process_id: UUID) -> None:
    page = Journal(folder, process_id).page(USER, TASK)
    page.write("shown: häß")
    page.write("lich 😀")
    (folder / "written").touch()
    signal.pause()


def test_kill_9_leaves_every_piece_that_was_written(tmp_path: Path) -> None:
    process_id = uuid4()
    process = multiprocessing.get_context("spawn").Process(
        target=write_and_hang, args=(tmp_path, process_id)
    )
    process.start()
    wait_until((tmp_path / "written").exists)
    assert journal.left_behind(tmp_path) == ([], [process_id])
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    [left], alive = journal.left_behind(tmp_path)
    assert alive == []
    assert left.process_id == process_id
    assert left.texts == {(USER, TASK): "shown: häßlich 😀"}
    journal.forget(left)
    assert journal.left_behind(tmp_path) == ([], [])


def test_a_journal_without_pages_leaves_nothing(tmp_path: Path) -> None:
    own = Journal(tmp_path, uuid4())
    page = own.page(USER, TASK)
    page.write("text")
    page.discard()
    own.close()
    assert list((tmp_path / "journal").iterdir()) == []


def test_pages_that_could_not_be_saved_stay_for_the_next_process(tmp_path: Path) -> None:
    own = Journal(tmp_path, uuid4())
    own.page(USER, TASK).write("unsaved")
    own.close()
    [left], _ = journal.left_behind(tmp_path)
    assert left.texts == {(USER, TASK): "unsaved"}
