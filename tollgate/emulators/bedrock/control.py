"""The routes under `/_tollgate`: the state of the models, faults, settings, and the clock.

They are for tests and demonstrations; Amazon Bedrock has nothing like them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import Route

from tollgate.costs import prices
from tollgate.emulators.bedrock import billing, changes
from tollgate.emulators.bedrock.errors import ServiceError, invalid
from tollgate.emulators.bedrock.faults import parse_script
from tollgate.emulators.bedrock.formats.fields import Fields
from tollgate.emulators.bedrock.http import json_answer, read_object
from tollgate.emulators.bedrock.import_faults import parse_import_script

if TYPE_CHECKING:
    from starlette.requests import Request

    from tollgate.emulators.bedrock.models import ImportedModel
    from tollgate.emulators.bedrock.service import Bedrock


async def list_models(request: Request) -> Response:
    """GET /_tollgate/models: every model's state."""
    bedrock: Bedrock = request.app.state.bedrock
    return json_answer({"models": [describe(bedrock, model) for model in bedrock.models()]})


async def register_model(request: Request) -> Response:
    """POST /_tollgate/models: add a model without artifacts; takes `Bedrock.register`'s arguments."""
    bedrock: Bedrock = request.app.state.bedrock
    arguments = await read_object(request)
    try:
        arn = bedrock.register(**arguments)
    except (TypeError, ValueError) as error:
        raise invalid(str(error)) from error
    return json_answer({"model_arn": arn}, 201)


async def get_model(request: Request) -> Response:
    """GET /_tollgate/models/{name}: one model's state."""
    return json_answer(describe(request.app.state.bedrock, _model(request)))


async def put_faults(request: Request) -> Response:
    """PUT /_tollgate/models/{name}/faults: replace the script of faults; `{}` removes it."""
    model = _model(request)
    try:
        model.faults = parse_script(await read_object(request))
    except ValueError as error:
        raise invalid(str(error)) from error
    return json_answer(describe(request.app.state.bedrock, model))


async def get_clock(request: Request) -> Response:
    """GET /_tollgate/clock: model time."""
    clock = request.app.state.bedrock.clock
    return json_answer({"now": clock.now(), "speed": clock.speed})


async def put_clock(request: Request) -> Response:
    """PUT /_tollgate/clock: `speed` sets how fast model time passes, `advance` moves it on by so many seconds."""
    clock = request.app.state.bedrock.clock
    fields = Fields(await read_object(request))
    fields.allow_only({"speed", "advance"})
    speed, seconds = fields.number("speed", clock.speed), fields.number("advance", 0)
    try:
        clock.speed = speed
        # In a thread: what is due on the way may invoke models here.
        await run_in_threadpool(clock.advance, seconds)
    except ValueError as error:
        raise invalid(str(error)) from error
    return await get_clock(request)


async def get_settings(request: Request) -> Response:
    """GET /_tollgate/settings: the times and limits by which models live."""
    return json_answer(changes.current(request.app.state.bedrock))


async def put_settings(request: Request) -> Response:
    """PUT /_tollgate/settings: change those that are named, at once and for every model."""
    try:
        changes.change(request.app.state.bedrock, await read_object(request))
    except ValueError as error:
        raise invalid(str(error)) from error
    return await get_settings(request)


async def put_import_faults(request: Request) -> Response:
    """PUT /_tollgate/imports: replace the script of import faults; `{}` removes it."""
    try:
        request.app.state.bedrock.import_faults = parse_import_script(await read_object(request))
    except ValueError as error:
        raise invalid(str(error)) from error
    return json_answer({})


async def recent_bodies(request: Request) -> Response:
    """GET /_tollgate/models/{name}/bodies: the last request bodies, newest last."""
    # Put together as text: parsing them could fail for one that is nested as deeply as its own check allowed.
    texts = _model(request).traffic.recent_bodies.texts()
    return Response(b'{"bodies":[' + b",".join(texts) + b"]}", media_type="application/json")


routes = [
    Route("/_tollgate/clock", get_clock, methods=["GET"]),
    Route("/_tollgate/clock", put_clock, methods=["PUT"]),
    Route("/_tollgate/imports", put_import_faults, methods=["PUT"]),
    Route("/_tollgate/settings", get_settings, methods=["GET"]),
    Route("/_tollgate/settings", put_settings, methods=["PUT"]),
    Route("/_tollgate/models", list_models, methods=["GET"]),
    Route("/_tollgate/models", register_model, methods=["POST"]),
    Route("/_tollgate/models/{name}", get_model, methods=["GET"]),
    Route("/_tollgate/models/{name}/faults", put_faults, methods=["PUT"]),
    Route("/_tollgate/models/{name}/bodies", recent_bodies, methods=["GET"]),
]


def describe(bedrock: Bedrock, model: ImportedModel) -> dict[str, Any]:
    """A model's state as JSON; counts are since the model was made."""
    windows = model.life.windows_billed()
    return {
        "name": model.name,
        "arn": str(model.arn),
        "architecture": model.architecture,
        "body_format": model.body_format,
        "engine": model.engine_name,
        **model.traffic.counts(),
        "copies": [
            {"ready": copy.ready_at <= bedrock.clock.now(), "in_flight": copy.in_flight, "windows": copy.windows.count}
            for copy in model.life.copies()
        ],
        "custom_model_units_per_copy": model.custom_model_units,
        "windows_billed": windows,
        "cost_usd": round(billing.cost(windows, model.custom_model_units), 4),
        "storage_usd_per_month": round(prices.CUSTOM_MODEL_UNIT_STORAGE_MONTH * model.custom_model_units, 2),
    }


def _model(request: Request) -> ImportedModel:
    bedrock: Bedrock = request.app.state.bedrock
    name = request.path_params["name"]
    try:
        return bedrock.model(name)
    except KeyError as error:
        raise ServiceError("ResourceNotFoundException", f"No model is named {name!r}.") from error
