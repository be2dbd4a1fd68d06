"""Known vulnerabilities of dependencies, matched by us against an advisory database on disk."""
