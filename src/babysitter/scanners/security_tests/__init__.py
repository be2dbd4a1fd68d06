"""Security tests: found by marker, name and path, run in the sandbox, held against functions that changed."""
