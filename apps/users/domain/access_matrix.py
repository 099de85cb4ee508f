"""Who may do what, and there is no other table: permissions, and every operation from outside.

An operation that has no line here is closed to everybody, and `manage.py check` names it.
"""

from collections.abc import Iterable, Iterator

from apps.users.domain.roles import Role

Audience = frozenset[str]

CLIENT, ADVISER = frozenset({Role.CLIENT}), frozenset({Role.ADVISER})
SUPERVISOR, OPERATIONS_TEAM = (
    frozenset({Role.COMPLIANCE_SUPERVISOR}),
    frozenset({Role.OPERATIONS}),
)
AUDITOR, ADMINISTRATOR = frozenset({Role.AUDITOR}), frozenset({Role.ADMINISTRATOR})
OFFICERS = SUPERVISOR | {Role.COMPLIANCE_OFFICER}
DESK = OFFICERS | OPERATIONS_TEAM | AUDITOR | ADMINISTRATOR
MACHINERY = OPERATIONS_TEAM | AUDITOR | ADMINISTRATOR
BOOKS = OFFICERS | OPERATIONS_TEAM | AUDITOR
# Whose accounts: clients their own, advisers those of their clients, auditors all.
ACCOUNT_READERS = CLIENT | ADVISER | AUDITOR
# Not roles: whoever has signed in, whoever comes, a scraper on the same machine, nobody at all.
SIGNED_IN: Audience = frozenset({"SIGNED_IN"})
ANYONE: Audience = frozenset({"ANYONE"})
LOCAL: Audience = frozenset({"LOCAL"})
NOBODY: Audience = frozenset()

# What the code asks by `user.has_perm()`.  One a line, sorted; every context adds its own.
PERMISSIONS: dict[str, Audience] = {
    "audit.view_auditevent": AUDITOR,
    "audit.view_checkpoint": AUDITOR,
    "compliance.acknowledge_operationsalert": OPERATIONS_TEAM | SUPERVISOR,
    "compliance.assign_alert": SUPERVISOR,
    "compliance.decide_alert": OFFICERS,
    "compliance.decide_kycrecord": OFFICERS,
    "compliance.propose_watchlist": OFFICERS,
    "compliance.view_alert": OFFICERS | AUDITOR,
    "compliance.view_kycdocument": OFFICERS | AUDITOR,
    "compliance.view_kycrecord": OFFICERS | AUDITOR,
    "compliance.view_operationsalert": BOOKS,
    "compliance.view_ownlistchange": OFFICERS | AUDITOR,
    "compliance.view_scenario": OFFICERS | AUDITOR,
    "compliance.view_screeninghit": OFFICERS | AUDITOR,
    "compliance.view_watchlistimport": BOOKS,
    "compliance.view_watchlistsource": BOOKS,
    "compliance.view_watchlistversion": BOOKS,
    "ledger.decide_reversal": OPERATIONS_TEAM,
    "ledger.view_account": BOOKS,
    "ledger.view_entry": BOOKS,
    "ledger.view_reversalproposal": OPERATIONS_TEAM | AUDITOR,
    "market.halt_instrument": OPERATIONS_TEAM,
    "market.restrict_instrument": OPERATIONS_TEAM,
    "market.view_instrument": OPERATIONS_TEAM | AUDITOR,
    "trading.cancel_order": OPERATIONS_TEAM,
    "trading.confirm_corporateaction": OPERATIONS_TEAM,
    "trading.decide_tradinglimit": OPERATIONS_TEAM | SUPERVISOR,
    "trading.keep_restriction": OFFICERS,
    "trading.propose_corporateaction": OPERATIONS_TEAM,
    "trading.turn_firmswitch": OPERATIONS_TEAM | SUPERVISOR,
    "trading.view_cashtransfer": BOOKS,
    "trading.view_corporateaction": BOOKS,
    "trading.view_entitlement": BOOKS,
    "trading.view_conversion": BOOKS,
    "trading.view_execution": BOOKS,
    "trading.view_firmswitch": BOOKS,
    "trading.view_lot": BOOKS,
    "trading.view_lotconsumption": BOOKS,
    "trading.view_order": BOOKS,
    "trading.view_orderrefusal": BOOKS,
    "trading.view_portfolio": BOOKS,
    "trading.view_portfoliotransfer": BOOKS,
    "trading.view_restriction": OFFICERS | AUDITOR,
    "trading.view_tradinglimit": BOOKS,
    "users.change_adviserassignment": ADMINISTRATOR,
    "users.change_user": ADMINISTRATOR,
    "users.view_adviserassignment": OPERATIONS_TEAM | AUDITOR | ADMINISTRATOR,
    "users.view_user": ADMINISTRATOR | AUDITOR,
}


def permissions_of(role_names: Iterable[str]) -> frozenset[str]:
    """Return the union of what the named roles may do; a name that is no role gives nothing."""
    names = frozenset(role_names)
    return frozenset(name for name, audience in PERMISSIONS.items() if audience & names)


def _table(model: str, *, is_acted_on: bool = False) -> Iterator[tuple[str, Audience]]:
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


ACCOUNT = "/api/v1/portfolios/<uuid:portfolio_id>"
ALERT = "/api/v1/alerts/<uuid:alert_id>"
WEBHOOK = "/api/v1/webhooks/<uuid:webhook_id>"
OWN_LIST, LISTS = "/admin/compliance/ownlistchange", "/admin/compliance/watchlist"
RECORD = "/admin/compliance/kycrecord/<uuid:record_id>"

OPERATIONS: dict[str, Audience] = {
    # The machinery.
    "POST /csp-report": ANYONE,
    "GET /livez": ANYONE,
    "GET /readyz": ANYONE,
    "GET /health": MACHINERY,
    "GET /metrics": MACHINERY | LOCAL,
    "GET /api/v1/schema": SIGNED_IN,
    "GET /api/v1/docs": SIGNED_IN,
    # The API: people.
    "POST /api/v1/auth/token": ANYONE,
    "POST /api/v1/auth/refresh": ANYONE,
    "POST /api/v1/auth/revoke": ANYONE,
    "POST /api/v1/auth/step-up": SIGNED_IN,
    "POST /api/v1/ws-tokens": SIGNED_IN,
    "GET /api/v1/account": SIGNED_IN,
    "GET /api/v1/sessions": SIGNED_IN,
    "DELETE /api/v1/sessions": SIGNED_IN,
    "DELETE /api/v1/sessions/<uuid:session_id>": SIGNED_IN,
    "GET /api/v1/api-keys": CLIENT,
    "POST /api/v1/api-keys": CLIENT,
    "DELETE /api/v1/api-keys/<uuid:key_id>": CLIENT,
    "GET /api/v1/webhooks": CLIENT,
    "POST /api/v1/webhooks": CLIENT,
    f"GET {WEBHOOK}": CLIENT,
    f"DELETE {WEBHOOK}": CLIENT,
    f"POST {WEBHOOK}/test": CLIENT,
    f"POST {WEBHOOK}/enable": CLIENT,
    f"GET {WEBHOOK}/deliveries": CLIENT,
    "GET /api/v1/notifications": SIGNED_IN,
    "POST /api/v1/notifications/<uuid:notification_id>/read": SIGNED_IN,
    # The API: the market.
    "GET /api/v1/instruments": SIGNED_IN,
    "GET /api/v1/instruments/<str:symbol>": SIGNED_IN,
    "GET /api/v1/quotes": SIGNED_IN,
    "GET /api/v1/quotes/<str:symbol>": SIGNED_IN,
    "GET /api/v1/bars": SIGNED_IN,
    "GET /api/v1/calendar": SIGNED_IN,
    "GET /api/v1/clock": SIGNED_IN,
    # The API: accounts.
    "GET /api/v1/portfolios": ACCOUNT_READERS,
    "POST /api/v1/portfolios": CLIENT,
    f"GET {ACCOUNT}": ACCOUNT_READERS,
    f"PATCH {ACCOUNT}": CLIENT,
    f"POST {ACCOUNT}/close": CLIENT,
    f"GET {ACCOUNT}/ledger-entries": ACCOUNT_READERS,
    f"GET {ACCOUNT}/deposits": ACCOUNT_READERS,
    f"POST {ACCOUNT}/deposits": CLIENT,
    f"GET {ACCOUNT}/withdrawals": ACCOUNT_READERS,
    f"POST {ACCOUNT}/withdrawals": CLIENT,
    f"GET {ACCOUNT}/transfers": ACCOUNT_READERS,
    f"POST {ACCOUNT}/transfers": CLIENT,
    f"GET {ACCOUNT}/conversions": ACCOUNT_READERS,
    f"POST {ACCOUNT}/conversions": CLIENT,
    f"POST {ACCOUNT}/conversions/preview": CLIENT,
    f"GET {ACCOUNT}/statements": ACCOUNT_READERS,
    f"GET {ACCOUNT}/statements/<str:form>": ACCOUNT_READERS,
    f"GET {ACCOUNT}/positions": ACCOUNT_READERS,
    f"GET {ACCOUNT}/lots": ACCOUNT_READERS,
    f"PUT {ACCOUNT}/lot-method": CLIENT,
    f"GET {ACCOUNT}/gains": ACCOUNT_READERS,
    f"GET {ACCOUNT}/gains.csv": ACCOUNT_READERS,
    "GET /api/v1/tax-reports/<int:year>": CLIENT,
    "GET /api/v1/tax-reports/<int:year>.csv": CLIENT,
    "GET /api/v1/corporate-actions": ACCOUNT_READERS,
    f"GET {ACCOUNT}/summary": ACCOUNT_READERS,
    f"GET {ACCOUNT}/performance": ACCOUNT_READERS,
    "GET /api/v1/orders": ACCOUNT_READERS,
    "POST /api/v1/orders": CLIENT,
    "POST /api/v1/orders/preview": CLIENT,
    "GET /api/v1/orders/<uuid:order_id>": ACCOUNT_READERS,
    "POST /api/v1/orders/<uuid:order_id>/cancel": CLIENT,
    "GET /api/v1/orders/<uuid:order_id>/replacements": ACCOUNT_READERS,
    "POST /api/v1/orders/<uuid:order_id>/replacements": CLIENT,
    "POST /api/v1/orders/brackets": CLIENT,
    "POST /api/v1/orders/cancel-all": CLIENT,
    "POST /api/v1/orders/oco": CLIENT,
    "GET /api/v1/trades": ACCOUNT_READERS,
    # The API: compliance.
    "GET /api/v1/alerts": PERMISSIONS["compliance.view_alert"],
    f"GET {ALERT}": PERMISSIONS["compliance.view_alert"],
    f"POST {ALERT}/proposals": PERMISSIONS["compliance.decide_alert"],
    f"POST {ALERT}/confirmations": PERMISSIONS["compliance.decide_alert"],
    "GET /api/v1/kyc": CLIENT,
    "PUT /api/v1/kyc/steps/<str:step>": CLIENT,
    "POST /api/v1/kyc/steps/<str:step>/reveal": CLIENT,
    "POST /api/v1/kyc/submit": CLIENT,
    "GET /api/v1/kyc/documents": CLIENT,
    "POST /api/v1/kyc/documents": CLIENT,
    "GET /api/v1/kyc/documents/<uuid:document_id>/content": CLIENT,
    # The live feed.
    "WS quotes": SIGNED_IN,
    "WS notifications": SIGNED_IN,
    "WS orders": CLIENT,
    "WS alerts": PERMISSIONS["compliance.view_alert"],
    # Signing in.
    "GET /accounts/login/": ANYONE,
    "POST /accounts/login/": ANYONE,
    "GET /accounts/2fa/": ANYONE,
    "POST /accounts/2fa/": ANYONE,
    "GET /accounts/2fa/confirm/": SIGNED_IN,
    "POST /accounts/2fa/confirm/": SIGNED_IN,
    "GET /accounts/logout/": ANYONE,
    "POST /accounts/logout/": ANYONE,
    "GET /accounts/inactive/": ANYONE,
    "GET /accounts/signup/": ANYONE,
    "POST /accounts/signup/": ANYONE,
    "GET /accounts/confirm-email/": ANYONE,
    "GET /accounts/confirm-email/<key>/": ANYONE,
    "POST /accounts/confirm-email/<key>/": ANYONE,
    "GET /accounts/password/change/": SIGNED_IN,
    "POST /accounts/password/change/": SIGNED_IN,
    "GET /accounts/password/set/": SIGNED_IN,
    "POST /accounts/password/set/": SIGNED_IN,
    "GET /accounts/password/reset/": ANYONE,
    "POST /accounts/password/reset/": ANYONE,
    "GET /accounts/password/reset/done/": ANYONE,
    "GET /accounts/password/reset/key/<uidb36>-<key>/": ANYONE,
    "POST /accounts/password/reset/key/<uidb36>-<key>/": ANYONE,
    "GET /accounts/password/reset/key/done/": ANYONE,
    "POST /accounts/social/<slug:provider>/": ANYONE,
    "GET /accounts/social/<slug:provider>/callback/": ANYONE,
    # The portal.
    "GET /": SIGNED_IN,
    "GET /settings/": SIGNED_IN,
    "GET /settings/security/": SIGNED_IN,
    "POST /settings/security/": SIGNED_IN,
    "POST /settings/social/<slug:provider>/connect/": CLIENT,
    "POST /settings/social/<slug:provider>/disconnect/": CLIENT,
    "GET /settings/email/": SIGNED_IN,
    "POST /settings/email/": SIGNED_IN,
    "GET /settings/email/confirm/<str:token>/": SIGNED_IN,
    "POST /settings/email/confirm/<str:token>/": SIGNED_IN,
    "GET /settings/sessions/": SIGNED_IN,
    "POST /settings/sessions/<uuid:session_id>/end/": SIGNED_IN,
    "POST /settings/sessions/end-others/": SIGNED_IN,
    "GET /settings/api-keys/": CLIENT,
    "POST /settings/api-keys/": CLIENT,
    "POST /settings/api-keys/<uuid:key_id>/revoke/": CLIENT,
    "GET /notifications/": SIGNED_IN,
    "POST /notifications/<uuid:notification_id>/read/": SIGNED_IN,
    "GET /portfolios/": CLIENT,
    "POST /portfolios/": CLIENT,
    "POST /portfolios/select/": CLIENT,
    "GET /portfolios/<uuid:portfolio_id>/": CLIENT,
    "POST /portfolios/<uuid:portfolio_id>/": CLIENT,
    "POST /portfolios/<uuid:portfolio_id>/close/": CLIENT,
    "GET /money/deposit/": CLIENT,
    "POST /money/deposit/": CLIENT,
    "GET /money/withdraw/": CLIENT,
    "POST /money/withdraw/": CLIENT,
    "GET /money/convert/": CLIENT,
    "POST /money/convert/": CLIENT,
    "GET /statements/": CLIENT,
    "GET /statements/<str:form>/": CLIENT,
    "GET /trade/": CLIENT,
    "GET /trade/<symbol:symbol>/": CLIENT,
    "POST /trade/<symbol:symbol>/": CLIENT,
    "POST /trade/<symbol:symbol>/preview/": CLIENT,
    "POST /trade/<symbol:symbol>/confirm/": CLIENT,
    "GET /positions/<symbol:symbol>/": CLIENT,
    "GET /taxes/": CLIENT,
    "GET /taxes/<int:year>/": CLIENT,
    "GET /taxes/<int:year>/file/": CLIENT,
    "GET /orders/": CLIENT,
    "GET /orders/<uuid:order_id>/": CLIENT,
    "POST /orders/<uuid:order_id>/cancel/": CLIENT,
    "GET /orders/<uuid:order_id>/change/": CLIENT,
    "POST /orders/<uuid:order_id>/change/": CLIENT,
    "POST /orders/cancel-all/": CLIENT,
    "GET /clients/": ADVISER | AUDITOR,
    "GET /clients/<uuid:client_id>/": ADVISER | AUDITOR,
    "GET /clients/<uuid:client_id>/portfolios/<uuid:portfolio_id>/": ADVISER | AUDITOR,
    "GET /activity/": CLIENT,
    "GET /verification/": CLIENT,
    "POST /verification/submit/": CLIENT,
    "POST /verification/documents/": CLIENT,
    "POST /verification/documents/<uuid:document_id>/": CLIENT,
    "GET /verification/<slug:code>/": CLIENT,
    "POST /verification/<slug:code>/": CLIENT,
    # The desk.
    "GET /admin/": DESK,
    "GET /admin/<app_label>/": DESK,
    "GET /admin/<url>": DESK,
    "GET /admin/login/": ANYONE,
    "POST /admin/login/": ANYONE,
    "POST /admin/logout/": SIGNED_IN,
    "GET /admin/jsi18n/": DESK,
    "GET /admin/autocomplete/": NOBODY,
    "GET /admin/password_change/": DESK,
    "GET /admin/password_change/done/": NOBODY,
    "GET /admin/r/<path:content_type_id>/<path:object_id>/": NOBODY,
    **dict(_table("audit.auditevent")),
    **dict(_table("audit.checkpoint")),
    **dict(_table("compliance.alert", is_acted_on=True)),
    **dict(_table("compliance.kycrecord")),
    **dict(_table("compliance.operationsalert", is_acted_on=True)),
    **dict(_table("compliance.ownlistchange")),
    **dict(_table("compliance.scenario")),
    **dict(_table("compliance.watchlistimport")),
    **dict(_table("compliance.watchlistsource", is_acted_on=True)),
    **dict(_table("compliance.watchlistversion")),
    **dict(_table("ledger.account")),
    **dict(_table("ledger.entry", is_acted_on=True)),
    **dict(_table("ledger.reversalproposal", is_acted_on=True)),
    **dict(_table("market.instrument", is_acted_on=True)),
    **dict(_table("trading.cashtransfer")),
    **dict(_table("trading.conversion")),
    **dict(_table("trading.corporateaction")),
    "POST /admin/trading/corporateaction/<path:object_id>/change/": (
        PERMISSIONS["trading.propose_corporateaction"]
    ),
    "GET /admin/trading/corporateaction/propose/": PERMISSIONS["trading.propose_corporateaction"],
    "POST /admin/trading/corporateaction/propose/": PERMISSIONS["trading.propose_corporateaction"],
    **dict(_table("trading.entitlement")),
    **dict(_table("trading.execution")),
    **dict(_table("trading.firmswitch")),
    "POST /admin/trading/firmswitch/": PERMISSIONS["trading.turn_firmswitch"],
    **dict(_table("trading.lot")),
    **dict(_table("trading.lotconsumption")),
    **dict(_table("trading.order")),
    "POST /admin/trading/order/<path:object_id>/change/": PERMISSIONS["trading.cancel_order"],
    **dict(_table("trading.orderrefusal")),
    **dict(_table("trading.portfolio")),
    **dict(_table("trading.portfoliotransfer")),
    **dict(_table("trading.restriction")),
    "GET /admin/trading/restriction/restrict/": PERMISSIONS["trading.keep_restriction"],
    "POST /admin/trading/restriction/restrict/": PERMISSIONS["trading.keep_restriction"],
    "POST /admin/trading/restriction/<path:object_id>/change/": PERMISSIONS[
        "trading.keep_restriction"
    ],
    **dict(_table("trading.tradinglimit")),
    "GET /admin/trading/tradinglimit/propose/": PERMISSIONS["trading.decide_tradinglimit"],
    "POST /admin/trading/tradinglimit/propose/": PERMISSIONS["trading.decide_tradinglimit"],
    "POST /admin/trading/tradinglimit/<path:object_id>/change/": PERMISSIONS[
        "trading.decide_tradinglimit"
    ],
    **dict(_table("users.adviserassignment", is_acted_on=True)),
    **dict(_table("users.user")),
    "GET /admin/trading/cashtransfer/reconciliation/": PERMISSIONS["trading.view_cashtransfer"],
    "GET /admin/ledger/account/<int:account_id>/statement/<str:form>/": PERMISSIONS[
        "ledger.view_account"
    ],
    "GET /admin/users/adviserassignment/assign/": PERMISSIONS["users.change_adviserassignment"],
    "POST /admin/users/adviserassignment/assign/": PERMISSIONS["users.change_adviserassignment"],
    "POST /admin/users/user/<path:object_id>/change/": PERMISSIONS["users.change_user"],
    "POST /admin/compliance/alert/next/": PERMISSIONS["compliance.decide_alert"],
    "POST /admin/compliance/alert/<path:object_id>/change/": PERMISSIONS["compliance.decide_alert"],
    f"POST {RECORD}/decide/": PERMISSIONS["compliance.decide_kycrecord"],
    f"POST {RECORD}/hits/<uuid:hit_id>/": PERMISSIONS["compliance.decide_kycrecord"],
    f"POST {RECORD}/answers/<str:step>/<str:question>/": PERMISSIONS["compliance.view_kycrecord"],
    f"GET {RECORD}/documents/<uuid:document_id>/": PERMISSIONS["compliance.view_kycdocument"],
    f"GET {OWN_LIST}/entries/": PERMISSIONS["compliance.view_ownlistchange"],
    f"POST {OWN_LIST}/entries/": PERMISSIONS["compliance.propose_watchlist"],
    f"POST {OWN_LIST}/<path:object_id>/change/": PERMISSIONS["compliance.propose_watchlist"],
    f"POST {LISTS}import/<path:object_id>/change/": PERMISSIONS["compliance.propose_watchlist"],
    f"GET {LISTS}source/edit/": PERMISSIONS["compliance.propose_watchlist"],
    f"POST {LISTS}source/edit/": PERMISSIONS["compliance.propose_watchlist"],
    # What the desk does with the rows that are ticked.
    "ACTION compliance.alert confirm_selected": PERMISSIONS["compliance.decide_alert"],
    "ACTION compliance.alert export_selected": PERMISSIONS["compliance.view_alert"],
    "ACTION compliance.alert take_selected": PERMISSIONS["compliance.decide_alert"],
    "ACTION compliance.operationsalert acknowledge": PERMISSIONS[
        "compliance.acknowledge_operationsalert"
    ],
    "ACTION compliance.watchlistsource activate": PERMISSIONS["compliance.propose_watchlist"],
    "ACTION compliance.watchlistsource deactivate": PERMISSIONS["compliance.propose_watchlist"],
    "ACTION ledger.entry propose_reversal": PERMISSIONS["ledger.decide_reversal"],
    "ACTION ledger.reversalproposal confirm": PERMISSIONS["ledger.decide_reversal"],
    "ACTION ledger.reversalproposal reject": PERMISSIONS["ledger.decide_reversal"],
    "ACTION market.instrument halt": PERMISSIONS["market.halt_instrument"],
    "ACTION market.instrument release": PERMISSIONS["market.restrict_instrument"],
    "ACTION market.instrument restrict": PERMISSIONS["market.restrict_instrument"],
    "ACTION market.instrument resume": PERMISSIONS["market.halt_instrument"],
    "ACTION users.adviserassignment end_selected": PERMISSIONS["users.change_adviserassignment"],
}


def is_allowed(operation: str, role_names: Iterable[str] | None) -> bool:
    """Tell whether somebody with these roles may; None is somebody who has not signed in."""
    audience = OPERATIONS.get(operation, NOBODY)
    if audience >= ANYONE:
        return True
    return role_names is not None and (audience >= SIGNED_IN or not audience.isdisjoint(role_names))
