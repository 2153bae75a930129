"""Which runs are behind a number: the query of GET /api/runs that lists them.

Runs are found by what they are now: their source, tags, the model that they used last, how their
newest task ended, and when their last message came. There is no filter of runs for keys, for
versions of a prompt, nor for providers alone.
"""

from airuns.server.usage.filters import Span, UsageFilter
from airuns.server.usage.records import Link


def runs_query(which: UsageFilter, span: Span, **part: str) -> Link | None:
    """Return the query for the runs of a filter, or of one `part` of it (model=…, tag=…, …).

    None when runs cannot be filtered so.
    """
    provider, model = which.provider, which.model
    has_model = provider is None and model is None
    has_none = which.key_id or which.version or {"key", "provider", "version"} & part.keys()
    if has_none or not (has_model or (provider and model)):
        return None
    wanted = {
        "prompt_id": part.get("prompt") or (str(which.prompt_id) if which.prompt_id else None),
        "source_type": part.get("source") or which.source_type,
        "model": part.get("model") or (None if has_model else f"{provider}/{model}"),
        "tag": part.get("tag") or which.tag,
        "last_status": part.get("status") or which.status,
    }
    if wanted["prompt_id"]:
        del wanted["source_type"]
    found = {name: value for name, value in wanted.items() if value is not None}
    return {
        **found,
        "since": f"{span.since:%Y-%m-%dT%H:%M:%SZ}",
        "before": f"{span.until:%Y-%m-%dT%H:%M:%SZ}",
    }
