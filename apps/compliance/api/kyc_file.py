"""How a KYC record and its evidence are written for officers."""

from typing import Any

from rest_framework import serializers

from apps.compliance.api.kyc import DocumentSerializer
from apps.compliance.api.ownership import OwnershipOutput
from apps.compliance.api.screening import HitDetailOutput
from apps.compliance.domain.information import ItemKind
from apps.compliance.domain.kyc import DECISIONS, KycStatus, RiskRating
from apps.compliance.domain.questionnaires import ClientKind
from apps.infrastructure.api.fields import DecimalField

STATUSES = [status.value for status in KycStatus]
RATINGS = [rating.value for rating in RiskRating]
OUTCOMES = sorted(trigger.value for trigger in DECISIONS)
DECISION_STATUSES = ("PROPOSED", "FINAL", "WITHDRAWN")
ITEM_KINDS = [kind.value for kind in ItemKind]
ITEM_STATUSES = ("OPEN", "ANSWERED", "WAIVED")


class KycRecordOutput(serializers.Serializer[Any]):
    """`evidence_version` is named by whoever decides; ratings are empty before screening."""

    id = serializers.UUIDField()
    client_id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=[kind.value for kind in ClientKind])
    status = serializers.ChoiceField(choices=STATUSES)
    reason_code = serializers.CharField()
    risk_rating = serializers.ChoiceField(choices=RATINGS, allow_blank=True)
    computed_rating = serializers.ChoiceField(choices=RATINGS, allow_blank=True)
    risk_score = DecimalField(max_digits=5, decimal_places=2, allow_null=True)
    risk_model_version = serializers.CharField()
    evidence_version = serializers.IntegerField()
    open_hits = serializers.IntegerField()
    submitted_at = serializers.DateTimeField(allow_null=True)
    approved_at = serializers.DateTimeField(allow_null=True)
    next_review_date = serializers.DateField(allow_null=True)
    created_at = serializers.DateTimeField()


class AnswersOutput(serializers.Serializer[Any]):
    code = serializers.CharField()
    title = serializers.CharField()
    answers = serializers.DictField()
    missing = serializers.ListField(child=serializers.CharField())


class FactorOutput(serializers.Serializer[Any]):
    """`contribution` is `points` (of 100) x `weight`; `floor` the least rating that it leaves."""

    code = serializers.CharField()
    title = serializers.CharField(source="label")
    points = serializers.IntegerField()
    weight = serializers.CharField()
    contribution = serializers.CharField()
    floor = serializers.CharField()


class DiligenceOutput(serializers.Serializer[Any]):
    """One item of the enhanced due diligence."""

    code = serializers.CharField(source="item.code")
    title = serializers.CharField(source="item.title")
    help = serializers.CharField(source="item.help_text")
    is_done = serializers.BooleanField()
    note = serializers.CharField(source="row.note", default="")
    document_id = serializers.UUIDField(source="row.document_id", default=None, allow_null=True)
    done_by_id = serializers.UUIDField(source="row.done_by_id", default=None, allow_null=True)
    done_at = serializers.DateTimeField(source="row.done_at", default=None, allow_null=True)


class AskedOutput(serializers.Serializer[Any]):
    """One thing that the client was asked for."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=ITEM_KINDS)
    subject = serializers.CharField()
    reason_code = serializers.CharField()
    due_date = serializers.DateField()
    status = serializers.ChoiceField(choices=ITEM_STATUSES)
    answer = serializers.CharField()
    document_id = serializers.UUIDField(allow_null=True)
    answered_at = serializers.DateTimeField(allow_null=True)


class KycDecisionOutput(serializers.Serializer[Any]):
    """PROPOSED waits for a second officer; FINAL is carried out."""

    id = serializers.UUIDField()
    record_id = serializers.UUIDField()
    record_status = serializers.ChoiceField(choices=STATUSES, source="record.status")
    outcome = serializers.ChoiceField(choices=OUTCOMES)
    reason_code = serializers.CharField()
    note = serializers.CharField()
    status = serializers.ChoiceField(choices=DECISION_STATUSES)
    evidence_version = serializers.IntegerField()
    risk_rating = serializers.ChoiceField(choices=RATINGS, allow_blank=True)
    proposed_by_id = serializers.UUIDField()
    confirmed_by_id = serializers.UUIDField(allow_null=True)
    created_at = serializers.DateTimeField()
    decided_at = serializers.DateTimeField(allow_null=True)


class ReviewOutput(serializers.Serializer[Any]):
    """Why an approved client is looked at again, and when the approval lapses."""

    reasons = serializers.ListField(child=serializers.CharField())
    opened_at = serializers.DateTimeField(source="created_at")
    due_date = serializers.DateField()


class ChangeOutput(serializers.Serializer[Any]):
    kind = serializers.CharField()
    what = serializers.CharField()
    before = serializers.CharField()
    after = serializers.CharField()
    at = serializers.DateTimeField(allow_null=True)


class TaxOutput(serializers.Serializer[Any]):
    """`is_in_force`: nothing that the client signed for has changed since."""

    is_in_force = serializers.BooleanField()
    contradictions = serializers.ListField(child=serializers.CharField())


class HolderOutput(serializers.Serializer[Any]):
    """Who has the record open on the desk; nobody else decides it until then."""

    officer_id = serializers.UUIDField()
    until = serializers.DateTimeField()


class KycFileOutput(KycRecordOutput):
    outcomes = serializers.ListField(child=serializers.ChoiceField(choices=OUTCOMES))
    steps = AnswersOutput(many=True)
    ownership = OwnershipOutput(allow_null=True)
    tax_certificate = TaxOutput()
    documents = DocumentSerializer(many=True)
    risk_factors = FactorOutput(many=True)
    hits = HitDetailOutput(many=True)
    checks = DiligenceOutput(many=True)
    information = AskedOutput(many=True)
    decisions = KycDecisionOutput(many=True)
    review = ReviewOutput(allow_null=True)
    changes = ChangeOutput(many=True)
    open_at = HolderOutput(allow_null=True)
