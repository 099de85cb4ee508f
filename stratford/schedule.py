"""What runs by the clock, and how often (seconds, or a time of day in UTC)."""

from typing import Any

from celery.schedules import crontab

BEAT: dict[str, dict[str, Any]] = {
    "heartbeat": {"task": "infrastructure.record_heartbeat", "schedule": 5.0},
    "outbox": {"task": "audit.outbox_sweep", "schedule": 2.0},
    "idempotency": {"task": "infrastructure.prune_answers", "schedule": 3600.0},
    "sessions": {"task": "infrastructure.clear_sessions", "schedule": crontab("17", "3")},
    "outbox-prune": {"task": "audit.prune_outbox", "schedule": crontab("27", "3")},
    "audit-checkpoint": {"task": "audit.write_checkpoint", "schedule": 60.0},
    "mail": {"task": "notifications.send_pending", "schedule": 30.0},
    "webhooks": {"task": "notifications.deliver_webhooks", "schedule": 10.0},
    "webhooks-prune": {"task": "notifications.prune_deliveries", "schedule": crontab("37", "3")},
    "valuations": {"task": "analytics.record_valuations", "schedule": 30.0},
    "reports": {"task": "analytics.build_reports", "schedule": 3600.0},
    "monitoring": {"task": "compliance.monitor_pending", "schedule": 10.0},
    "corporate-actions": {"task": "trading.run_corporate_actions", "schedule": 60.0},
    "batches": {"task": "trading.advance_batches", "schedule": 5.0},
    # Some minutes after midnight: what began before it is committed by then.
    "charges": {"task": "trading.run_charges", "schedule": crontab("20")},
    "plans": {"task": "trading.run_plans", "schedule": 60.0},
    "orders-expire": {"task": "trading.expire_orders", "schedule": 60.0},
    "cancel-runs": {"task": "trading.work_cancel_runs", "schedule": 10.0},
    "venue-send": {"task": "trading.send_instructions", "schedule": 5.0},
    "venue-sync": {"task": "trading.sync_venue", "schedule": 30.0},
    "venue-reconcile": {"task": "trading.reconcile_venue", "schedule": 900.0},
    "quarantine": {"task": "compliance.prune_quarantine", "schedule": crontab("37", "3")},
    "watchlists": {"task": "compliance.refresh_watchlists", "schedule": 900.0},
    # Every minute of the night a batch, until everybody was screened in full.
    "nightly-screening": {"task": "compliance.check_clients", "schedule": crontab("*", "2-5")},
    "work-queue": {"task": "compliance.sync_work", "schedule": 10.0},
    "screening-searches": {"task": "compliance.run_searches", "schedule": 10.0},
    # Once a stage, whoever asks how often: an hour late is early enough.
    "information-reminders": {"task": "compliance.remind_information", "schedule": 3600.0},
    "reviews": {"task": "compliance.watch_reviews", "schedule": 3600.0},
    "rescreening": {"task": "compliance.rescreen_clients", "schedule": 30.0},
    "reference-rates": {"task": "market.load_rates", "schedule": crontab("5", "*/4")},
    "ticks": {"task": "market.prune_ticks", "schedule": 3600.0},
}
