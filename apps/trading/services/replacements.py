"""Commands that put an order under other terms while it works."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from uuid import UUID

from django.utils import timezone

from apps.audit.services import emit
from apps.core.commands import command
from apps.core.domain.instruments import PRICE_PLACES, QUANTITY_PLACES
from apps.core.errors import Conflict, IllegalTransition, InvalidInput, NotFound, Stale
from apps.trading.domain.orders import OrderDraft, OrderStatus, Side
from apps.trading.domain.risk import CheckResult, require
from apps.trading.models import Order, Replacement
from apps.trading.models.replacement import written
from apps.trading.services.assessment import assess
from apps.trading.services.drafts import check_client_order_id, digest_of, draft_of, positive
from apps.trading.services.holds import hold_free, hold_move, hold_needed
from apps.trading.services.instructions import replace_instruct
from apps.trading.services.locks import order_locked
from apps.trading.services.refusals import written_down
from apps.trading.services.rules import rules_hold
from apps.trading.venues import PAPER_VENUE
from apps.trading.venues.base import PaperOrder, VenueStatus
from apps.users.models import User

# What also an order that asks for less, or for a worse price, has to pass.
ALWAYS = frozenset({"tick_size", "lot_size", "price_collar", "order_too_small"})


@command
def order_replace(
    *,
    actor: User,
    order_id: UUID,
    client_order_id: str,
    quantity: Decimal | None = None,
    limit_price: Decimal | None = None,
    stop_price: Decimal | None = None,
    trail_amount: Decimal | None = None,
    trail_percent: Decimal | None = None,
    version: str | None = None,
) -> Order:
    """Ask the venue to work the order under new terms and return it as PENDING_REPLACE.

    What is not given stays.  `quantity` is the whole order's, as in FIX: what filled counts
    towards it.  The order keeps its id and its fills; `client_order_id` names the replacement, and
    the same one with the same terms is asked once.  Every check runs again where the order would
    buy or sell more or pay more, and what it then holds more is held before the venue is asked.
    `version` is the ETag of the order that the client saw.

    Raises NotFound, InvalidInput, Stale, IllegalTransition, Refused with the code of a check, and
    Conflict: `quantity_filled`, `quantity_of_group`, `nothing_changes`, `idempotency_mismatch`.
    """
    check_client_order_id(client_order_id)
    asked = {
        "quantity": positive(quantity, QUANTITY_PLACES, "quantity"),
        "limit_price": positive(limit_price, PRICE_PLACES, "limit_price"),
        "stop_price": positive(stop_price, PRICE_PLACES, "stop_price"),
        "trail_amount": positive(trail_amount, PRICE_PLACES, "trail_amount"),
        "trail_percent": positive(trail_percent, PRICE_PLACES, "trail_percent"),
    }
    if not Order.objects.owned_by(actor).filter(id=order_id).exists():
        raise NotFound("There is no such order.")
    order = order_locked(order_id)
    digest = digest_of(str(order_id), asked)
    if _is_known(order, client_order_id, digest):
        return order
    if version is not None and version != order.version:
        raise Stale("The order has changed since you read it.")
    _check_state(order)
    draft = _draft(order, asked)
    rules = rules_hold(order.portfolio, order.symbol)
    assessment = assess(draft, order.portfolio, now=timezone.now(), rules=rules, revises=order)
    if assessment.worst_price is None or assessment.quantity is None:
        raise Conflict("There is no price for this order now.", code="quote_missing")
    terms = {**_terms(draft), "stop_price": assessment.stop_price}
    if terms == order.terms:
        raise Conflict("The order has these terms already.", code="nothing_changes")
    _check_quantity(order, assessment.quantity)
    checks = _that_matter(order, terms, assessment.worst_price, assessment.checks)
    with written_down(draft, checks, actor=actor, client_order_id=client_order_id, replaces=order):
        require(checks)
    if assessment.estimate is not None:
        order.estimated_value = max(order.estimated_value, assessment.estimate.amount)
    replacement = Replacement(
        order=order,
        portfolio=order.portfolio,
        client_order_id=client_order_id,
        before=written(order.terms),
        after=written(terms),
        worst_price=assessment.worst_price,
        terms_digest=digest,
    )
    replacement.save(force_insert=True)
    if order.is_waiting:
        return _apply(order, replacement, actor=actor, held=Decimal(0))
    return _request(order, replacement, actor)


@command
def replace_route(*, order_id: UUID) -> Order:
    """Tell the venue of a requested replacement; the paper venue agrees at once.

    Safe to repeat.  Raises NotFound.
    """
    order = order_locked(order_id)
    if order.status != OrderStatus.PENDING_REPLACE:
        return order
    if order.mode == order.portfolio.Mode.LIVE:
        replace_instruct(order, order.replacements.get(status=OrderStatus.PENDING_REPLACE))
    elif PAPER_VENUE.replace(PaperOrder.of(order)).status is VenueStatus.REPLACED:
        replace_confirm(order)
    return order


def replace_confirm(order: Order) -> None:
    """Put a locked order under the terms that its venue has taken; without a request, nothing.

    Where fills or money went another way meanwhile, the order goes on under its old terms.
    """
    replacement = order.replacements.filter(status=OrderStatus.PENDING_REPLACE).first()
    if replacement is None:
        return
    if _is_exit(order):
        _apply(order, replacement, actor=None, held=order.held_amount)
        return
    quantity = replacement.terms["quantity"]
    if quantity is None or quantity <= order.filled_quantity:
        _reject(order, replacement, "quantity_filled")
        return
    held = hold_needed(order, quantity=quantity, worst_price=replacement.worst_price)
    more = held - order.held_amount
    if more > 0 and more > hold_free(order):
        _reject(order, replacement, "insufficient_buying_power")
        return
    hold_move(order, more, actor=None, key=f"replace-{replacement.id}")
    _apply(order, replacement, actor=None, held=held)


def replace_refuse(order: Order, *, reason: str) -> None:
    """Let a locked order go on under its old terms; without a request, nothing."""
    replacement = order.replacements.filter(status=OrderStatus.PENDING_REPLACE).first()
    if replacement is not None and order.status == OrderStatus.PENDING_REPLACE:
        _reject(order, replacement, reason)
    elif replacement is not None:
        # A request to cancel came after it, and outlasts it.
        replacement.answer(OrderStatus.REJECTED, reason=reason)
        replacement.save()


def _is_known(order: Order, client_order_id: str, digest: str) -> bool:
    """Return whether this very replacement was asked already; the portfolio's lock makes it one."""
    where = {"portfolio": order.portfolio, "client_order_id": client_order_id}
    first = Replacement.objects.filter(**where).first()
    if first is None and not Order.objects.filter(**where).exists():
        return False
    if first is None or first.terms_digest != digest:
        raise Conflict(
            "This client_order_id belongs to something else.", code="idempotency_mismatch"
        )
    return True


def _check_state(order: Order) -> None:
    if not (order.is_working or order.is_waiting):
        raise IllegalTransition(
            f"An order that is {order.status} cannot be replaced.",
            status=order.status,
            trigger="PENDING_UPDATE",
        )


def _draft(order: Order, asked: Mapping[str, Decimal | None]) -> OrderDraft:
    """Return the order as it would be; what its type has no use for is InvalidInput."""
    own = order.terms
    if order.mark_price is not None:
        # Changed from an amount to a percentage and back.
        own["stop_price"] = None
        if asked["trail_amount"] is not None or asked["trail_percent"] is not None:
            own["trail_amount"] = own["trail_percent"] = None
    if order.triggered_at is not None and any(
        asked[name] is not None for name in ("stop_price", "trail_amount", "trail_percent")
    ):
        raise InvalidInput("The order's stop has triggered already.", field="stop_price")
    wanted = {name: own[name] if value is None else value for name, value in asked.items()}
    return draft_of(
        portfolio=order.portfolio,
        symbol=order.symbol,
        side=order.side,
        order_type=order.order_type,
        time_in_force=order.time_in_force,
        **wanted,
    )


def _terms(draft: OrderDraft) -> dict[str, Decimal | None]:
    return {
        "quantity": draft.quantity,
        "limit_price": draft.limit_price,
        "trail_amount": draft.trail_amount,
        "trail_percent": draft.trail_percent,
    }


def _is_exit(order: Order) -> bool:
    return order.group_id is not None and order.side == Side.SELL


def _check_quantity(order: Order, quantity: Decimal) -> None:
    if order.group_id is not None and quantity != order.quantity:
        raise Conflict(
            "The quantity of orders that belong together follows their fills.",
            code="quantity_of_group",
        )
    if quantity <= order.filled_quantity:
        raise Conflict("As much has filled already; cancel the rest.", code="quantity_filled")


def _that_matter(
    order: Order,
    terms: Mapping[str, Decimal | None],
    worst_price: Decimal,
    checks: Iterable[CheckResult],
) -> list[CheckResult]:
    """Return all checks where the order would trade more or pay more, else those of form."""
    quantity = terms["quantity"] or Decimal(0)
    dearer = order.side == Side.BUY and worst_price > order.worst_price
    if quantity > order.quantity or dearer:
        return list(checks)
    return [check for check in checks if check.code in ALWAYS]


def _request(order: Order, replacement: Replacement, actor: User) -> Order:
    """Hold the more of the old and the new terms' need until the venue has answered."""
    event = order.request_replace(replacement_id=replacement.id, terms=replacement.terms)
    if not _is_exit(order):
        needed = hold_needed(
            order,
            quantity=replacement.terms["quantity"] or order.quantity,
            worst_price=replacement.worst_price,
        )
        more = max(needed - order.held_amount, Decimal(0))
        hold_move(order, more, actor=actor, key=f"replace-request-{replacement.id}")
        order.held_amount += more
    order.save()
    emit(event, actor=actor)
    return order


def _apply(order: Order, replacement: Replacement, *, actor: User | None, held: Decimal) -> Order:
    terms = replacement.terms
    if order.group_id is not None:
        # The fills of its group may have changed it since.
        terms["quantity"] = order.quantity
    event = order.replace(
        replacement_id=replacement.id,
        terms=terms,
        worst_price=replacement.worst_price,
        held=held,
    )
    order.save()
    replacement.answer(OrderStatus.REPLACED)
    replacement.save()
    emit(event, actor=actor)
    return order


def _reject(order: Order, replacement: Replacement, reason: str) -> Order:
    held = order.held_amount
    if not _is_exit(order):
        held = hold_needed(order, quantity=order.quantity, worst_price=order.worst_price)
        held = min(held, order.held_amount)
    hold_move(order, held - order.held_amount, actor=None, key=f"replace-reject-{replacement.id}")
    event = order.refuse_replace(replacement_id=replacement.id, reason=reason, held=held)
    order.save()
    replacement.answer(OrderStatus.REJECTED, reason=reason)
    replacement.save()
    emit(event, actor=None)
    return order
