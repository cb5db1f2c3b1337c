"""What the columns of an unknown file are taken for, how sure that is and why; and what only its owner can say.

A proposal is a guess that is shown. It becomes a mapping when its questions are answered, and not before.
"""

from app.ingest.propose.proposal import Guess, Option, Proposal, Question, shown
from app.ingest.propose.reading import propose

__all__ = ["Guess", "Option", "Proposal", "Question", "propose", "shown"]
