"""A program of its own, so that it can be stopped and its memory goes: data.json becomes out.pdf.

Started as `python -I typeset.py FOLDER FONTS…`. The typesetter reads FOLDER and the fonts, and
nothing else: the document names no other file, imports no package, and the root is FOLDER.
"""

import os
import resource
import sys
from pathlib import Path

import typst

MOST_MEMORY = 4 * 1024**3


def main(folder: str, *fonts: str) -> None:
    """Set the document of a folder, with bounded memory."""
    os.nice(10)  # requests come first
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    found = typst.Fonts(include_system_fonts=True, font_paths=list(fonts))
    compiler = typst.Compiler(
        input=str(Path(folder, "document.typ")),
        root=folder,
        font_paths=found,
        package_path=folder,
        package_cache_path=folder,
    )
    compiler.compile(output=str(Path(folder, "out.pdf")), format="pdf")


if __name__ == "__main__":
    main(*sys.argv[1:])
