"""The streaming path: one function that does the three steps of the step path, and sends tokens as they come."""
