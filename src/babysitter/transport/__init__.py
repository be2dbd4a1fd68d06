"""Asking another machine over HTTP: one way, with one set of limits, for whoever has to."""
