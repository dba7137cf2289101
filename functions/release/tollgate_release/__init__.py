"""A model's life: artifacts, records, releases.

It is deployed with the release function alone, and is the part of the `tollgate` command that runs there too: a
release means the same whether the state machine runs its steps or a developer's machine does.
"""
