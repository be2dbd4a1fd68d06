"""The proxy through which a task in an empty network reaches the hosts that it was granted."""
