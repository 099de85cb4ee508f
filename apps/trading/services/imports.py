"""Commands on lots from another broker: the client names them, operations receive live ones."""

import hashlib
from collections import defaultdict
from datetime import UTC, datetime, time
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string

from apps.audit.services import Actor, emit
from apps.core.commands import command
from apps.core.domain.money import Money
from apps.core.errors import Conflict, InvalidInput, NotFound, NotPermitted, Refused
from apps.ledger.domain.legs import AccountKind, Leg
from apps.ledger.services import entry_post
from apps.market.selectors import fx_rate, quotes_get
from apps.trading.domain.imports import ColumnMapping
from apps.trading.domain.limits import check_reason
from apps.trading.domain.lots import LotOrigin
from apps.trading.models import ImportedLot, Portfolio, PositionImport, ValueFlow
from apps.trading.selectors.corporate_actions import action_is_due
from apps.trading.selectors.imports import import_preview
from apps.trading.services.drafts import digest_of
from apps.trading.services.lots import lot_open
from apps.users.models import User

PERMISSION = "trading.decide_positionimport"
MAX_KEY_LENGTH = 100
# The same day at every exchange, from Tokyo to New York.
NOON = time(12, tzinfo=UTC)


@command
def positions_import(
    *, actor: User, portfolio_id: UUID, text: str, mapping: ColumnMapping, idempotency_key: str
) -> PositionImport:
    """Take over the lots of a broker's CSV with their days and costs; all of them or none.

    On a paper portfolio they count at once, on a live one when operations confirm them.  The same
    key with the same file and mapping returns the first import.

    Raises NotFound, Refused `rows_refused` (fact `measured`: how many), what `import_preview`
    raises and what a check of settings.CASH_CHECKS says, Conflict `file_imported`,
    `corporate_action_due`, `portfolio_closed`, `idempotency_key_reused`.
    """
    if not 0 < len(idempotency_key) <= MAX_KEY_LENGTH:
        raise InvalidInput("An import needs a key.", field="idempotency_key")
    portfolio = Portfolio.objects.owned_by(actor).locked(portfolio_id)
    # However the lines end: a browser changes that.
    file_digest = hashlib.sha256("\n".join(text.splitlines()).encode()).hexdigest()
    columns = {column.value: place for column, place in mapping.columns.items()}
    terms = digest_of(file_digest, columns, mapping.dates, mapping.decimals)
    imports = PositionImport.objects.filter(portfolio=portfolio)
    first = imports.filter(idempotency_key=idempotency_key).first()
    if first is not None:
        if first.terms_digest != terms:
            raise Conflict("The key belongs to another import.", code="idempotency_key_reused")
        return first
    if imports.filter(file_digest=file_digest).exclude(status="DECLINED").exists():
        raise Conflict("This file is in the portfolio already.", code="file_imported")
    preview = import_preview(portfolio, text, mapping)
    if not preview.can_come_in:
        raise Refused(
            "Some rows cannot come in: look at the preview.",
            code="rows_refused",
            measured=str(len(preview.errors)),
        )
    for path in settings.CASH_CHECKS:
        import_string(path)(portfolio.client_id)
    batch = PositionImport(
        portfolio=portfolio,
        idempotency_key=idempotency_key,
        file_digest=file_digest,
        terms_digest=terms,
        lots_count=len(preview.lots),
    )
    batch.save(force_insert=True)
    ImportedLot.objects.bulk_create(
        ImportedLot(
            batch=batch,
            line=lot.line,
            symbol=lot.symbol,
            quantity=lot.quantity,
            cost=lot.cost,
            currency=lot.currency,
            acquired_on=lot.acquired_on,
        )
        for lot in preview.lots
    )
    emit(batch.request(), actor=actor)
    if portfolio.mode == Portfolio.Mode.PAPER:
        _apply(batch, officer=None, actor=actor)
    return batch


@command
def import_confirm(*, actor: User, import_id: UUID) -> PositionImport:
    """Say that the units of a live portfolio's import arrived: from now on they count.

    Raises NotPermitted without trading.decide_positionimport, NotFound, Conflict
    `already_decided`, `portfolio_closed`, `corporate_action_due`.
    """
    batch = _locked(actor, import_id)
    _apply(batch, officer=actor, actor=actor)
    return batch


@command
def import_decline(*, actor: User, import_id: UUID, reason: str) -> PositionImport:
    """Say that the units did not arrive; raises as `import_confirm`, and InvalidInput."""
    batch = _locked(actor, import_id)
    event = batch.decline(actor, check_reason(reason), at=timezone.now())
    batch.save()
    emit(event, actor=actor)
    return batch


def _locked(actor: User, import_id: UUID) -> PositionImport:
    if not actor.has_perm(PERMISSION):
        raise NotPermitted("Only operations confirm what arrives.")
    found = PositionImport.objects.filter(id=import_id).values_list("portfolio_id", flat=True)
    portfolio_id = found.first()
    if portfolio_id is None:
        raise NotFound("There is no such import.")
    portfolio = Portfolio.objects.locked(portfolio_id, may_be_closed=True)
    batch = PositionImport.objects.get(id=import_id)
    batch.portfolio = portfolio
    return batch


def _apply(batch: PositionImport, *, officer: User | None, actor: Actor) -> None:
    """Book the units against the firm's clearing account, open the lots, and tell of it."""
    portfolio, now = batch.portfolio, timezone.now()
    if portfolio.is_closed:
        raise Conflict("The portfolio is closed.", code="portfolio_closed")
    rows = list(batch.rows.order_by("line"))
    units: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        units[row.symbol] += row.quantity
    for symbol in units:
        if action_is_due(symbol):
            raise Conflict(
                "What its issuer did is being booked first.", code="corporate_action_due"
            )
    entry = entry_post(
        actor=actor,
        idempotency_key=f"import-{batch.id}",
        kind="TRANSFER_IN",
        reference=str(batch.id),
        legs=[
            Leg(owner, kind, symbol, sign * quantity)
            for symbol, quantity in units.items()
            for owner, kind, sign in (
                (portfolio.id, AccountKind.SECURITIES, 1),
                (None, AccountKind.CLEARING, -1),
            )
        ],
    )
    for row in rows:
        lot_open(
            portfolio,
            row.symbol,
            row.quantity,
            row.cost,
            datetime.combine(row.acquired_on, NOON),
            origin=LotOrigin.IMPORT,
            entry_id=entry.id,
            currency=row.currency,
            fx_rate=fx_rate(row.currency, portfolio.currency, on=row.acquired_on).rate,
            opened_at=now,
        )
    worth = _worth(portfolio, rows, units)
    event = batch.apply(entry.id, worth.amount, officer=officer, at=now)
    batch.save()
    ValueFlow.objects.create(
        portfolio=portfolio, amount=worth.amount, reference=batch.id, occurred_at=now
    )
    emit(event, actor=actor)


def _worth(portfolio: Portfolio, rows: list[ImportedLot], units: dict[str, Decimal]) -> Money:
    """Return what came in at the last prices, else its cost, in the portfolio's currency."""
    quotes, total = quotes_get(units), Decimal(0)
    today = timezone.now().date()
    currencies = {row.symbol: row.currency for row in rows}
    for symbol, quantity in units.items():
        quote = quotes.get(symbol)
        cost = sum((row.cost for row in rows if row.symbol == symbol), Decimal(0))
        amount = quantity * quote.last if quote else cost
        rate = fx_rate(currencies[symbol], portfolio.currency, on=today)
        total += rate.convert(amount, portfolio.currency).amount
    return Money(total, portfolio.currency)
