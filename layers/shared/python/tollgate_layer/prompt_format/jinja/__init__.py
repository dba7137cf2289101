"""Models' own chat templates. Imported only when a model brings one, since importing Jinja takes long.

`template` compiles and renders, `environment` is Jinja as transformers sets it up, `allowed` says what a template may
use, and three modules keep it from running or growing without end: `limits` (the numbers), `meter` (what a render has
used), `checks` (operations that are refused before they run). `code` puts the meter into the compiled templates.
"""
