"""Emulators of AWS's services: one package per service, and the clock that they share."""
