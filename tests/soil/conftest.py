"""Property-based tests draw the same examples on every machine: a red test stays red until the code changes."""

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None, database=None, max_examples=60)
settings.load_profile("repeatable")
