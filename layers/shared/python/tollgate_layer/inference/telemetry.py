"""The names by which requests are counted, for who counts and for who reads the figures."""

from __future__ import annotations

NAMESPACE = "Tollgate"
"""The namespace of all metrics."""
KEEP_WARM = "keep-warm"
"""The key id of requests that only keep a model warm. No client's key has it: API Gateway makes ids of its own."""
RELEASE = "release"
"""The key id of golden prompts, which a release asks before any client does. They are counted nowhere."""
SHADOW = "shadow"
"""The key id of requests that are only compared with a client's. They are counted apart."""
NOT_CLIENTS = frozenset({KEEP_WARM, RELEASE, SHADOW})
"""The key ids of requests that are no client's."""
