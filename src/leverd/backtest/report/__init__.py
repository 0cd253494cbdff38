"""What a run was: figures, where the money went, every action and why.

`write_page` and `write_picture` make files, `summary_of` something for a terminal and
`facts_of` something for programs; all of them from one `RunRecord`.
"""

from __future__ import annotations

from leverd.backtest.report.facts import facts_of
from leverd.backtest.report.journal_record import journal_record
from leverd.backtest.report.page import write_page
from leverd.backtest.report.picture import write_picture
from leverd.backtest.report.summary import summary_of

__all__ = ["facts_of", "journal_record", "summary_of", "write_page", "write_picture"]
