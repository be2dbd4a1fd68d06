"""Witnesses: others who see a log's checkpoints, so that nobody can rewrite it unseen."""
