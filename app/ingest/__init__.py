"""A file becomes clean frames and a report: read, mapped, harmonised, checked. No database, no HTTP."""
