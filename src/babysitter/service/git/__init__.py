"""Git around a workspace: what is tracked, what is about to be committed or pushed, hooks that ask."""
