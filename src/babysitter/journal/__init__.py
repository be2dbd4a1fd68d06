"""The one write path, and its readers: mask, encode, chain, append; load, verify, decode."""
