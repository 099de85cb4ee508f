"""What a KYC decision rests on changes only while it may, and is kept once it was decided on."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION compliance_check_editable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT status FROM compliance_kycrecord WHERE id = NEW.record_id FOR UPDATE) NOT IN
     ('DRAFT', 'NEEDS_INFORMATION', 'EXPIRED', 'APPROVED', 'UNDER_REVIEW')
  THEN
    RAISE EXCEPTION 'the identity check is with the officers' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER compliance_kycstep_begun
  BEFORE INSERT ON compliance_kycstep
  FOR EACH ROW EXECUTE FUNCTION compliance_check_editable();
CREATE TRIGGER compliance_kycstep_changed
  BEFORE UPDATE ON compliance_kycstep
  FOR EACH ROW WHEN (OLD.version <> NEW.version) EXECUTE FUNCTION compliance_check_editable();
CREATE TRIGGER compliance_kycstep_rekey_only
  BEFORE UPDATE ON compliance_kycstep
  FOR EACH ROW WHEN (OLD.version = NEW.version)
  EXECUTE FUNCTION infrastructure_rekey_only('answers');
CREATE TRIGGER compliance_kycdocument_uploaded
  BEFORE INSERT ON compliance_kycdocument
  FOR EACH ROW EXECUTE FUNCTION compliance_check_editable();
CREATE TRIGGER compliance_kycdocument_rekey_only
  BEFORE UPDATE ON compliance_kycdocument
  FOR EACH ROW EXECUTE FUNCTION infrastructure_rekey_only('content');
CREATE TRIGGER compliance_kycdocument_kept
  BEFORE DELETE OR TRUNCATE ON compliance_kycdocument
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER compliance_selfcertification_signed
  BEFORE INSERT ON compliance_taxselfcertification
  FOR EACH ROW EXECUTE FUNCTION compliance_check_editable();

CREATE TRIGGER compliance_kycparty_named
  BEFORE INSERT ON compliance_kycparty
  FOR EACH ROW EXECUTE FUNCTION compliance_check_editable();
CREATE TRIGGER compliance_kycparty_changed
  BEFORE UPDATE ON compliance_kycparty
  FOR EACH ROW WHEN (OLD.removed_at IS NULL
                     AND (OLD.version <> NEW.version OR NEW.removed_at IS NOT NULL))
  EXECUTE FUNCTION compliance_check_editable();
CREATE TRIGGER compliance_kycparty_itself
  BEFORE UPDATE ON compliance_kycparty
  FOR EACH ROW WHEN (OLD.record_id <> NEW.record_id OR OLD.kind <> NEW.kind)
  EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER compliance_kycparty_rekey_only
  BEFORE UPDATE ON compliance_kycparty
  FOR EACH ROW WHEN (OLD.removed_at IS NOT NULL
                     OR (OLD.version = NEW.version AND NEW.removed_at IS NULL))
  EXECUTE FUNCTION infrastructure_rekey_only('answers');
CREATE TRIGGER compliance_kycparty_kept
  BEFORE DELETE OR TRUNCATE ON compliance_kycparty
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();

CREATE FUNCTION compliance_check_holding() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  other record;
BEGIN
  IF NEW.removed_at IS NOT NULL THEN
    RETURN NEW;
  END IF;
  IF EXISTS (
    SELECT FROM compliance_kycparty
    WHERE id IN (NEW.owner_id, NEW.owned_id)
      AND (record_id <> NEW.record_id OR removed_at IS NOT NULL)
  ) THEN
    RAISE EXCEPTION 'a holding is between parties of one entity' USING ERRCODE = 'check_violation';
  END IF;
  -- The record is locked by now: nobody else states a holding meanwhile.
  SELECT coalesce(sum(shares), 0) AS shares, coalesce(sum(votes), 0) AS votes INTO other
  FROM compliance_kycholding
  WHERE record_id = NEW.record_id AND owned_id IS NOT DISTINCT FROM NEW.owned_id
    AND removed_at IS NULL AND id <> NEW.id;
  IF other.shares + NEW.shares > 100 OR other.votes + NEW.votes > 100 THEN
    RAISE EXCEPTION 'together that is more than the whole' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER compliance_kycholding_changed
  BEFORE INSERT OR UPDATE ON compliance_kycholding
  FOR EACH ROW EXECUTE FUNCTION compliance_check_editable();
CREATE TRIGGER compliance_kycholding_checked
  BEFORE INSERT OR UPDATE ON compliance_kycholding
  FOR EACH ROW EXECUTE FUNCTION compliance_check_holding();
CREATE TRIGGER compliance_kycholding_removed
  BEFORE UPDATE ON compliance_kycholding
  FOR EACH ROW WHEN (OLD.removed_at IS NOT NULL OR OLD.record_id <> NEW.record_id)
  EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER compliance_kycholding_kept
  BEFORE DELETE OR TRUNCATE ON compliance_kycholding
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();

CREATE FUNCTION compliance_check_review() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.outcome = 'UNDER_REVIEW' OR NEW.outcome IS DISTINCT FROM
     (SELECT status FROM compliance_kycrecord WHERE id = NEW.record_id)
  THEN
    RAISE EXCEPTION 'a review ends with what became of the record'
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER compliance_kycreview_ended
  BEFORE UPDATE ON compliance_kycreview
  FOR EACH ROW WHEN (OLD.closed_at IS NULL AND NEW.closed_at IS NOT NULL)
  EXECUTE FUNCTION compliance_check_review();
CREATE TRIGGER compliance_kycreview_closed
  BEFORE UPDATE ON compliance_kycreview
  FOR EACH ROW WHEN (OLD.closed_at IS NOT NULL) EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER compliance_kycreview_kept
  BEFORE DELETE OR TRUNCATE ON compliance_kycreview
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();

CREATE FUNCTION compliance_check_diligence_item() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  found record;
BEGIN
  SELECT diligence.closed_at, diligence.record_id, record.client_id INTO found
  FROM compliance_duediligence diligence
  JOIN compliance_kycrecord record ON record.id = diligence.record_id
  WHERE diligence.id = NEW.diligence_id FOR UPDATE OF record;
  IF found.closed_at IS NOT NULL THEN
    RAISE EXCEPTION 'the client was approved on it' USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.done_at IS NULL THEN
    RETURN NEW;
  END IF;
  IF NEW.done_by_id = found.client_id THEN
    RAISE EXCEPTION 'nobody looks into themselves' USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.document_id IS NOT NULL AND NOT EXISTS (
    SELECT FROM compliance_kycdocument WHERE id = NEW.document_id AND record_id = found.record_id
  ) THEN
    RAISE EXCEPTION 'the document is not of this client' USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.code = 'SENIOR_APPROVAL' AND EXISTS (
    SELECT FROM compliance_duediligenceitem
    WHERE diligence_id = NEW.diligence_id AND code <> NEW.code
      AND (done_at IS NULL OR done_by_id = NEW.done_by_id)
  ) THEN
    RAISE EXCEPTION 'a supervisor agrees to what others did' USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.code <> 'SENIOR_APPROVAL' AND EXISTS (
    SELECT FROM compliance_duediligenceitem
    WHERE diligence_id = NEW.diligence_id AND code = 'SENIOR_APPROVAL' AND done_at IS NOT NULL
  ) THEN
    RAISE EXCEPTION 'a supervisor agreed to it as it was' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER compliance_diligenceitem_check
  BEFORE INSERT ON compliance_duediligenceitem
  FOR EACH ROW EXECUTE FUNCTION compliance_check_diligence_item();
CREATE TRIGGER compliance_diligenceitem_changed
  BEFORE UPDATE ON compliance_duediligenceitem
  FOR EACH ROW WHEN (OLD.updated_at <> NEW.updated_at)
  EXECUTE FUNCTION compliance_check_diligence_item();
CREATE TRIGGER compliance_diligenceitem_rekey_only
  BEFORE UPDATE ON compliance_duediligenceitem
  FOR EACH ROW WHEN (OLD.updated_at = NEW.updated_at)
  EXECUTE FUNCTION infrastructure_rekey_only('note');
CREATE TRIGGER compliance_diligenceitem_itself
  BEFORE UPDATE ON compliance_duediligenceitem
  FOR EACH ROW WHEN (OLD.diligence_id <> NEW.diligence_id OR OLD.code <> NEW.code)
  EXECUTE FUNCTION audit_refuse_change();
-- What nobody did, and is not asked any more, may go.
DROP TRIGGER compliance_diligenceitem_kept ON compliance_duediligenceitem;
CREATE TRIGGER compliance_diligenceitem_kept
  BEFORE DELETE ON compliance_duediligenceitem
  FOR EACH ROW WHEN (OLD.done_at IS NOT NULL) EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER compliance_diligenceitem_all_kept
  BEFORE TRUNCATE ON compliance_duediligenceitem
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER compliance_duediligence_closed
  BEFORE UPDATE ON compliance_duediligence
  FOR EACH ROW WHEN (OLD.closed_at IS NOT NULL) EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER compliance_duediligence_kept
  BEFORE DELETE OR TRUNCATE ON compliance_duediligence
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
"""
TRIGGERS = {
    "kycstep": ("begun", "changed", "rekey_only"),
    "kycdocument": ("uploaded", "rekey_only", "kept"),
    "kycparty": ("named", "changed", "itself", "rekey_only", "kept"),
    "kycholding": ("changed", "checked", "removed", "kept"),
    "kycreview": ("ended", "closed", "kept"),
    "duediligence": ("closed", "kept"),
}
BACKWARD = "\n".join(
    [
        *(
            f"DROP TRIGGER compliance_{table}_{name} ON compliance_{table};"
            for table, names in TRIGGERS.items()
            for name in names
        ),
        *(
            f"DROP TRIGGER compliance_diligenceitem_{name} ON compliance_duediligenceitem;"
            for name in ("all_kept", "kept", "itself", "rekey_only", "changed", "check")
        ),
        """
DROP TRIGGER compliance_selfcertification_signed ON compliance_taxselfcertification;
CREATE TRIGGER compliance_diligenceitem_kept
  BEFORE DELETE OR TRUNCATE ON compliance_duediligenceitem
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
DROP FUNCTION compliance_check_diligence_item;
DROP FUNCTION compliance_check_review;
DROP FUNCTION compliance_check_holding;
DROP FUNCTION compliance_check_editable;
""",
    ]
)


class Migration(migrations.Migration):
    dependencies = [("compliance", "0016_kyc_state_triggers")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
