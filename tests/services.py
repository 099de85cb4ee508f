"""Pytest plugin: one PostgreSQL, one Valkey and one document store for the whole run.

Loaded by `-p tests.services` before Django's settings.  The controller starts the services and
hands their addresses to the xdist workers by the environment; each worker has its own databases,
copies of two that the first to need them has migrated.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from stratford import embedded

DATABASES = ("default", "timescale")
# The folder of services that this run started; nothing else is migrated by tests.
OWN_FOLDER = "STRATFORD_TEST_FOLDER"
SERVICES = pytest.StashKey[embedded.Services]()
TEST_FOLDER = pytest.StashKey[Path]()


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Start the services once, in the controller."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if worker:
        # Database 0 belongs to the controller; each worker's keys are its own.
        number = int(worker.removeprefix("gw")) + 1
        os.environ["REDIS_URL"] += f"?db={number}"
        base, _, name = os.environ["MONGO_URL"].rpartition("/")
        os.environ["MONGO_URL"] = f"{base}/{name}_{worker}"
        return
    if not embedded.needed():
        return
    folder = Path(tempfile.mkdtemp(prefix="stratford-test-"))
    folder.chmod(0o755)  # PostgreSQL runs as another user and must reach its folder
    os.environ["STRATFORD_VAR"] = os.environ[OWN_FOLDER] = str(folder)
    services = embedded.Services(folder, {"fsync": "off", "max_connections": "300"})
    services.acquire()
    services.start()
    early_config.stash[SERVICES] = services
    early_config.stash[TEST_FOLDER] = folder
    os.environ.update(embedded.addresses(folder))
    os.environ["STRATFORD_DATABASE_ROLE"] = "owner"
    os.environ["RATELIMIT_ENABLE"] = "false"  # its own tests turn it on
    os.environ["DJANGO_SECRET_KEY"] = "only-for-tests-only-for-tests-only-for-tests-only-for-tests"
    with services.superuser("postgres") as connection:
        connection.execute("ALTER ROLE stratford_owner CREATEDB")
        connection.execute("GRANT SET ON PARAMETER session_replication_role TO stratford_owner")


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    if (services := config.stash.get(SERVICES, None)) is not None:
        services.stop()
        shutil.rmtree(config.stash[TEST_FOLDER])


def templates_migrate(done: Path) -> None:
    """Migrate both databases at once, by the first process that asks; the others wait."""
    with done.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if done.exists():
            return
        command = [sys.executable, "manage.py", "migrate", "--verbosity", "0", "--database"]
        running = [
            subprocess.Popen([*command, alias], cwd=embedded.BASE_DIR) for alias in DATABASES
        ]
        assert [process.wait() for process in running] == [0, 0], "The migrations failed."
        done.touch()
