"""A project as people see it: progress, prefixed lines and tables in the peer's words. Pure text."""
