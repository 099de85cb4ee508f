import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from django_structlog.celery.steps import DjangoStructLogInitStep

from stratford.celery import app
from stratford.embedded import remembered


def test_remembered_text_is_one_for_all_who_ask_at_once(tmp_path: Path) -> None:
    together = threading.Barrier(8, timeout=5)
    file = tmp_path / "folder" / "secret"

    def ask(number: int) -> str:
        together.wait()
        return remembered(file, lambda: f"text {number}")

    with ThreadPoolExecutor(8) as pool:
        texts = set(pool.map(ask, range(8)))

    assert texts == {file.read_text()}
    assert file.stat().st_mode & 0o077 == 0
    assert list(file.parent.iterdir()) == [file]


def test_worker_binds_the_correlation_id_of_each_task() -> None:
    assert DjangoStructLogInitStep in app.steps["worker"]
