"""Serve until interrupted: `python -m tests.provider [PORT]`."""

import contextlib
import sys
import threading

from tests.provider.server import ScriptedProvider

if __name__ == "__main__":
    with ScriptedProvider(port=int(sys.argv[1]) if len(sys.argv) > 1 else 0) as server:
        print(server.url, flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()
