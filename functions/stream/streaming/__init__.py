"""The streaming path: a request's three steps in one function, which sends tokens as they come."""
