"""An event, its hash and its outbox in one round trip."""

from django.db import migrations

# The pre-image of the hash is apps.audit.domain.seal's; the caller writes all of it but the two
# parts that only the stream's head tells.  Each statement of a volatile function sees what was
# committed before it began: the head is read after the locks are held.
FORWARD = """
CREATE FUNCTION audit_append(
  p_event_id uuid, p_stream text, p_name text, p_payload jsonb, p_actor_id uuid,
  p_occurred_at timestamptz, p_correlation_id text, p_image_before text, p_image_after text,
  p_handlers text[], p_contexts text[], p_checkpoint_lock bigint,
  OUT o_sequence bigint, OUT o_version integer, OUT o_previous_hash text, OUT o_hash text
) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  -- The shared lock lets a checkpoint wait for the events whose numbers are taken already.
  PERFORM pg_advisory_xact_lock_shared(p_checkpoint_lock);
  PERFORM pg_advisory_xact_lock(hashtextextended(p_stream, 0));
  SELECT version + 1, hash INTO o_version, o_previous_hash
    FROM audit_auditevent WHERE stream = p_stream ORDER BY version DESC LIMIT 1;
  IF NOT FOUND THEN
    o_version := 1;
    o_previous_hash := '';
  END IF;
  o_hash := encode(sha256(convert_to(
    '["' || o_previous_hash || '",' || p_image_before || ',' || o_version || ','
    || p_image_after || ']', 'UTF8')), 'hex');
  INSERT INTO audit_auditevent (event_id, stream, version, name, payload, actor_id, occurred_at,
                                correlation_id, previous_hash, hash)
  VALUES (p_event_id, p_stream, o_version, p_name, p_payload, p_actor_id, p_occurred_at,
          p_correlation_id, o_previous_hash, o_hash)
  RETURNING sequence INTO o_sequence;
  INSERT INTO audit_outboxmessage (event_id, stream, handler, context, attempts, last_error)
  SELECT o_sequence, p_stream, message.handler, message.context, 0, ''
    FROM unnest(p_handlers, p_contexts) AS message (handler, context);
END $$;
"""
BACKWARD = "DROP FUNCTION audit_append"


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_checkpoint_append_only")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
