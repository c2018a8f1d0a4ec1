"""Arrow token shards: layout, writer, memory-mapped reader."""

from corpuskit.shards.layout import Header, part_file
from corpuskit.shards.reader import Shards
from corpuskit.shards.writer import ShardWriter

__all__ = ["Header", "ShardWriter", "Shards", "part_file"]
