"""Telling people: what is owed by the journals, kept in an outbox until it is delivered."""
