"""A scripted model provider: real HTTP, the formats of OpenAI and Anthropic, every misbehaviour.

It speaks POST /v1/chat/completions, GET /v1/models and POST /v1/messages, streaming and not, and
POST /v1/embeddings (meanings.py), POST /v1/responses (responses.py) and
POST /v1/messages/count_tokens. Anything else below /v1/ is told back as it came.

    with ScriptedProvider() as server:                 # own thread and loop, a free port
        server.script("slow", Script(pieces=("a", "b"), gate=(gate := Gate())))
        ...                                            # call {server.url}/v1 with model "slow"
        gate.open(1)                                   # lets one piece out; no test needs to sleep
        server.request(0).body                         # what came in, once it came
        server.request(0).disconnected.wait(5)         # the client closed the connection

Models that need no script:

    echo                the last user message, word by word
    text:<n>[:<ms>]     n pieces "word0 ", "word1 ", …, ms milliseconds apart
    clock:<n>[:<ms>]    n pieces, each the monotonic time in ns at which it was sent and a space
    endless[:<ms>]      pieces without end
    silent              never answers
    fail:<status>       that status with an error body of the protocol's shape
    meaning[:<n>]       embeds, in n dimensions; what says "unspeakable" is refused

For benches, in a process of its own: `python -m tests.provider [PORT]` prints the address.
"""

from tests.provider.script import Failure, Gate, Script, Tokens, Tool
from tests.provider.server import Request, ScriptedProvider

__all__ = ["Failure", "Gate", "Request", "Script", "ScriptedProvider", "Tokens", "Tool"]
