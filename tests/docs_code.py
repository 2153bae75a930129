"""Runs the code of a page of docs, in a process of its own: `python -m tests.docs_code PAGE`.

Blocks that are marked ```python test, ```sh test or ```console test run in their order, in the
folder and with the environment of the process. Python blocks share their names, shell blocks hand
on what they export, and the other way round through `os.environ`. In a console block `$ ` begins a
command and `> ` goes on with it; the other lines are what it prints, where … stands for anything.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

BLOCK = re.compile(r"^```(python|sh|console) test\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXPORTED = "\nenv -0 >&3"


def blocks(text: str) -> Iterator[tuple[str, str, int]]:
    """Yield the language, the code and the number of lines before it, of each marked block."""
    for found in BLOCK.finditer(text):
        yield found[1], found[2], text.count("\n", 0, found.start(2))


def main() -> None:
    page = Path(sys.argv[1])
    names: dict[str, Any] = {"__name__": "__main__"}
    for language, code, above in blocks(page.read_text()):
        if language == "python":
            # as many empty lines above it as on the page, so that a traceback names the page's line
            exec(compile("\n" * above + code, page, "exec"), names)  # noqa: S102
        elif language == "sh":
            _shell(code)
        else:
            _console(code, f"{page}:{above}")


def _shell(code: str) -> str:
    """Run a script, take over what it exports, and return what it printed."""
    exported, hand_over = os.pipe()
    script = f"exec 3>&{hand_over}\nset -eu\n{code}{EXPORTED}"
    done = subprocess.run(["bash", "-c", script], pass_fds=[hand_over], stdout=-1, text=True)
    os.close(hand_over)
    with os.fdopen(exported) as exports:
        told = exports.read()
    if done.returncode:
        sys.exit(f"exit code {done.returncode} of:\n{code}\n{done.stdout}")
    os.environ.update(line.split("=", 1) for line in told.split("\0") if "=" in line)
    return done.stdout


def _console(code: str, where: str) -> None:
    for step in re.split(r"^\$ ", code, flags=re.MULTILINE)[1:]:
        lines = step.splitlines()
        end = next((n for n, line in enumerate(lines) if n and line[:2] != "> "), len(lines))
        command = "\n".join([lines[0], *(line[2:] for line in lines[1:end])])
        expected = "\n".join(lines[end:]).strip()
        printed = _shell(command).strip()
        pattern = ".*".join(re.escape(part.strip()) for part in expected.split("…"))
        if expected and not re.fullmatch(pattern, printed, re.DOTALL):
            sys.exit(f"{where}: $ {command}\nprinted\n{printed}\nand not\n{expected}")


if __name__ == "__main__":
    main()
