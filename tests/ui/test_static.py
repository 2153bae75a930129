"""Files that browsers load: cached for ever under a hash, compressed, and nothing else."""

import pytest

from airuns.server.ui import static
from tests.serving import Served


@pytest.mark.parametrize("path", sorted(static.assets()))
def test_every_file_is_served_whole(server: Served, path: str) -> None:
    with server.client() as nobody:
        answer = nobody.get(static.url(path))
    assert answer.content == static.assets()[path].content
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-type"].split(";")[0] == static.assets()[path].media_type


def test_without_gzip_it_is_plain(server: Served) -> None:
    with server.client() as nobody:
        answer = nobody.get(static.url(static.SHEET), headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in answer.headers
    assert answer.content == static.assets()[static.SHEET].content


@pytest.mark.parametrize(
    "path",
    ["ui/base.html", "app.py", "ui/../app.py", "ui/%2e%2e/app.py", "runs/tree.sql", "none.css"],
)
def test_nothing_else_is_served(server: Served, path: str) -> None:
    with server.client() as nobody:
        assert nobody.get(f"/static/x/{path}").status_code == 404


def test_styles_name_only_files_that_exist() -> None:
    assert {f"ui/styles/{name}.css" for name in static.STYLES} <= set(static.assets())


@pytest.mark.parametrize("path", [path for path in sorted(static.assets()) if path.endswith(".js")])
def test_modules_import_what_exists(path: str) -> None:
    for target in static.imported(path):
        assert target in static.assets(), f"{path} imports {target}"


def test_a_page_loads_with_its_modules_what_they_import() -> None:
    tags = static.modules("ui/js/running.js", "ui/js/live.js")
    assert f'<link rel="modulepreload" href="{static.url("ui/js/behaviour.js")}">' in tags
    assert (
        f'<link rel="modulepreload" href="{static.url("ui/vendor/socket.io.esm.min.js")}">' in tags
    )
    assert tags.count("ui/js/live.js") == 1
    assert f'<script src="{static.url("ui/js/live.js")}" type="module"></script>' in tags
