"""The log of a workspace: which runs there were, what was approved, and who has seen that it is so."""
