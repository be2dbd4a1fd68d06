"""Detection: credentials that nobody declared, found by rules."""
