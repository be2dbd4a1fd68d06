"""The pages: one function a page, each calls use cases and renders a template."""
