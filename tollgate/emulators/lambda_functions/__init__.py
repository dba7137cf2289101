"""Lambda: functions in processes of their own, without containers."""

from tollgate.emulators.lambda_functions.environment import EVENT_LIMIT_BYTES, FunctionError, LogSink
from tollgate.emulators.lambda_functions.function import Function, FunctionSettings
from tollgate.emulators.lambda_functions.invoke_api import InvokeApi, find_function
from tollgate.emulators.lambda_functions.web import WebFunction

__all__ = [
    "EVENT_LIMIT_BYTES",
    "Function",
    "FunctionError",
    "FunctionSettings",
    "InvokeApi",
    "LogSink",
    "WebFunction",
    "find_function",
]
