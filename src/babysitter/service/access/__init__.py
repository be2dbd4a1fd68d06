"""Who gets in, as use cases: tokens, people, signing in, and being the guest of another server."""
