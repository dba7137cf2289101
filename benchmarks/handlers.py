"""The two functions of the step path in this process, and the events that a chat makes for them."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    Handler = Callable[[dict[str, Any], object], dict[str, Any]]

ROOT = Path(__file__).parent.parent
CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
NOWHERE = Path(os.devnull).open("w")  # noqa: SIM115 - loggers keep the stream that they find at import
_SENTENCE = 'for (Account a : accounts) { update a; } // "why not in a loop?"\n'


class Kind(NamedTuple):
    """A way in which a model's prompt is made, and an answer of such a model in `events/answers`."""

    name: str
    variant: dict[str, Any]
    answer: str


KINDS = (
    Kind("messages: the server applies the chat template", {"body_format": "openai"}, "openai-chat"),
    Kind("a built-in chat template (llama3)", {"body_format": "bedrock", "chat_template": "llama3"}, "bedrock"),
    Kind("the model's own Jinja chat template", {"body_format": "bedrock", "chat_template": CHATML}, "bedrock"),
)


class Handlers(NamedTuple):
    """The handlers of Preprocess and Postprocess."""

    preprocess: Handler
    postprocess: Handler

    @classmethod
    def load(cls) -> Handlers:
        """Import both; they log to what is standard output now."""
        os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "bench")
        return cls(_handler("preprocess"), _handler("postprocess"))


def chat_event(kind: Kind, body_bytes: int, *, messages: int = 10, model: str = "bench") -> dict[str, Any]:
    """What ResolveModel hands to Preprocess for a chat whose body has about `body_bytes`."""
    text = _SENTENCE * (body_bytes // len(_SENTENCE) + 1)
    share = max(1, (body_bytes - 60 * messages) // messages)
    roles = ["system", *["user", "assistant"] * messages][: messages - 1]
    chat = [{"role": role, "content": text[:share]} for role in [*roles, "user"]]
    variant = {"name": "v1", "model_id": "arn:aws:bedrock:us-east-1:123456789012:imported-model/bench0000001"}
    return {
        "request": {
            "dialect": "chat.completions",
            "request_id": "3d0c2a8e-5d0f-4f0e-9b7a-2f1f6a0c9e11",
            "key_id": "bench",
            "body": json.dumps({"model": model, "messages": chat, "max_tokens": 256, "temperature": 0.2}),
        },
        "record": json.dumps({"model": model, "variants": [variant | kind.variant]}),
        "failure": None,
    }


def answered_event(kind: Kind, preprocessed: dict[str, Any]) -> dict[str, Any]:
    """What InvokeModel hands to Postprocess, after what Preprocess returned.

    Raises:
        ValueError: Preprocess refused the request.
    """
    if "spec" not in preprocessed:
        raise ValueError(f"Preprocess refused the request: {preprocessed['response']['body']}")
    return {
        "request_id": "3d0c2a8e-5d0f-4f0e-9b7a-2f1f6a0c9e11",
        "key_id": "bench",
        "dialect": "chat.completions",
        "spec": json.loads(json.dumps(preprocessed["spec"])),
        "attempts": 1,
        "answer": json.loads((ROOT / "events" / "answers" / f"{kind.answer}.json").read_text()),
    }


def _handler(function: str) -> Handler:
    file = ROOT / "functions" / function / "app.py"
    specification = importlib.util.spec_from_file_location(f"bench_{function}", file)
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    handler: Handler = module.lambda_handler
    return handler
