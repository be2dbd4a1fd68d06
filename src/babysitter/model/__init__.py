"""The words of the system: events, effects, errors, values and ports. Imports nothing of ours."""
