"""Addresses of users: the API's, and the sign-in pages of the portal."""

from allauth.account import views as account
from django.urls import URLPattern, URLResolver, path, re_path

from apps.users import api
from apps.users.step_up import step_up_required
from apps.users.views import emails, second_factor, social

urlpatterns: list[URLPattern | URLResolver] = [
    path("auth/token", api.TokenApi.as_view()),
    path("auth/refresh", api.RefreshApi.as_view()),
    path("auth/revoke", api.RevokeApi.as_view()),
    path("auth/step-up", api.StepUpApi.as_view()),
    path("ws-tokens", api.WsTokenApi.as_view()),
    path("account", api.AccountApi.as_view()),
    path("sessions", api.SessionListApi.as_view()),
    path("sessions/<uuid:session_id>", api.SessionApi.as_view()),
    path("api-keys", api.ApiKeyListApi.as_view(), name="api-keys"),
    path("api-keys/<uuid:key_id>", api.ApiKeyApi.as_view(), name="api-key"),
]

# Of allauth's pages only those that the portal has; more doors would be more to guard.
pages: list[URLPattern | URLResolver] = [
    path("accounts/login/", account.login, name="account_login"),
    path("accounts/2fa/", second_factor.otp_login, name="otp_login"),
    path("accounts/2fa/confirm/", second_factor.step_up_confirm, name="step_up_confirm"),
    path("accounts/logout/", account.logout, name="account_logout"),
    path("accounts/inactive/", account.account_inactive, name="account_inactive"),
    path("accounts/signup/", account.signup, name="account_signup"),
    path(
        "accounts/confirm-email/",
        account.email_verification_sent,
        name="account_email_verification_sent",
    ),
    re_path(
        r"^accounts/confirm-email/(?P<key>[-:\w]+)/$",
        account.confirm_email,
        name="account_confirm_email",
    ),
    path("accounts/password/change/", account.password_change, name="account_change_password"),
    path(
        "accounts/password/set/",
        step_up_required(account.password_set),
        name="account_set_password",
    ),
    path("accounts/password/reset/", account.password_reset, name="account_reset_password"),
    path(
        "accounts/password/reset/done/",
        account.password_reset_done,
        name="account_reset_password_done",
    ),
    re_path(
        r"^accounts/password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        account.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path(
        "accounts/password/reset/key/done/",
        account.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    path("accounts/social/<slug:provider>/", social.social_login, name="social_login"),
    path(
        "accounts/social/<slug:provider>/callback/", social.social_callback, name="social_callback"
    ),
    path("settings/social/<slug:provider>/connect/", social.social_connect, name="social_connect"),
    path(
        "settings/social/<slug:provider>/disconnect/",
        social.social_disconnect,
        name="social_disconnect",
    ),
    path("settings/security/", second_factor.SecurityView.as_view(), name="security"),
    path("settings/email/", emails.email_change, name="email_change"),
    path(
        "settings/email/confirm/<str:token>/",
        emails.email_change_confirm,
        name="email_change_confirm",
    ),
]
