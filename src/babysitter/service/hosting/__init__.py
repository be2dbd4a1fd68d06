"""What a server does with workspaces: knows their runs, drives them, and answers whoever may ask."""
