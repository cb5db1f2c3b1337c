"""`python -m app …` is the same as `observatory …`."""

from app.cli import main

main()
