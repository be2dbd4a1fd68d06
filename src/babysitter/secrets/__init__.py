"""Secrets: where values come from, every form they take, and how they become references again."""
