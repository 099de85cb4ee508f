"""Which reminder is due: one a stage, and after a pause only the latest."""

from collections.abc import Sequence


def stage_due(days_left: int, stages: Sequence[int]) -> int | None:
    """Return the stage (days before the date) that has been reached, the latest of them.

    None while even the first is ahead.  Past the date the last stage stays reached.
    """
    reached = [stage for stage in stages if days_left <= stage]
    return min(reached, default=None)
