"""Tools for who writes hooks: try one, check a script that is to become some, measure what its start costs."""
