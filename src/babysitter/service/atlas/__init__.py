"""The Atlas: everything that a workspace has to show as pages: records with edges, one form for all."""
