"""Commands on money that changes currency, through the firm's exchange account."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.core import signing
from django.utils import timezone
from django.utils.module_loading import import_string

from apps.audit.services import emit
from apps.core.commands import command
from apps.core.domain.money import Money
from apps.core.errors import Conflict, InvalidInput
from apps.ledger.domain.legs import AccountKind, Leg
from apps.ledger.services import entry_post
from apps.market.selectors import fx_rate
from apps.trading.domain.conversions import Quote, Terms, convert
from apps.trading.models import Conversion, Portfolio
from apps.trading.services.drafts import own_portfolio
from apps.users.models import User

MAX_KEY_LENGTH = 100
MAX_TOKEN_LENGTH = 1000
SALT = "trading.conversion"


@dataclass(frozen=True, slots=True)
class _Offer:
    """What a token says: which quote, of whom, its terms and its end."""

    id: UUID
    portfolio_id: UUID
    terms: Terms
    expires_at: datetime


def conversion_preview(*, actor: User, portfolio_id: UUID, amount: Money, target: str) -> Quote:
    """Return the terms for the amount and a token with which `conversion_make` keeps them.

    They hold for settings.CONVERSION["quote_seconds"].  Writes nothing.  Raises NotFound (not the
    actor's portfolio), InvalidInput, Unavailable `fx_rate_unavailable`.
    """
    portfolio = own_portfolio(actor, portfolio_id, is_locked=False)
    reference = fx_rate(amount.currency, target, on=timezone.now().date(), rounding=ROUND_FLOOR)
    terms = convert(
        amount,
        target,
        reference=reference.rate,
        on=reference.on,
        source=reference.source,
        spread_bps=Decimal(settings.CONVERSION["spread_bps"]),
    )
    expires_at = timezone.now() + timedelta(seconds=settings.CONVERSION["quote_seconds"])
    offer = _Offer(uuid4(), portfolio.id, terms, expires_at)
    return Quote(terms, expires_at, signing.dumps(_packed(offer), salt=SALT))


@command
def conversion_make(
    *, actor: User, portfolio_id: UUID, token: str, idempotency_key: str
) -> Conversion:
    """Convert at the quoted rate, once, and return the conversion.

    Four postings: the firm's FX account takes what is sold and gives what is bought.  The same key
    with the same quote returns the first conversion.

    Raises NotFound (not the actor's portfolio), InvalidInput, Conflict (`quote_invalid`,
    `quote_expired`, `quote_used`, `idempotency_key_reused`), Refused `insufficient_funds` or what
    a check of settings.CASH_CHECKS says.
    """
    if not 0 < len(idempotency_key) <= MAX_KEY_LENGTH:
        raise InvalidInput("A conversion needs a key.", field="idempotency_key")
    offer = _unpacked(token)
    portfolio = own_portfolio(actor, portfolio_id, is_locked=True)
    if offer.portfolio_id != portfolio.id:
        raise Conflict("The quote is of another portfolio.", code="quote_invalid")
    known = Conversion.objects.keyed(portfolio.id, idempotency_key)
    if known is not None:
        if known.id != offer.id:
            raise Conflict("The key has another conversion.", code="idempotency_key_reused")
        return known
    if Conversion.objects.filter(id=offer.id).exists():
        raise Conflict("The quote was used already.", code="quote_used")
    if timezone.now() > offer.expires_at:
        raise Conflict("The quote has expired: ask for a new one.", code="quote_expired")
    for path in settings.CASH_CHECKS:
        import_string(path)(portfolio.client_id)
    return _made(actor, portfolio, offer, idempotency_key)


def _made(actor: User, portfolio: Portfolio, offer: _Offer, key: str) -> Conversion:
    terms = offer.terms
    entry = entry_post(
        actor=actor,
        idempotency_key=f"conversion-{offer.id}",
        kind="CONVERSION",
        reference=str(offer.id),
        legs=[
            Leg(portfolio.id, AccountKind.CASH, terms.sold.currency, -terms.sold.amount),
            Leg(None, AccountKind.FX, terms.sold.currency, terms.sold.amount),
            Leg(None, AccountKind.FX, terms.bought.currency, -terms.bought.amount),
            Leg(portfolio.id, AccountKind.CASH, terms.bought.currency, terms.bought.amount),
        ],
    )
    conversion = Conversion(
        id=offer.id,
        portfolio=portfolio,
        sold_amount=terms.sold.amount,
        sold_currency=terms.sold.currency,
        bought_amount=terms.bought.amount,
        bought_currency=terms.bought.currency,
        reference_rate=terms.reference,
        reference_date=terms.reference_on,
        spread_bps=terms.spread_bps,
        rate=terms.rate,
        idempotency_key=key,
        entry_id=entry.id,
    )
    conversion.save(force_insert=True)
    emit(conversion.converted(), actor=actor)
    return conversion


def _packed(offer: _Offer) -> dict[str, Any]:
    terms = offer.terms
    return {
        "id": str(offer.id),
        "portfolio": str(offer.portfolio_id),
        "sold": [f"{terms.sold.amount:f}", terms.sold.currency],
        "bought": [f"{terms.bought.amount:f}", terms.bought.currency],
        "reference": [f"{terms.reference:f}", terms.reference_on.isoformat(), terms.source],
        "spread": f"{terms.spread_bps:f}",
        "rate": f"{terms.rate:f}",
        "expires": offer.expires_at.isoformat(),
    }


def _unpacked(token: str) -> _Offer:
    try:
        said = signing.loads(token[:MAX_TOKEN_LENGTH], salt=SALT)
    except (signing.BadSignature, ValueError) as error:
        raise Conflict("This is no quote of ours.", code="quote_invalid") from error
    rate, day, source = said["reference"]
    terms = Terms(
        sold=Money.of(*said["sold"]),
        bought=Money.of(*said["bought"]),
        reference=Decimal(rate),
        reference_on=date.fromisoformat(day),
        source=source,
        spread_bps=Decimal(said["spread"]),
        rate=Decimal(said["rate"]),
    )
    return _Offer(
        id=UUID(said["id"]),
        portfolio_id=UUID(said["portfolio"]),
        terms=terms,
        expires_at=datetime.fromisoformat(said["expires"]),
    )
