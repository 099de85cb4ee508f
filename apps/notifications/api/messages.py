"""A user's own notifications over REST."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.infrastructure.api.listing import PAGE_PARAMETERS, PAGE_QUERY, page_of, page_schema
from apps.infrastructure.api.views import ApiView
from apps.notifications.selectors import notification_list
from apps.notifications.services.messages import notification_read
from apps.users.actors import actor_of


class NotificationOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    kind = serializers.CharField()
    title = serializers.CharField()
    body = serializers.CharField()
    body_code = serializers.CharField()
    event_id = serializers.UUIDField()
    created_at = serializers.DateTimeField()
    read_at = serializers.DateTimeField(allow_null=True)


class NotificationListView(ApiView):
    query_parameters = PAGE_QUERY

    @extend_schema(
        parameters=PAGE_PARAMETERS,
        responses={200: page_schema("NotificationPage", NotificationOutput)},
    )
    def get(self, request: Request) -> Response:
        return page_of(self, request, notification_list(actor_of(request)), NotificationOutput)


class NotificationReadView(ApiView):
    @extend_schema(request=None, responses={200: NotificationOutput})
    def post(self, request: Request, notification_id: UUID) -> Response:
        notification = notification_read(actor=actor_of(request), notification_id=notification_id)
        return Response(NotificationOutput(notification).data)
