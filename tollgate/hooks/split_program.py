"""Runs one hook of a `model.py` once, in a process of its own: the program behind `tollgate hooks check`.

Standard input is {"module", "hook", "event"}, and the last line of standard output {"answer"} or {"error"}, and
{"touched"}: what the script did beside computing, as Python's audit events name it, since it will be done twice.
https://docs.python.org/3/library/audit_events.html
"""

import importlib
import json
import sys

_TOUCHES = ("socket.connect", "subprocess.Popen", "os.system", "os.remove", "os.rename", "shutil.rmtree")


def _main() -> None:
    asked = json.load(sys.stdin)
    import tollgate_hooks  # from the layer, where PYTHONPATH names it

    touched: set[str] = set()
    watching = False

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if not watching:
            return
        if event in _TOUCHES:
            touched.add(event)
        elif event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
            touched.add("open for writing")

    try:
        hooks = tollgate_hooks.from_model_py(importlib.import_module(asked["module"]))
        sys.addaudithook(watch)
        watching = True
        told = {"answer": hooks[0 if asked["hook"] == "before" else 1](asked["event"])}
    except Exception as error:  # whatever a script raises is the answer here
        told = {"error": f"{type(error).__name__}: {error}"}
    watching = False
    print("\n" + json.dumps({**told, "touched": sorted(touched)}))  # noqa: T201


if __name__ == "__main__":
    _main()
