"""What AWS does, on this machine: one package per service, and the clock that they share."""
