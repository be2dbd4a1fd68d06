"""Signatures of people: SSH signatures and passkeys, and who may sign as whom."""
