"""Fakes that keep their contracts, and the suites that say what a contract is; for anybody's tests."""
