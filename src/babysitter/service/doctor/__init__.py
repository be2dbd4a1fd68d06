"""``doctor``: the security guide, checked on this machine and in this workspace."""
