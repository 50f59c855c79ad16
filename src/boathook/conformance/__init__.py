"""Cases that show what a hook does, on any place, and the documents that are written from their runs."""
