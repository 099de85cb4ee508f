"""What officers do over the API, for the access matrix: by the same permissions as on the desk."""

from apps.users.domain.audiences import Audience
from apps.users.domain.permissions import PERMISSIONS

RECORD = "/api/v1/kyc-records/<uuid:record_id>"
DECISION = f"{RECORD}/decisions/<uuid:decision_id>"
HIT, SEARCHES = "/api/v1/screening/hits/<uuid:hit_id>", "/api/v1/screening/searches"
WORK = "/api/v1/work-items"
DECIDE, TAKE = "compliance.decide_kycrecord", "compliance.take_workitem"

OFFICERS_API: dict[str, Audience] = {
    operation: PERMISSIONS[permission]
    for operation, permission in {
        "GET /api/v1/kyc-records": "compliance.view_kycrecord",
        f"GET {RECORD}": "compliance.view_kycrecord",
        f"GET {RECORD}/documents/<uuid:document_id>/content": "compliance.view_kycdocument",
        f"POST {RECORD}/decisions": DECIDE,
        f"POST {DECISION}/confirmations": DECIDE,
        f"POST {DECISION}/withdrawals": DECIDE,
        f"POST {RECORD}/information-requests": DECIDE,
        f"POST {RECORD}/due-diligence": DECIDE,
        "GET /api/v1/screening/hits": "compliance.view_screeninghit",
        f"GET {HIT}": "compliance.view_screeninghit",
        f"POST {HIT}/decisions": DECIDE,
        f"POST {SEARCHES}": "compliance.run_screeningsearch",
        f"GET {SEARCHES}/<uuid:search_id>": "compliance.view_screeningsearch",
        f"GET {SEARCHES}/<uuid:search_id>/results": "compliance.view_screeningsearch",
        "POST /api/v1/screening/search-files": "compliance.run_screeningsearch",
        f"GET {WORK}": "compliance.view_workitem",
        f"POST {WORK}/next": TAKE,
        f"POST {WORK}/<uuid:work_item_id>/take": TAKE,
        f"POST {WORK}/<uuid:work_item_id>/release": TAKE,
        f"POST {WORK}/<uuid:work_item_id>/escalate": TAKE,
    }.items()
}
