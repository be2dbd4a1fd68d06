"""What changed in a workspace: its states, the difference between two, and text in which nothing hides."""
