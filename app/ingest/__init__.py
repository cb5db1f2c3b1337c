"""A file becomes clean frames and a report."""
