"""What Tollgate costs: start-up, one request, package sizes, and the path. `python -m bench` measures all of it."""
