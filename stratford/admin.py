"""The compliance officers' desk: Django's admin behind the second factor."""

from django_otp.admin import OTPAdminSite


class StratfordAdminSite(OTPAdminSite):
    site_header = "Stratford compliance desk"
    site_title = "Stratford"
    index_title = "Desk"
    site_url = "/"
