"""HTTP API of deposits and withdrawals."""

import hashlib
from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.domain.money import Money
from apps.infrastructure.api.fields import DecimalField
from apps.infrastructure.api.idempotency import idempotent
from apps.infrastructure.api.listing import PAGE_PARAMETERS, PAGE_QUERY, page_of, page_schema
from apps.infrastructure.api.serializers import InputSerializer
from apps.infrastructure.api.views import ApiView
from apps.trading.api.portfolios import CURRENCIES
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


class TransferOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    kind = serializers.CharField()
    status = serializers.CharField()
    amount = DecimalField()
    currency = serializers.CharField()
    counterparty_reference = serializers.CharField()
    failure_code = serializers.CharField()
    created_at = serializers.DateTimeField()
    settled_at = serializers.DateTimeField(allow_null=True)


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

    @extend_schema(
        request=TransferInput,
        responses={
            201: TransferOutput,
        },
    )
    @idempotent
    def post(self, request: Request, portfolio_id: UUID) -> Response:
        """Move money once per Idempotency-Key; the bank is simulated and settles at once."""
        data = TransferInput(data=request.data)
        data.is_valid(raise_exception=True)
        move = deposit_receive if self.kind == "DEPOSIT" else withdrawal_request
        transfer = move(
            actor=actor_of(request),
            portfolio_id=portfolio_id,
            amount=Money.of(data.validated_data["amount"], data.validated_data["currency"]),
            idempotency_key=f"api-{_digest(request.headers['Idempotency-Key'])}",
        )
        return Response(TransferOutput(transfer).data, status.HTTP_201_CREATED)


class DepositApi(TransferApi):
    kind = "DEPOSIT"


class WithdrawalApi(TransferApi):
    kind = "WITHDRAWAL"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Demand a fresh second factor before the key is looked at: no replay remembers a no."""
        super().initial(request, *args, **kwargs)
        if request.method == "POST":
            require_step_up(request)
