"""Where bytes are kept: an interface, and one file per kind of store."""
