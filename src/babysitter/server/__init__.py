"""The server: an API, an inbox and pages over the use cases of ``service.hosting``."""
