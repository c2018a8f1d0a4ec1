"""What `corpuskit inspect` finds out about a corpus: which rules remove what, and the distributions behind them."""

from corpuskit.workflow.inspecting.page import PAGE, page_of, write_page

__all__ = ["PAGE", "page_of", "write_page"]
