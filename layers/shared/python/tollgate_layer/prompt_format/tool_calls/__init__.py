"""Tool calls: those of earlier answers on the way into a prompt (`earlier_calls`), and new ones in a completion's text.

`syntax` says how families write calls, `reader` reads one, `splitter` tells calls from content.
"""
