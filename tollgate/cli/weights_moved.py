"""What `tollgate promote` and `tollgate roll-back` do beside the change itself: look at the model, and warm it."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING

import click

from tollgate.cli.record import report, warn

if TYPE_CHECKING:
    from collections.abc import Callable

    from tollgate.deployment import Deployment
    from tollgate_release.changes import Changed


def is_gone_in(deployment: Deployment) -> Callable[[str], bool]:
    """Says of an imported model's ARN whether Bedrock has it no more; what cannot be asked is not gone."""
    from botocore.exceptions import BotoCoreError, ClientError

    from tollgate_release.problems import code_of

    def is_gone(model_id: str) -> bool:
        if ":imported-model/" not in model_id:
            return False
        try:
            deployment.client("bedrock").get_imported_model(modelIdentifier=model_id)
        except ClientError as error:
            return code_of(error) == "ResourceNotFoundException"
        except BotoCoreError:
            return False
        return False

    return is_gone


def report_move(deployment: Deployment, changed: Changed, as_json: bool) -> None:
    """Print what was changed and from when on it holds, and warm the variant if it is cold."""
    from tollgate_release.weights import live_variants

    (variant,) = live_variants(changed.after or {"variants": []})
    age_s, is_warm = _last_use(deployment, changed.model, variant)
    is_warming = False
    if not is_warm:
        is_warming = _warm_up(deployment, changed.model, variant)
    warmth = "likely" if is_warm else "unknown" if age_s is None else "no"
    report(changed, as_json, variant=variant, warm=warmth, warming=is_warming)
    if as_json:
        return
    click.echo("/v1 follows now, /stream/v1 within RecordCacheSeconds (30 s unless the stack says otherwise).")
    if is_warm:
        return
    since = "It is not known when it answered last" if age_s is None else f"{variant} last answered {ago(age_s)}"
    will = "Warming it now." if is_warming else "Send it a request to warm it."
    click.echo(f"{since}: it may be cold, and first answers may take a minute or two. {will}")


def _last_use(deployment: Deployment, model: str, variant: str) -> tuple[float | None, bool]:
    """How many seconds ago a variant was asked last, None if that is not known, and whether it is probably warm."""
    from botocore.exceptions import BotoCoreError, ClientError

    from tollgate_release.last_use import last_uses
    from tollgate_release.problems import Problem

    now = deployment.now()
    try:
        uses = last_uses(deployment.client("cloudwatch"), deployment.stack, [(model, variant)], now)
    except (ClientError, BotoCoreError, Problem):
        return None, False  # the change is made; this was only to say more of it
    use = uses.get((model, variant))
    if use is None or use.by_anybody is None:
        return None, False
    return now - use.by_anybody, use.is_warm(now)


def _warm_up(deployment: Deployment, model: str, variant: str) -> bool:
    """Ask the variant for one token, and do not wait for it; says whether that could be done."""
    from botocore.exceptions import BotoCoreError, ClientError

    from tollgate_release.keep_warm.ping import ping_input
    from tollgate_release.overview import told
    from tollgate_release.problems import Problem

    ping = ping_input(f"{model}@{variant}", str(uuid.uuid4()))
    try:
        deployment.client("stepfunctions").start_execution(
            stateMachineArn=deployment.output("InferenceStateMachineArn"), input=json.dumps(ping)
        )
    except (ClientError, BotoCoreError) as error:
        warn([f"It could not be warmed. {told(error)}"])
        return False
    except Problem as problem:
        warn([f"It could not be warmed. {problem}"])
        return False
    return True


def ago(seconds: float) -> str:
    """An age in words: `40 s ago`, `3 min ago`, `2 h ago`, `5 d ago`."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit} ago"
    return f"{max(0, seconds):.0f} s ago"
