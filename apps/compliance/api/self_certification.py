"""A client's certificate of tax residence over REST: read the words, sign them."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.compliance.selectors.self_certification import certification_of
from apps.compliance.services.kyc import kyc_start
from apps.compliance.services.self_certification import self_certification_sign
from apps.infrastructure.api.fields import TextField
from apps.infrastructure.api.serializers import InputSerializer
from apps.infrastructure.api.views import ApiView
from apps.users.actors import actor_of


class SignatureInput(InputSerializer):
    """`wording_version` is that of the words that were read."""

    wording_version = TextField(max_length=10)


class SignatureOutput(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    wording_version = serializers.CharField()
    signed_at = serializers.DateTimeField()


class CertificationOutput(serializers.Serializer[Any]):
    wording = serializers.CharField()
    wording_version = serializers.CharField()
    is_in_force = serializers.BooleanField()
    signed = SignatureOutput(many=True)


def _shown(request: Request) -> Response:
    return Response(CertificationOutput(certification_of(kyc_start(actor=actor_of(request)))).data)


class SelfCertificationView(ApiView):
    @extend_schema(
        operation_id="kyc_self_certification_retrieve", responses={200: CertificationOutput}
    )
    def get(self, request: Request) -> Response:
        return _shown(request)

    @extend_schema(
        operation_id="kyc_self_certification_sign",
        request=SignatureInput,
        responses={200: CertificationOutput},
    )
    def post(self, request: Request) -> Response:
        asked: Any = self.validated(SignatureInput(data=request.data))
        user = actor_of(request)
        self_certification_sign(actor=user, wording_version=asked["wording_version"])
        return _shown(request)
