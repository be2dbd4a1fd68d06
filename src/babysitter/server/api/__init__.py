"""The API: one function a route, each parses, calls one use case and gives back what it gives."""
