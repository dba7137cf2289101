"""The API's contract, and the tool that writes what is generated from it: `make api`, or `python -m api`.

Nothing here is deployed. `api/README.md` says how to add a route, a parameter or an error.
"""
