"""A client's webhooks over REST."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.infrastructure.api.fields import TextField
from apps.infrastructure.api.listing import PAGE_PARAMETERS, PAGE_QUERY, page_of, page_schema
from apps.infrastructure.api.serializers import InputSerializer
from apps.infrastructure.api.views import ApiView
from apps.infrastructure.outbound import URL_LENGTH
from apps.notifications.domain.webhooks import EVENT_TYPES
from apps.notifications.selectors import delivery_list, webhook_get, webhook_list
from apps.notifications.services.webhooks import (
    webhook_create,
    webhook_enable,
    webhook_revoke,
    webhook_test,
)
from apps.users.actors import actor_of
from apps.users.step_up import require_step_up


class WebhookInput(InputSerializer):
    url = TextField(max_length=URL_LENGTH, help_text="An https address on the public internet.")
    events = serializers.ListField(
        child=serializers.ChoiceField(choices=sorted(EVENT_TYPES)),
        min_length=1,
        max_length=len(EVENT_TYPES),
    )


class WebhookOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    url = serializers.CharField()
    events = serializers.ListField(child=serializers.CharField())
    failures = serializers.IntegerField(help_text="Tries in a row that did not arrive.")
    disabled_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class NewWebhookOutput(WebhookOutput):
    secret = serializers.CharField(help_text="Signs every delivery; shown this once.")


class WebhookDeliveryOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    event_id = serializers.UUIDField()
    event_type = serializers.CharField()
    status = serializers.CharField()
    attempts = serializers.IntegerField()
    response_status = serializers.IntegerField(allow_null=True)
    error_code = serializers.CharField()
    created_at = serializers.DateTimeField()
    delivered_at = serializers.DateTimeField(allow_null=True)


class WebhookListApi(ApiView):
    @extend_schema(responses={200: WebhookOutput(many=True)})
    def get(self, request: Request) -> Response:
        """List one's webhooks, newest first."""
        return Response(WebhookOutput(webhook_list(actor_of(request)), many=True).data)

    @extend_schema(request=WebhookInput, responses={201: NewWebhookOutput})
    def post(self, request: Request) -> Response:
        """Name an address that is told what happens; needs a fresh second factor."""
        require_step_up(request)
        data = WebhookInput(data=request.data)
        data.is_valid(raise_exception=True)
        webhook, secret = webhook_create(actor=actor_of(request), **data.validated_data)
        body = {**WebhookOutput(webhook).data, "secret": secret}
        return Response(body, status.HTTP_201_CREATED)


class WebhookApi(ApiView):
    @extend_schema(responses={200: WebhookOutput})
    def get(self, request: Request, webhook_id: UUID) -> Response:
        """Return one of one's webhooks."""
        return Response(WebhookOutput(webhook_get(actor_of(request), webhook_id)).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, webhook_id: UUID) -> Response:
        """Revoke one of one's webhooks; what waits for it is not sent."""
        webhook_revoke(actor=actor_of(request), webhook_id=webhook_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class WebhookTestApi(ApiView):
    @extend_schema(request=None, responses={202: WebhookDeliveryOutput})
    def post(self, request: Request, webhook_id: UUID) -> Response:
        """Send a delivery of the type `webhook.test`."""
        delivery = webhook_test(actor=actor_of(request), webhook_id=webhook_id)
        return Response(WebhookDeliveryOutput(delivery).data, status.HTTP_202_ACCEPTED)


class WebhookEnableApi(ApiView):
    @extend_schema(request=None, responses={200: WebhookOutput})
    def post(self, request: Request, webhook_id: UUID) -> Response:
        """Switch a webhook on again that failed too often."""
        webhook = webhook_enable(actor=actor_of(request), webhook_id=webhook_id)
        return Response(WebhookOutput(webhook).data)


class WebhookDeliveryListApi(ApiView):
    query_parameters = PAGE_QUERY

    @extend_schema(
        parameters=PAGE_PARAMETERS,
        responses={200: page_schema("WebhookDeliveryPage", WebhookDeliveryOutput)},
    )
    def get(self, request: Request, webhook_id: UUID) -> Response:
        """List what a webhook was told, newest first."""
        deliveries = delivery_list(actor_of(request), webhook_id)
        return page_of(self, request, deliveries, WebhookDeliveryOutput)
