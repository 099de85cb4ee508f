"""How the API describes itself (drf-spectacular)."""

from typing import Any


def settings() -> dict[str, Any]:
    """Return drf-spectacular's settings; the description is for those who signed in."""
    return {
        "TITLE": "Stratford",
        "VERSION": "1",
        "OAS_VERSION": "3.1.0",
        "SERVE_PERMISSIONS": ["apps.users.access.OperationPermission"],
        "SERVE_INCLUDE_SCHEMA": False,
        "SWAGGER_UI_DIST": "SIDECAR",
        "SWAGGER_UI_FAVICON_HREF": "/static/img/mark.svg",
        "SCHEMA_PATH_PREFIX": "/api/v1",
        "COMPONENT_SPLIT_REQUEST": True,
        "ENUM_NAME_OVERRIDES": {
            "PortfolioTransferKind": ["CASH", "IN_KIND"],
            "OrderBatchKind": ["REBALANCE", "PLAN"],
            "OrderBatchStatus": ["PROPOSED", "SELLING", "DONE"],
            "BatchLineStatus": ["IDLE", "WAITING", "PLACED", "REFUSED"],
            "PlanStatus": ["ACTIVE", "PAUSED", "ENDED"],
            "PlanRunStatus": ["DUE", "FUNDING", "DONE", "FAILED", "SKIPPED"],
            "AlertKindEnum": "apps.compliance.api.alerts.KINDS",
            "AlertStatusEnum": "apps.compliance.api.alerts.STATUSES",
            "ClientKindEnum": "apps.compliance.domain.questionnaires.ClientKind",
            "QuestionKindEnum": "apps.compliance.domain.questionnaire.Kind",
            "CurrencyEnum": "apps.trading.api.portfolios.CURRENCIES",
            "DocumentKindEnum": "apps.compliance.selectors.kyc.document_kinds",
            "EntityKindEnum": "apps.compliance.domain.search_terms.KINDS",
            "HitStatusEnum": "apps.compliance.api.screening.HIT_STATUSES",
            "InformationKindEnum": "apps.compliance.domain.information.ItemKind",
            "InformationStatusEnum": "apps.compliance.api.kyc_file.ITEM_STATUSES",
            "KycDecidedEnum": "apps.compliance.api.kyc_records.DECIDED",
            "KycDecisionStatusEnum": "apps.compliance.api.kyc_file.DECISION_STATUSES",
            "KycOutcomeEnum": "apps.compliance.api.kyc_file.OUTCOMES",
            "KycRecordStatusEnum": "apps.compliance.domain.kyc.KycStatus",
            "RiskRatingEnum": "apps.compliance.domain.kyc.RiskRating",
            "WorkKindEnum": "apps.compliance.domain.work_items.WorkKind",
            "OrderStatusEnum": "apps.trading.domain.orders.OrderStatus",
            "OrderTypeEnum": "apps.trading.domain.orders.OrderType",
            "RestingTimeInForceEnum": "apps.trading.api.brackets.RESTING",
            "SearchStatusEnum": "apps.compliance.api.screening.SEARCH_STATUSES",
            "TimeInForceEnum": "apps.trading.domain.orders.TimeInForce",
        },
        "POSTPROCESSING_HOOKS": [
            "drf_spectacular.hooks.postprocess_schema_enums",
            "apps.infrastructure.api.schema.add_problems",
        ],
    }
