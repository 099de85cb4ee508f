"""Which permission each role has: what the code asks by `user.has_perm()`."""

from collections.abc import Iterable, Iterator

from apps.users.domain.audiences import (
    ADMINISTRATOR,
    AUDITOR,
    BOOKS,
    NOBODY,
    OFFICERS,
    OPERATIONS_TEAM,
    SUPERVISOR,
    Audience,
)

# What the code asks by `user.has_perm()`.  One a line, sorted; every context adds its own.
PERMISSIONS: dict[str, Audience] = {
    "audit.view_auditevent": AUDITOR,
    "audit.view_checkpoint": AUDITOR,
    "compliance.acknowledge_operationsalert": OPERATIONS_TEAM | SUPERVISOR,
    "compliance.approve_duediligence": SUPERVISOR,
    "compliance.assign_workitem": SUPERVISOR,
    "compliance.change_screeningthreshold": OFFICERS,
    "compliance.decide_alert": OFFICERS,
    "compliance.decide_kycrecord": OFFICERS,
    "compliance.propose_watchlist": OFFICERS,
    "compliance.run_screeningsearch": OFFICERS,
    "compliance.take_workitem": OFFICERS,
    "compliance.view_alert": OFFICERS | AUDITOR,
    "compliance.view_case": OFFICERS | AUDITOR,
    "compliance.view_kycdocument": OFFICERS | AUDITOR,
    "compliance.view_kycrecord": OFFICERS | AUDITOR,
    "compliance.view_operationsalert": BOOKS,
    "compliance.view_ownlistchange": OFFICERS | AUDITOR,
    "compliance.view_paymentscreening": OFFICERS | AUDITOR,
    "compliance.view_scenario": OFFICERS | AUDITOR,
    "compliance.view_screeninghit": OFFICERS | AUDITOR,
    "compliance.view_screeningsearch": OFFICERS | AUDITOR,
    "compliance.view_screeningthreshold": OFFICERS | AUDITOR,
    "compliance.view_watchlistimport": BOOKS,
    "compliance.view_watchlistsource": BOOKS,
    "compliance.view_watchlistversion": BOOKS,
    "compliance.view_workitem": OFFICERS | AUDITOR,
    "ledger.decide_reversal": OPERATIONS_TEAM,
    "ledger.view_account": BOOKS,
    "ledger.view_entry": BOOKS,
    "ledger.view_reversalproposal": OPERATIONS_TEAM | AUDITOR,
    "market.halt_instrument": OPERATIONS_TEAM,
    "market.restrict_instrument": OPERATIONS_TEAM,
    "market.view_instrument": OPERATIONS_TEAM | AUDITOR,
    "trading.cancel_order": OPERATIONS_TEAM,
    "trading.confirm_corporateaction": OPERATIONS_TEAM,
    "trading.decide_chargerate": OPERATIONS_TEAM | SUPERVISOR,
    "trading.decide_positionimport": OPERATIONS_TEAM,
    "trading.decide_tradinglimit": OPERATIONS_TEAM | SUPERVISOR,
    "trading.keep_restriction": OFFICERS,
    "trading.explain_venuedifference": OPERATIONS_TEAM,
    "trading.propose_corporateaction": OPERATIONS_TEAM,
    "trading.turn_firmswitch": OPERATIONS_TEAM | SUPERVISOR,
    "trading.view_cashtransfer": BOOKS,
    "trading.view_charge": BOOKS,
    "trading.view_chargeaccrual": BOOKS,
    "trading.view_chargerate": BOOKS,
    "trading.view_corporateaction": BOOKS,
    "trading.view_entitlement": BOOKS,
    "trading.view_conversion": BOOKS,
    "trading.view_execution": BOOKS,
    "trading.view_firmswitch": BOOKS,
    "trading.view_investmentplan": BOOKS,
    "trading.view_lot": BOOKS,
    "trading.view_lotconsumption": BOOKS,
    "trading.view_order": BOOKS,
    "trading.view_orderrefusal": BOOKS,
    "trading.view_orderbatch": BOOKS,
    "trading.view_planrun": BOOKS,
    "trading.view_portfolio": BOOKS,
    "trading.view_portfoliotransfer": BOOKS,
    "trading.view_positionimport": BOOKS,
    "trading.view_restriction": OFFICERS | AUDITOR,
    "trading.view_taxreport": OPERATIONS_TEAM | AUDITOR,
    "trading.view_tradinglimit": BOOKS,
    "trading.view_venueaccount": OPERATIONS_TEAM | AUDITOR,
    "trading.view_venuedifference": OPERATIONS_TEAM | AUDITOR,
    "trading.view_venuefill": BOOKS,
    "trading.view_venueinstruction": BOOKS,
    "users.change_adviserassignment": ADMINISTRATOR,
    "users.change_user": ADMINISTRATOR,
    "users.view_adviserassignment": OPERATIONS_TEAM | AUDITOR | ADMINISTRATOR,
    "users.view_user": ADMINISTRATOR | AUDITOR,
}


def permissions_of(role_names: Iterable[str]) -> frozenset[str]:
    """Return the union of what the named roles may do; a name that is no role gives nothing."""
    names = frozenset(role_names)
    return frozenset(name for name, audience in PERMISSIONS.items() if audience & names)


def desk_table(model: str, *, is_acted_on: bool = False) -> Iterator[tuple[str, Audience]]:
    """Yield the desk's pages of a table: read by whoever has its view permission, written never."""
    app, name = model.split(".")
    may_view = PERMISSIONS[f"{app}.view_{name}"]
    page = f"/admin/{app}/{name}"
    for page_of_one in ("", "history/", "change/"):
        yield f"GET {page}/<path:object_id>/{page_of_one}", may_view
    yield f"GET {page}/", may_view
    if is_acted_on:
        yield f"POST {page}/", may_view
    yield f"GET {page}/add/", NOBODY
    yield f"GET {page}/<path:object_id>/delete/", NOBODY
