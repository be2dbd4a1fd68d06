"""Performing of effects: one file for each kind of task, and the sandbox that starts their programs."""
