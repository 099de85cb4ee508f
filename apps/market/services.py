"""Commands of the market: what is listed, what may trade, and which prices are known."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from decimal import Decimal

import structlog
from celery import current_app
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from apps.audit.services import emit
from apps.core.commands import command
from apps.core.errors import InvalidInput, NotFound
from apps.core.events import DomainEvent
from apps.infrastructure.keyvalue import channel_of, redis_client
from apps.market import repositories
from apps.market.domain.bars import DailyBar
from apps.market.domain.catalogue import LISTINGS
from apps.market.domain.quotes import Quote
from apps.market.domain.wire import QUOTES_CHANNEL, batch_message
from apps.market.events import BarsLoaded, ReferenceRatesLoaded
from apps.market.models import Instrument, LastQuote, Tick
from apps.market.providers.ecb import RateFile
from apps.market.providers.packaged import BarFile
from apps.users.models import User

logger = structlog.get_logger(__name__)
REASON_LENGTH = 300
CLOCK_TOLERANCE = timedelta(seconds=5)
QUOTE_TASK_EXPIRES_SECONDS = 10
REPORT_EVERY_ROWS = 5000
# What a new symbol takes over from the old one.
SUCCEEDED = (
    *("name", "exchange", "asset_class", "currency", "sector", "lot_size", "tick_size"),
    *("bar_source", "is_restricted"),
)


@command
def instruments_list_catalogue(*, actor: User | None) -> list[Instrument]:
    """List every instrument of the packaged history that is not listed yet; return the new ones.

    What is listed already is left as it is: a halt or a restriction survives.
    """
    known = set(Instrument.objects.values_list("symbol", flat=True))
    created = []
    for listing in LISTINGS:
        if listing.symbol in known:
            continue
        instrument = Instrument.objects.create(**asdict(listing))
        emit(instrument.listed(), actor=actor)
        created.append(instrument)
    return created


@command
def instrument_halt(*, actor: User, symbol: str, reason: str) -> Instrument:
    """Stop trading in the instrument; raises NotFound, InvalidInput, IllegalTransition."""
    return _change(actor, symbol, lambda instrument: instrument.halt(_checked(reason)))


@command
def instrument_resume(*, actor: User, symbol: str, reason: str) -> Instrument:
    """Let a halted instrument trade again; raises NotFound, InvalidInput, IllegalTransition."""
    return _change(actor, symbol, lambda instrument: instrument.resume(_checked(reason)))


@command
def instrument_restrict(*, actor: User, symbol: str, reason: str) -> Instrument:
    """Put the instrument on the restricted list; raises NotFound, InvalidInput, Conflict."""
    return _change(actor, symbol, lambda instrument: instrument.restrict(_checked(reason)))


@command
def instrument_release(*, actor: User, symbol: str, reason: str) -> Instrument:
    """Take the instrument off the restricted list; raises NotFound, InvalidInput, Conflict."""
    return _change(actor, symbol, lambda instrument: instrument.release(_checked(reason)))


@command
def instrument_delist(*, symbol: str, new_symbol: str = "") -> Instrument:
    """Take the instrument off the market for good; twice is once.  Raises NotFound."""
    instrument = Instrument.objects.locked(symbol)
    if instrument is None:
        raise NotFound("There is no such instrument.", field="symbol")
    if instrument.status != Instrument.Status.DELISTED:
        event = instrument.delist(new_symbol=new_symbol)
        instrument.save()
        emit(event, actor=None)
    return instrument


@command
def instrument_rename(*, symbol: str, new_symbol: str) -> Instrument:
    """Delist the symbol, list the new one with the same terms where it is not, and return that.

    Twice is once.  Raises NotFound.
    """
    old = instrument_delist(symbol=symbol, new_symbol=new_symbol)
    found = Instrument.objects.locked(new_symbol)
    if found is not None:
        return found
    new = Instrument(
        symbol=new_symbol,
        **{name: getattr(old, name) for name in SUCCEEDED},
    )
    new.save(force_insert=True)
    emit(new.listed(), actor=None)
    return new


@command
def quote_restate(*, symbol: str, ratio: tuple[Decimal, Decimal], at: datetime) -> bool:
    """Put the last quote into the units after a split, if it is from before; say whether it was.

    `ratio` is new units and old units.  No event: the next quote of the market takes its place.
    """
    row = LastQuote.objects.filter(symbol=symbol, at__lt=at).first()
    if row is None:
        return False
    quote = row.as_quote().restated(ratio, at=at)
    if not repositories.upsert_last_quotes([quote]):
        return False
    transaction.on_commit(lambda: repositories.remember_quotes([quote]))
    return True


def _change(actor: User, symbol: str, move: Callable[[Instrument], DomainEvent]) -> Instrument:
    instrument = Instrument.objects.locked(symbol)
    if instrument is None:
        raise NotFound("There is no such instrument.", field="symbol")
    event = move(instrument)
    instrument.save()
    emit(event, actor=actor)
    return instrument


def _checked(reason: str) -> str:
    """Return the reason, trimmed; it stays in the audit trail and names no person."""
    text = reason.strip()
    if not 3 <= len(text) <= REASON_LENGTH or "\x00" in text:
        raise InvalidInput(f"A reason has 3 to {REASON_LENGTH} characters.", field="reason")
    return text


@command
def bars_load(
    *, actor: User | None, bar_file: BarFile, progress: Callable[[int], None] = lambda _: None
) -> int:
    """Write the file's daily bars; return how many rows were new or different.

    Loading a file again changes nothing and leaves no event.  `progress` hears the rows read.
    """
    read = 0

    def counted() -> Iterator[DailyBar]:
        nonlocal read
        for bar in bar_file.bars():
            read += 1
            if read % REPORT_EVERY_ROWS == 0:
                progress(read)
            yield bar
        progress(read)

    with transaction.atomic(using="timescale"):
        changed = repositories.upsert_bars(bar_file.source, counted())
        if changed:
            event = BarsLoaded(
                stream=f"market-bars-{bar_file.source}",
                source=bar_file.source,
                file=bar_file.path.name,
                sha256=bar_file.sha256(),
                rows=read,
                changed=changed,
            )
            emit(event, actor=actor)
    return changed


@command
def rates_load(*, actor: User | None, rate_file: RateFile) -> int:
    """Write the file's reference rates; return how many were new or different.

    Loading a file again changes nothing and leaves no event; a rate that the file lacks stays.
    Raises InvalidInput for a file of another form: nothing is written.
    """
    rates = list(rate_file.rates())
    changed = repositories.upsert_rates(rate_file.source, rates)
    if changed:
        event = ReferenceRatesLoaded(
            stream="market-reference-rates",
            source=rate_file.source,
            sha256=rate_file.sha256(),
            newest_date=max(rate.day for rate in rates).isoformat(),
            rates=len(rates),
            changed=changed,
        )
        emit(event, actor=actor)
    return changed


def quotes_ingest(*, ticks: Sequence[Quote], replayed_on: date | None = None) -> list[str]:
    """Make newer quotes the last ones, tell the feed and QUOTE_TASKS; return what moved, sorted.

    Quotes of unknown symbols and from the future are dropped and logged; of several for one
    symbol the newest counts, and a late one never replaces a newer.  Running twice with the same
    quotes changes nothing.  Orders depend on the last quotes, so they are written first; the
    ticks follow, and a time series that is down fails the call only after trading was served.

    No event: a price is a fact of others, and the tick table keeps it.
    """
    valid = _valid(ticks)
    newest: dict[str, Quote] = {}
    for quote in valid:
        if quote.symbol not in newest or quote.at > newest[quote.symbol].at:
            newest[quote.symbol] = quote
    if not newest:
        return []
    moved = sorted(repositories.upsert_last_quotes(list(newest.values())))
    if moved:
        fresh = [newest[symbol] for symbol in moved]
        repositories.remember_quotes(fresh)
        _publish(batch_message(fresh, replayed_on))
        _tell_tasks(moved)
    with transaction.atomic(using="timescale"):
        repositories.insert_ticks(valid)
    return moved


def _valid(ticks: Sequence[Quote]) -> list[Quote]:
    symbols = {quote.symbol for quote in ticks}
    known = set(Instrument.objects.filter(symbol__in=symbols).values_list("symbol", flat=True))
    latest = timezone.now() + CLOCK_TOLERANCE
    valid = [quote for quote in ticks if quote.symbol in known and quote.at <= latest]
    if len(valid) < len(ticks):
        logger.warning(
            "quotes_dropped", dropped=len(ticks) - len(valid), unknown=sorted(symbols - known)[:20]
        )
    return valid


def _publish(message: str) -> None:
    """Tell the feed processes; while Redis is down the clients see the feed as stale."""
    try:
        redis_client().publish(channel_of(QUOTES_CHANNEL), message)
    except RedisError as error:
        logger.warning("quotes_publish_failed", error=type(error).__name__)


def _tell_tasks(symbols: list[str]) -> None:
    for name in settings.QUOTE_TASKS:
        try:
            current_app.send_task(name, args=[symbols], expires=QUOTE_TASK_EXPIRES_SECONDS)
        except (OSError, RedisError, KombuError) as error:
            logger.warning("quote_task_not_sent", task=name, error=type(error).__name__)


def ticks_prune(*, retention_days: int) -> int:
    """Delete ticks older than that many days; return how many."""
    oldest = timezone.now() - timedelta(days=retention_days)
    deleted, _ = Tick.objects.filter(time__lt=oldest).delete()
    return deleted
