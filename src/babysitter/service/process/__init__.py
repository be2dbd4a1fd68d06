"""Processes as code: what they consist of, whether they are trusted, and loading exactly what is."""
