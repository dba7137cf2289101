"""Lambda functions in processes of their own, without containers."""

from tollgate.local.functions.environment import FunctionError, LogSink
from tollgate.local.functions.function import Function, FunctionSettings
from tollgate.local.functions.web import WebFunction

__all__ = ["Function", "FunctionError", "FunctionSettings", "LogSink", "WebFunction"]
