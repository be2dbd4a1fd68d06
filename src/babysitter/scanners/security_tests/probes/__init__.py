"""What runs inside the workspace's own test runners. Nothing here is imported by Babysitter."""
