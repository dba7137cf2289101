"""What Tollgate costs: start-up, one request, package sizes, and the path. `python -m benchmarks` measures it all."""
