"""Addresses of compliance."""

from django.urls import URLPattern, URLResolver, path

from apps.compliance.api import (
    kyc,
    kyc_records,
    ownership,
    screening,
    self_certification,
    work_items,
)
from apps.compliance.api.alerts import (
    AlertConfirmationView,
    AlertDetailView,
    AlertListView,
    AlertProposalView,
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("alerts", AlertListView.as_view(), name="alert-list"),
    path("alerts/<uuid:alert_id>", AlertDetailView.as_view(), name="alert-detail"),
    path("alerts/<uuid:alert_id>/proposals", AlertProposalView.as_view(), name="alert-proposals"),
    path(
        "alerts/<uuid:alert_id>/confirmations",
        AlertConfirmationView.as_view(),
        name="alert-confirmations",
    ),
    path("kyc", kyc.KycView.as_view(), name="api-kyc"),
    path("kyc/kind", kyc.KycKindView.as_view(), name="api-kyc-kind"),
    path("kyc/steps/<str:step>", kyc.KycStepView.as_view(), name="api-kyc-step"),
    path("kyc/steps/<str:step>/reveal", kyc.KycRevealView.as_view(), name="api-kyc-step-reveal"),
    path(
        "kyc/information/<uuid:item_id>",
        kyc.KycInformationView.as_view(),
        name="api-kyc-information",
    ),
    path("kyc/ownership", ownership.OwnershipView.as_view(), name="api-kyc-ownership"),
    path("kyc/parties/<uuid:party_id>", ownership.PartyView.as_view(), name="api-kyc-party"),
    path("kyc/holdings/<uuid:holding_id>", ownership.HoldingView.as_view(), name="api-kyc-holding"),
    path(
        "kyc/self-certification",
        self_certification.SelfCertificationView.as_view(),
        name="api-kyc-self-certification",
    ),
    path("kyc/submit", kyc.KycSubmitView.as_view(), name="api-kyc-submit"),
    path("kyc/documents", kyc.KycDocumentsView.as_view(), name="api-kyc-documents"),
    path(
        "kyc/documents/<uuid:document_id>/content",
        kyc.KycDocumentContentView.as_view(),
        name="api-kyc-document-content",
    ),
    path("kyc-records", kyc_records.KycRecordListView.as_view(), name="api-kyc-records"),
    path(
        "kyc-records/<uuid:record_id>",
        kyc_records.KycRecordDetailView.as_view(),
        name="api-kyc-record",
    ),
    path(
        "kyc-records/<uuid:record_id>/documents/<uuid:document_id>/content",
        kyc_records.KycRecordDocumentView.as_view(),
        name="api-kyc-record-document",
    ),
    path(
        "kyc-records/<uuid:record_id>/decisions",
        kyc_records.KycDecisionView.as_view(),
        name="api-kyc-record-decisions",
    ),
    path(
        "kyc-records/<uuid:record_id>/decisions/<uuid:decision_id>/confirmations",
        kyc_records.KycConfirmationView.as_view(),
        name="api-kyc-decision-confirmations",
    ),
    path(
        "kyc-records/<uuid:record_id>/decisions/<uuid:decision_id>/withdrawals",
        kyc_records.KycWithdrawalView.as_view(),
        name="api-kyc-decision-withdrawals",
    ),
    path(
        "kyc-records/<uuid:record_id>/information-requests",
        kyc_records.KycInformationRequestView.as_view(),
        name="api-kyc-record-information",
    ),
    path(
        "kyc-records/<uuid:record_id>/due-diligence",
        kyc_records.DueDiligenceView.as_view(),
        name="api-kyc-record-diligence",
    ),
    path("work-items", work_items.WorkListView.as_view(), name="api-work-items"),
    path("work-items/next", work_items.WorkNextView.as_view(), name="api-work-next"),
    path(
        "work-items/<uuid:work_item_id>/take",
        work_items.WorkTakeView.as_view(),
        name="api-work-take",
    ),
    path(
        "work-items/<uuid:work_item_id>/release",
        work_items.WorkReleaseView.as_view(),
        name="api-work-release",
    ),
    path(
        "work-items/<uuid:work_item_id>/escalate",
        work_items.WorkEscalateView.as_view(),
        name="api-work-escalate",
    ),
    path("screening/searches", screening.SearchListView.as_view(), name="api-searches"),
    path(
        "screening/searches/<uuid:search_id>",
        screening.SearchDetailView.as_view(),
        name="api-search",
    ),
    path("screening/search-files", screening.SearchFileView.as_view(), name="api-search-files"),
    path(
        "screening/searches/<uuid:search_id>/results",
        screening.SearchResultsView.as_view(),
        name="api-search-results",
    ),
    path("screening/hits", screening.HitListView.as_view(), name="api-hits"),
    path("screening/hits/<uuid:hit_id>", screening.HitDetailView.as_view(), name="api-hit"),
    path(
        "screening/hits/<uuid:hit_id>/decisions",
        screening.HitDecisionView.as_view(),
        name="api-hit-decisions",
    ),
]
