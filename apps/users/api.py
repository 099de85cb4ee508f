"""HTTP API of users: sign in, stay signed in, sign out, and who one is."""

from typing import Any
from uuid import UUID

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.errors import NotPermitted
from apps.infrastructure.api.fields import TextField
from apps.infrastructure.api.serializers import InputSerializer
from apps.infrastructure.api.views import ApiView
from apps.users import selectors
from apps.users.actors import actor_of, session_id_of
from apps.users.services.api_keys import NAME_LENGTH, api_key_create, api_key_revoke
from apps.users.services.attempts import TooManyAttempts
from apps.users.services.sessions import session_end, sessions_end
from apps.users.services.sign_in import SignInRefused, api_sign_in
from apps.users.services.step_up import step_up_confirm
from apps.users.services.tokens import (
    api_session_refresh,
    api_session_revoke,
)
from apps.users.services.ws_tokens import LIFE_SECONDS, ws_token_issue
from apps.users.step_up import require_step_up, session_of


class TokenInput(InputSerializer):
    email = TextField(max_length=254)
    password = TextField(max_length=128, trim_whitespace=False)
    otp = TextField(max_length=32, required=False, allow_blank=True, default="")


class TokenOutput(serializers.Serializer[Any]):
    access = serializers.CharField()
    refresh = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="Seconds that the access token lives.")


class RefreshInput(InputSerializer):
    refresh = TextField(max_length=100)


class StepUpInput(InputSerializer):
    otp = TextField(max_length=32)


class StepUpOutput(serializers.Serializer[Any]):
    expires_at = serializers.DateTimeField(help_text="Until when the second factor is fresh.")


class WsTokenOutput(serializers.Serializer[Any]):
    token = serializers.CharField()
    expires_in = serializers.IntegerField()


class AccountOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    email = serializers.EmailField()
    display_name = serializers.CharField()
    roles = serializers.ListField(child=serializers.CharField())
    has_second_factor = serializers.BooleanField()


class SessionOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=["PORTAL", "API"])
    methods = serializers.ListField(child=serializers.CharField())
    device = serializers.CharField(help_text="As the device's own User-Agent header names it.")
    address = serializers.CharField(help_text="The address that signed in.")
    country = serializers.CharField(
        help_text="ISO 3166 code of the country where the network is registered, or empty."
    )
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(help_text="When it ends however much it is used.")
    is_current = serializers.BooleanField()


class EndedOutput(serializers.Serializer[Any]):
    ended = serializers.IntegerField()


class SignInApi(ApiView):
    """Views for those who are not signed in: a stale access token is not even looked at."""

    authentication_classes = ()
    permission_classes = ()

    def get_authenticate_header(self, request: Request) -> str:
        return "Bearer"


class TokenApi(SignInApi):
    @extend_schema(
        request=TokenInput,
        responses={200: TokenOutput},
        auth=[],
    )
    def post(self, request: Request) -> Response:
        """Sign in with password and second factor."""
        data = TokenInput(data=request.data)
        data.is_valid(raise_exception=True)
        values = data.validated_data
        try:
            pair = api_sign_in(
                email=values["email"],
                password=values["password"],
                code=values["otp"],
                address=request.META.get("REMOTE_ADDR", ""),
                user_agent=request.headers.get("User-Agent", ""),
            )
        except SignInRefused as refusal:
            raise AuthenticationFailed(refusal.message, code=refusal.code) from refusal
        except TooManyAttempts as refusal:
            raise Throttled(wait=refusal.retry_after, code=refusal.code) from refusal
        return Response(TokenOutput(pair).data)


class RefreshApi(SignInApi):
    @extend_schema(
        request=RefreshInput,
        responses={200: TokenOutput},
        auth=[],
    )
    def post(self, request: Request) -> Response:
        """Exchange a refresh token; its second use ends the session."""
        data = RefreshInput(data=request.data)
        data.is_valid(raise_exception=True)
        pair = api_session_refresh(refresh=data.validated_data["refresh"])
        if pair is None:
            raise AuthenticationFailed("The refresh token is not valid.", code="invalid_token")
        return Response(TokenOutput(pair).data)


class RevokeApi(SignInApi):
    @extend_schema(request=RefreshInput, responses={204: None}, auth=[])
    def post(self, request: Request) -> Response:
        """End the session of a refresh token; an unknown token is no error (RFC 7009)."""
        data = RefreshInput(data=request.data)
        data.is_valid(raise_exception=True)
        api_session_revoke(refresh=data.validated_data["refresh"])
        return Response(status=status.HTTP_204_NO_CONTENT)


class StepUpApi(ApiView):
    @extend_schema(request=StepUpInput, responses={200: StepUpOutput})
    def post(self, request: Request) -> Response:
        """Prove the second factor again, for what needs a fresh one."""
        data = StepUpInput(data=request.data)
        data.is_valid(raise_exception=True)
        session = session_of(request)
        if session is None:
            raise NotPermitted("This way to sign in cannot step up.", code="step_up_unavailable")
        try:
            until = step_up_confirm(
                user=actor_of(request), session=session, token=data.validated_data["otp"]
            )
        except TooManyAttempts as refusal:
            raise Throttled(wait=refusal.retry_after, code=refusal.code) from refusal
        return Response(StepUpOutput({"expires_at": until}).data)


class WsTokenApi(ApiView):
    @extend_schema(
        request=None,
        responses={201: WsTokenOutput},
    )
    def post(self, request: Request) -> Response:
        """Make a token that opens one WebSocket connection, whose Origin header is our address."""
        proof, user = request.auth, actor_of(request)
        if user.reach:
            token = ws_token_issue(user, api_key_id=str(proof.pk))
        elif proof:
            token = ws_token_issue(user, api_session_id=str(proof.pk))
        else:
            token = ws_token_issue(user, portal_session_id=str(session_id_of(request) or ""))
        body = {"token": token, "expires_in": LIFE_SECONDS}
        return Response(WsTokenOutput(body).data, status=status.HTTP_201_CREATED)


class AccountApi(ApiView):
    @extend_schema(responses={200: AccountOutput})
    def get(self, request: Request) -> Response:
        """Say who is signed in."""
        return Response(AccountOutput(selectors.account_get(actor_of(request))).data)


class SessionListApi(ApiView):
    @extend_schema(responses={200: SessionOutput(many=True)})
    def get(self, request: Request) -> Response:
        """List one's live sessions, of the portal and of the API, newest first."""
        rows = selectors.session_list(actor_of(request), current_id=session_id_of(request))
        return Response(SessionOutput(rows, many=True).data)

    @extend_schema(operation_id="sessions_end_others", responses={200: EndedOutput})
    def delete(self, request: Request) -> Response:
        """End all of one's sessions but the one that asks."""
        actor = actor_of(request)
        keep = session_id_of(request)
        ended = sessions_end(actor=actor, user_id=actor.pk, reason="ASKED", keep=keep)
        return Response(EndedOutput({"ended": ended}).data)


class SessionApi(ApiView):
    @extend_schema(responses={204: None})
    def delete(self, request: Request, session_id: UUID) -> Response:
        """End one of one's sessions, with its tokens and open connections."""
        session_end(actor=actor_of(request), session_id=session_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class ApiKeyInput(InputSerializer):
    name = TextField(max_length=NAME_LENGTH)
    mode = serializers.ChoiceField(
        choices=["PAPER", "LIVE"], help_text="The portfolios that the key reaches."
    )
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=sorted(settings.API_KEY_SCOPES)),
        min_length=1,
        max_length=len(settings.API_KEY_SCOPES),
    )
    expires_in_days = serializers.IntegerField(
        min_value=1, max_value=settings.API_KEYS["days_most"], default=90
    )
    networks = serializers.ListField(
        child=TextField(max_length=50),
        max_length=settings.API_KEYS["networks_most"],
        default=list,
        help_text="Where the key may be used from, in CIDR; empty is anywhere.",
    )
    per_minute = serializers.IntegerField(
        min_value=1,
        max_value=settings.API_KEYS["per_minute_most"],
        default=settings.API_KEYS["per_minute"],
    )


class ApiKeyOutput(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    hint = serializers.CharField(help_text="How the key begins.")
    mode = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())
    networks = serializers.ListField(child=serializers.CharField())
    per_minute = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(allow_null=True)
    last_used_from = serializers.CharField(help_text="A network, not an address.")


class NewApiKeyOutput(ApiKeyOutput):
    key = serializers.CharField(help_text="Shown this once.")


class ApiKeyListApi(ApiView):
    @extend_schema(responses={200: ApiKeyOutput(many=True)})
    def get(self, request: Request) -> Response:
        """List one's live API keys, newest first."""
        rows = selectors.api_key_list(actor_of(request))
        return Response(ApiKeyOutput(rows, many=True).data)

    @extend_schema(request=ApiKeyInput, responses={201: NewApiKeyOutput})
    def post(self, request: Request) -> Response:
        """Make an API key; needs a fresh second factor."""
        require_step_up(request)
        data = ApiKeyInput(data=request.data)
        data.is_valid(raise_exception=True)
        values = data.validated_data
        key, text = api_key_create(
            actor=actor_of(request),
            name=values["name"],
            mode=values["mode"],
            scopes=values["scopes"],
            days=values["expires_in_days"],
            networks=values["networks"],
            per_minute=values["per_minute"],
        )
        body = {**ApiKeyOutput(key).data, "key": text}
        return Response(body, status=status.HTTP_201_CREATED)


class ApiKeyApi(ApiView):
    @extend_schema(responses={204: None})
    def delete(self, request: Request, key_id: UUID) -> Response:
        """Revoke one of one's API keys; it stops at once."""
        api_key_revoke(actor=actor_of(request), key_id=key_id)
        return Response(status=status.HTTP_204_NO_CONTENT)
