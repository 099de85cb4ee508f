"""HTTP API of deposits and withdrawals."""

import hashlib
from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.domain.money import Money
from apps.infrastructure.api.fields import DecimalField, TextField
from apps.infrastructure.api.idempotency import idempotent
from apps.infrastructure.api.listing import PAGE_PARAMETERS, PAGE_QUERY, page_of, page_schema
from apps.infrastructure.api.serializers import InputSerializer
from apps.infrastructure.api.views import ApiView
from apps.trading.api.portfolios import CURRENCIES
from apps.trading.domain.parties import MAX_NAME, payee_of
from apps.trading.selectors.cash import transfer_list
from apps.trading.services.cash import deposit_receive, withdrawal_request
from apps.users.actors import actor_of
from apps.users.step_up import require_step_up


def _digest(key: str) -> str:
    """Return a name of fixed length: the header may be longer than the column."""
    return hashlib.sha256(key.encode()).hexdigest()


class TransferInput(InputSerializer):
    amount = DecimalField(min_value=0)
    currency = serializers.ChoiceField(choices=CURRENCIES, default="USD")


class PayeeInput(InputSerializer):
    """Somebody else than the client; `account` is an IBAN or the bank's number, as one word."""

    name = TextField(max_length=MAX_NAME)
    account = serializers.RegexField(r"\A[A-Z0-9]{5,34}\Z", trim_whitespace=False)
    country = serializers.RegexField(r"\A[A-Z]{2}\Z", trim_whitespace=False)


class WithdrawalInput(TransferInput):
    payee = PayeeInput(required=False)


class PartyOutput(serializers.Serializer[Any]):
    name = serializers.CharField()
    account = serializers.CharField(source="masked_account")
    country = serializers.CharField()


class TransferOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    kind = serializers.CharField()
    status = serializers.CharField(source="shown_status")
    party = PartyOutput(source="other_side")
    amount = DecimalField()
    currency = serializers.CharField()
    counterparty_reference = serializers.CharField()
    failure_code = serializers.CharField()
    created_at = serializers.DateTimeField()
    settled_at = serializers.DateTimeField(source="shown_settled_at", allow_null=True)


def _amount(data: Mapping[str, Any]) -> Money:
    return Money.of(data["amount"], data["currency"])


def _key(request: Request) -> str:
    return f"api-{_digest(request.headers['Idempotency-Key'])}"


class TransferApi(ApiView):
    """What deposits and withdrawals share."""

    query_parameters = PAGE_QUERY
    kind: ClassVar[str]

    @extend_schema(
        parameters=PAGE_PARAMETERS,
        responses={
            200: page_schema("CashTransferPage", TransferOutput),
        },
    )
    def get(self, request: Request, portfolio_id: UUID) -> Response:
        """List them, newest first."""
        transfers = transfer_list(actor_of(request), portfolio_id, self.kind)
        return page_of(self, request, transfers, TransferOutput)


class DepositApi(TransferApi):
    kind = "DEPOSIT"

    @extend_schema(request=TransferInput, responses={201: TransferOutput})
    @idempotent
    def post(self, request: Request, portfolio_id: UUID) -> Response:
        """Bring money in once per Idempotency-Key; the bank is simulated and settles at once."""
        data = self.validated(TransferInput(data=request.data))
        transfer = deposit_receive(
            actor=actor_of(request),
            portfolio_id=portfolio_id,
            amount=_amount(data),
            idempotency_key=_key(request),
        )
        return Response(TransferOutput(transfer).data, status.HTTP_201_CREATED)


class WithdrawalApi(TransferApi):
    kind = "WITHDRAWAL"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Demand a fresh second factor before the key is looked at: no replay remembers a no."""
        super().initial(request, *args, **kwargs)
        if request.method == "POST":
            require_step_up(request)

    @extend_schema(request=WithdrawalInput, responses={201: TransferOutput})
    @idempotent
    def post(self, request: Request, portfolio_id: UUID) -> Response:
        """Send money once per Idempotency-Key, to the client's own account or to the `payee`.

        What a payee is to get is PENDING until it is processed.
        """
        data: dict[str, Any] = self.validated(WithdrawalInput(data=request.data))
        transfer = withdrawal_request(
            actor=actor_of(request),
            portfolio_id=portfolio_id,
            amount=_amount(data),
            idempotency_key=_key(request),
            payee=payee_of(**data["payee"]) if "payee" in data else None,
        )
        return Response(TransferOutput(transfer).data, status.HTTP_201_CREATED)
