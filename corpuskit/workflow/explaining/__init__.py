"""What `corpuskit explain` tells of one document: where it came from, what was done to it, and why it stays or not."""

from corpuskit.workflow.explaining.finding import Match, find, the_one
from corpuskit.workflow.explaining.story import evidence_text, story

__all__ = ["Match", "evidence_text", "find", "story", "the_one"]
