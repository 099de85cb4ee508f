"""An entity's owners and controllers over REST: parties, what they hold, and what follows."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.compliance.api.answers import answers_schema
from apps.compliance.domain.ownership import Role
from apps.compliance.domain.questions_party import PARTY_STEPS
from apps.compliance.selectors.ownership import ownership_of
from apps.compliance.services.ownership import (
    holding_remove,
    holding_save,
    party_remove,
    party_save,
)
from apps.core.errors import Refused
from apps.infrastructure.api.fields import DecimalField
from apps.infrastructure.api.serializers import InputSerializer
from apps.infrastructure.api.views import ApiView
from apps.users.actors import actor_of

ROLES = [role.value for role in Role]
PARTY_KINDS = [*PARTY_STEPS]
PARTY_SCHEMA = {
    "type": "object",
    "properties": {"kind": {"enum": PARTY_KINDS}, "answers": answers_schema(*PARTY_STEPS.values())},
    "required": ["kind", "answers"],
    "additionalProperties": False,
}


class HoldingInput(InputSerializer):
    """`owner` and `owned` are parties, null for the entity itself; votes go with the shares."""

    owner = serializers.UUIDField(allow_null=True)
    owned = serializers.UUIDField(allow_null=True)
    shares = DecimalField(max_digits=9, decimal_places=6, min_value=0, max_value=100)
    votes = DecimalField(max_digits=9, decimal_places=6, min_value=0, max_value=100, required=False)
    roles = serializers.ListField(child=serializers.ChoiceField(choices=ROLES), required=False)


class OwnershipPartyOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=PARTY_KINDS)
    name = serializers.CharField()
    answers = serializers.DictField()
    missing = serializers.ListField(child=serializers.CharField())
    is_signatory = serializers.BooleanField()


class OwnershipHoldingOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    owner = serializers.UUIDField(source="owner_id", allow_null=True)
    owned = serializers.UUIDField(source="owned_id", allow_null=True)
    shares = DecimalField(max_digits=9, decimal_places=6)
    votes = DecimalField(max_digits=9, decimal_places=6)
    roles = serializers.ListField(child=serializers.ChoiceField(choices=ROLES))


class BeneficialOwnerOutput(serializers.Serializer[Any]):
    party_id = serializers.UUIDField()
    name = serializers.CharField()
    ownership = serializers.CharField()
    controlled = serializers.CharField()
    controlled_votes = serializers.CharField()
    is_beneficial = serializers.BooleanField()
    grounds = serializers.ListField(child=serializers.CharField())
    paths = serializers.ListField(child=serializers.CharField())


class OwnershipOutput(serializers.Serializer[Any]):
    parties = OwnershipPartyOutput(many=True)
    holdings = OwnershipHoldingOutput(many=True)
    owners = BeneficialOwnerOutput(many=True)
    answerable = serializers.ListField(child=serializers.CharField())
    exempted = serializers.CharField()
    unexplained = serializers.CharField()
    gaps = serializers.ListField(child=serializers.CharField())
    is_complete = serializers.BooleanField()


def _shown(request: Request) -> Response:
    return Response(OwnershipOutput(ownership_of(actor_of(request).pk)).data)


class OwnershipView(ApiView):
    @extend_schema(operation_id="kyc_ownership_retrieve", responses={200: OwnershipOutput})
    def get(self, request: Request) -> Response:
        return _shown(request)


class PartyView(ApiView):
    """A party under an id that its author chooses, so that a repeated request makes no second."""

    @extend_schema(
        operation_id="kyc_party_save",
        request={"application/json": PARTY_SCHEMA},
        responses={200: OwnershipOutput},
    )
    def put(self, request: Request, party_id: UUID) -> Response:
        asked = request.data if isinstance(request.data, dict) else {}
        kind, answers = asked.get("kind"), asked.get("answers")
        known = {*asked} == {"kind", "answers"}
        if not known or not isinstance(kind, str) or not isinstance(answers, dict):
            raise serializers.ValidationError({"answers": "A kind and its answers are needed."})
        user = actor_of(request)
        if kind in PARTY_STEPS and not {*answers} <= {*PARTY_STEPS[kind].by_name}:
            raise Refused("Another kind of party is asked that.", code="question_not_asked")
        party_save(actor=user, party_id=party_id, kind=kind, answers=answers)
        return _shown(request)

    @extend_schema(operation_id="kyc_party_remove", responses={204: None})
    def delete(self, request: Request, party_id: UUID) -> Response:
        party_remove(actor=actor_of(request), party_id=party_id)
        return Response(status=204)


class HoldingView(ApiView):
    @extend_schema(
        operation_id="kyc_holding_save", request=HoldingInput, responses={200: OwnershipOutput}
    )
    def put(self, request: Request, holding_id: UUID) -> Response:
        asked: Any = self.validated(HoldingInput(data=request.data))
        user = actor_of(request)
        holding_save(
            actor=user,
            holding_id=holding_id,
            owner_id=asked["owner"],
            owned_id=asked["owned"],
            shares=asked["shares"],
            votes=asked.get("votes"),
            roles=asked.get("roles", ()),
        )
        return _shown(request)

    @extend_schema(operation_id="kyc_holding_remove", responses={204: None})
    def delete(self, request: Request, holding_id: UUID) -> Response:
        holding_remove(actor=actor_of(request), holding_id=holding_id)
        return Response(status=204)
