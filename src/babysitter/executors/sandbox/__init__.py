"""Confinement: the only place of the product that starts programs. Which way is chosen: ``choose.py``."""
