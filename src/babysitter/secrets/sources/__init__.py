"""Where values of secrets come from: an interface, and one file per scheme."""
