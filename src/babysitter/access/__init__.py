"""Who gets in, and what they may do there: roles, tokens, sessions, passkeys, the access log."""
