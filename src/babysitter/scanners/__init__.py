"""Scanners: each looks at something and returns findings; none decides anything."""
