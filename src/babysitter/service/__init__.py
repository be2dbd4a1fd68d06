"""The use cases: each face calls one function here and renders what it returns."""
