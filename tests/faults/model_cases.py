"""What can go wrong with the model: each exception at each attempt; answers slow, cut short or nonsense."""

from __future__ import annotations

import json

from tests.faults.case import LIVE_STREAMED, OK, STEP_PATH, Answer, Case, by_path, everywhere

MISCONFIGURED = Answer(502, "model_misconfigured")
THROTTLED = Answer(429, "model_throttled", 5)
NOT_READY = Answer(503, "model_not_ready", 15)
UNAVAILABLE = Answer(503, "model_unavailable", 5, calls=3)
MODEL_ERROR = Answer(502, "model_error")
TIMEOUT = Answer(504, "timeout")

FINAL = {
    "AccessDeniedException": MISCONFIGURED,
    "ResourceNotFoundException": MISCONFIGURED,
    "ThrottlingException": THROTTLED,
    "ServiceQuotaExceededException": THROTTLED,
    "ModelTimeoutException": TIMEOUT,
    "ModelErrorException": MODEL_ERROR,
    "ModelStreamErrorException": MODEL_ERROR,
    "ValidationException": Answer(400, "model_rejected_request"),
}
"""Exceptions after which nothing is tried again."""
PASSING = ("InternalServerException", "ServiceUnavailableException")
"""Exceptions that are tried again, three times at most."""
COLD = {"error": "ModelNotReadyException"}
FOR_EVER = {"times": None}
PLENTY = "x" * 300_000


def exceptions() -> list[Case]:
    """Each exception of an invocation at the first, the second and the third attempt."""
    cases = []
    busy = {"error": "ServiceUnavailableException"}
    for before, when in (((), "at once"), ((COLD,), "at the second attempt"), ((busy, busy), "at the third attempt")):
        for name, answer in FINAL.items():
            steps = (*before, {"error": name})
            answers = everywhere(answer._replace(calls=len(steps)))
            cases.append(Case("Bedrock's exceptions", f"{name} {when}", answers, steps))
    for name in PASSING:
        for times, how_often in ((1, "once"), (2, "twice")):
            answers = everywhere(OK._replace(calls=times + 1))
            cases.append(
                Case("Bedrock's exceptions", f"{name} {how_often}", answers, ({"error": name, "times": times},))
            )
        steps = ({"error": name, **FOR_EVER},)
        cases.append(Case("Bedrock's exceptions", f"{name} for good", everywhere(UNAVAILABLE), steps))
    return cases


def endpoints() -> list[Case]:
    """The errors of SageMaker's runtime, as its emulator names Bedrock's."""
    group = "A SageMaker endpoint"
    cases = []
    for name, what, answer in (
        ("ModelErrorException", "its container fails", MODEL_ERROR),
        ("ValidationException", "its container refuses the request", Answer(400, "model_rejected_request")),
        ("AccessDeniedException", "access denied", MISCONFIGURED),
        ("ThrottlingException", "throttled", THROTTLED),
    ):
        cases.append(Case(group, what, everywhere(answer), ({"error": name},), backend="sagemaker"))
    busy = {"error": "ServiceUnavailableException"}
    once = everywhere(OK._replace(calls=2))
    cases.append(Case(group, "not available once", once, (busy,), backend="sagemaker"))
    down = {**busy, **FOR_EVER}
    cases.append(Case(group, "not available for good", everywhere(UNAVAILABLE), (down,), backend="sagemaker"))
    empty = {"error": "ServiceQuotaExceededException"}
    cases.append(Case(group, "scaled to zero at first", once, (empty,), backend="sagemaker"))
    scaled = by_path(NOT_READY._replace(calls=(5, 40)), NOT_READY._replace(calls=(2, 40)))
    scaled |= {LIVE_STREAMED: Answer(200, "model_not_ready", calls=(2, 40))}
    to_zero = {**empty, **FOR_EVER}
    cases.append(Case(group, "scaled to zero for good", scaled, (to_zero,), backend="sagemaker"))
    return cases


COLD_MODEL = [
    Case("A cold model", "ready at the second attempt", everywhere(OK._replace(calls=2)), (COLD,)),
    Case("A cold model", "ready at the third attempt", everywhere(OK._replace(calls=3)), ({**COLD, "times": 2},)),
    Case(
        "A cold model",
        "not ready in time",
        by_path(NOT_READY._replace(calls=(5, 40)), NOT_READY._replace(calls=(2, 40)))
        | {LIVE_STREAMED: Answer(200, "model_not_ready", calls=(2, 40))},
        ({**COLD, **FOR_EVER},),
    ),
    Case(
        "A cold model",
        "not ready, then too slow",
        everywhere(NOT_READY._replace(calls=2)) | {LIVE_STREAMED: Answer(200, "model_not_ready", calls=2)},
        (COLD, {"delay_seconds": 9}),
    ),
]

IN_A_STREAM = [
    Case(
        "In the middle of a stream",
        f"{name} after 3 tokens",
        everywhere(answer) | {LIVE_STREAMED: Answer(200, answer.code)},
        ({"error": name, "after_tokens": 3, "times": 1},),
    )
    for name, answer in (
        ("ThrottlingException", THROTTLED),
        ("ModelTimeoutException", TIMEOUT),
        ("ModelErrorException", MODEL_ERROR),
        ("ValidationException", Answer(400, "model_rejected_request")),
    )
] + [
    Case(
        "In the middle of a stream",
        f"{name} after 3 tokens",
        everywhere(UNAVAILABLE) | {LIVE_STREAMED: Answer(200, "model_unavailable")},
        ({"error": name, "after_tokens": 3, **FOR_EVER},),
    )
    for name in PASSING
]

SLOW = [
    Case("Slow answers", "the first token comes late", everywhere(OK), ({"delay_seconds": 0.3},)),
    Case("Slow answers", "a pause between tokens", everywhere(OK), ({"after_tokens": 3, "stall_seconds": 0.3},)),
    Case(
        "Slow answers",
        "no token in time",
        everywhere(TIMEOUT) | {LIVE_STREAMED: Answer(200, "timeout")},
        ({"delay_seconds": 9, **FOR_EVER},),
    ),
    Case(
        "Slow answers",
        "stalled after 3 tokens",
        everywhere(TIMEOUT) | {LIVE_STREAMED: Answer(200, "timeout")},
        ({"after_tokens": 3, "stall_seconds": 9, **FOR_EVER},),
    ),
]

BROKEN = [
    Case(
        "Broken connections",
        "before the first token",
        everywhere(UNAVAILABLE),
        ({"break_connection": True, **FOR_EVER},),
    ),
    Case(
        "Broken connections", "once, then all is well", everywhere(OK._replace(calls=2)), ({"break_connection": True},)
    ),
    Case(
        "Broken connections",
        "after 3 tokens",
        everywhere(UNAVAILABLE) | {LIVE_STREAMED: Answer(200, "model_error")},
        ({"break_connection": True, "after_tokens": 3, **FOR_EVER},),
    ),
    Case(
        "Broken connections",
        "after 40 bytes",
        everywhere(UNAVAILABLE) | {LIVE_STREAMED: MODEL_ERROR},
        ({"truncate_bytes": 40, **FOR_EVER},),
    ),
]

NONSENSE = [
    Case(
        "Answers that cannot be read",
        what,
        everywhere(MODEL_ERROR),
        ({"raw_body": body, **FOR_EVER},),
        unlogged=STEP_PATH,
    )
    for what, body in (
        ("nothing", ""),
        ("not JSON", "no JSON"),
        ("an HTML page", "<html><body>502</body></html>"),
    )
] + [
    Case("Answers that cannot be read", what, everywhere(MODEL_ERROR), ({"raw_body": body, **FOR_EVER},))
    for what, body in (
        ("null", "null"),
        ("a list", "[]"),
        ("a string", '"text"'),
        ("an object without choices", "{}"),
        ("choices that are no list", '{"choices": 5}'),
        ("choices without a message", '{"choices": [{}]}'),
        (
            "a message that is a number",
            '{"choices": [{"index": 0, "message": 1, "delta": 1, "finish_reason": "stop"}]}',
        ),
    )
]

TOO_LARGE = [
    Case(
        "Too large for the step path",
        "an answer of 300 kB",
        by_path(MODEL_ERROR, OK),
        (
            {
                "raw_body": json.dumps(
                    {
                        "choices": [
                            {
                                "index": 0,
                                "message": {"role": "assistant", "content": PLENTY},
                                "delta": {"content": PLENTY},
                                "finish_reason": "stop",
                            }
                        ]
                    }
                ),
                **FOR_EVER,
            },
        ),
    ),
    Case(
        "Too large for the step path",
        "a request of 300 kB",
        by_path(Answer(413, "request_too_large", calls=0), OK),
        request={"messages": [{"role": "user", "content": PLENTY}]},
        unlogged=STEP_PATH,
    ),
    Case(
        "Too large for the step path",
        "an answer of 200 kB that doubles when it is written into JSON",
        by_path(MODEL_ERROR, OK),
        (
            {
                "raw_body": json.dumps(
                    {
                        "choices": [
                            {
                                "index": 0,
                                "message": {"role": "assistant", "content": "\n" * 100_000},
                                "delta": {"content": "\n" * 100_000},
                                "finish_reason": "stop",
                            }
                        ]
                    }
                ),
                **FOR_EVER,
            },
        ),
    ),
]

CASES = [*COLD_MODEL, *SLOW, *exceptions(), *endpoints(), *IN_A_STREAM, *BROKEN, *NONSENSE, *TOO_LARGE]
