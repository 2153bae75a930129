"""What a span is to us, whichever convention it follows."""

from typing import Literal

from airuns.server.otlp.messages import Fields
from airuns.server.otlp.spans import Span

Kind = Literal["model", "embedding", "tool", "other"]

OPENINFERENCE = "openinference.span.kind"
OPERATION = "gen_ai.operation.name"
OF_KIND: dict[str, Kind] = {"LLM": "model", "EMBEDDING": "embedding", "TOOL": "tool"}
OF_OPERATION: dict[str, Kind] = {
    "chat": "model",
    "completion": "model",
    "text_completion": "model",
    "generate_content": "model",
    "multimodal_completion": "model",
    "response": "model",
    "responses": "model",
    "embeddings": "embedding",
    "embedding": "embedding",
    "execute_tool": "tool",
}

# Our names of providers, where the conventions have others.
PROVIDERS = {
    "aws.bedrock": "bedrock",
    "aws_bedrock": "bedrock",
    "az.ai.inference": "azure",
    "az.ai.openai": "azureopenai",
    "azure.ai.inference": "azure",
    "azure.ai.openai": "azureopenai",
    "gcp.gemini": "gemini",
    "gcp.gen_ai": "gemini",
    "gcp.vertex_ai": "vertexai",
    "google": "gemini",
    "google-gla": "gemini",
    "google-vertex": "vertexai",
    "mistral_ai": "mistral",
    "mistralai": "mistral",
    "moonshot_ai": "moonshot",
    "vertex_ai": "vertexai",
    "x_ai": "xai",
}


def kind_of(span: Span) -> Kind:
    """Say what a span is; agents, chains, workflows and all that is no model call are other."""
    given = span.attributes
    if named := given.get(OPENINFERENCE):
        return OF_KIND.get(str(named).upper(), "other")
    operation = given.get(OPERATION) or given.get("llm.request.type")
    if operation is not None:
        return OF_OPERATION.get(str(operation), "other")
    if "gen_ai.tool.name" in given or given.get("traceloop.span.kind") == "tool":
        return "tool"
    return "model" if _looks_like_a_call(given) else "other"


def _looks_like_a_call(given: Fields) -> bool:
    """Say whether a span of the first conventions, which name no operation, calls a model."""
    return "gen_ai.request.model" in given and ("gen_ai.system" in given or "llm.vendor" in given)


def provider_of(given: Fields) -> str | None:
    """Return our name of the provider that attributes name, at most 100 characters."""
    for name in ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system"):
        value = given.get(name)
        if isinstance(value, str) and value:
            lower = value.lower()
            return PROVIDERS.get(lower, lower)[:100]
    return None
