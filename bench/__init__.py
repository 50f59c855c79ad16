"""Measures Boathook against the floor (bare bubblewrap and nsenter) and against Docker, all in the same run."""
