"""Where enhanced due diligence stands."""

from dataclasses import dataclass

from apps.compliance.domain.due_diligence import VERSION, CheckItem, checklist_of
from apps.compliance.models import DueDiligence, DueDiligenceItem, KycRecord
from apps.compliance.selectors.kyc import all_answers


@dataclass(frozen=True)
class CheckView:
    """One item and what was written down on it, if anything was."""

    item: CheckItem
    row: DueDiligenceItem | None

    @property
    def is_done(self) -> bool:
        return self.row is not None and self.row.done_at is not None


def diligence_shown(record: KycRecord) -> list[CheckView]:
    """Return what is to be done for the record as it is now, with what was done since approval."""
    open_one = DueDiligence.objects.filter(record=record, closed_at=None).first()
    rows = {}
    if open_one is not None:
        items = open_one.items.select_related("done_by", "document").defer("document__content")
        rows = {row.code: row for row in items}
    version = open_one.version if open_one else VERSION
    asked = checklist_of(all_answers(record.id), version)
    return [CheckView(item, rows.get(item.code)) for item in asked]


def diligence_left(record: KycRecord) -> dict[str, str]:
    """Return what is not done yet: title by code."""
    return {view.item.code: view.item.title for view in diligence_shown(record) if not view.is_done}
