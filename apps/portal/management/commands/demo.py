"""Run the whole of Stratford on one machine, from nothing, until Ctrl-C."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from apps.portal.management.demo import MailRelay, People, paste_lines, write_private
from apps.portal.management.seed import Report, Step, seed_steps
from stratford import embedded
from stratford.processes import Supervisor, application_children

HOST = "127.0.0.1"
MANAGE = Path(settings.BASE_DIR) / "manage.py"


def _refuse_foreign_services(folder: Path) -> None:
    """Raise CommandError when a variable names a service that is not the demo's own."""
    for variable, own in embedded.addresses(folder).items():
        if os.environ.get(variable, own) != own:
            raise CommandError(
                f"{variable} is set to another service: the demo runs on its own embedded "
                "services only.  Unset it and try again."
            )


def _chosen_port() -> int:
    text = os.environ.get("PORT", "8000")
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise CommandError(f"PORT={text} is not a port number.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, int(text)))
        except OSError as error:
            raise CommandError(
                f"Port {text} cannot be used ({error}); choose with PORT=."
            ) from error
    return int(text)


def _migrations(database: str) -> Iterator[None]:
    """Migrate as the tables' owner; yield once for each migration that was applied."""
    command = [sys.executable, str(MANAGE), "migrate", "--database", database, "--no-color"]
    lines: list[str] = []
    with subprocess.Popen(  # noqa: S603
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout or ():
            lines.append(line)
            if line.rstrip().endswith(" OK"):
                yield
    if process.returncode:
        raise CommandError(f"The migration of {database} failed:\n" + "".join(lines[-30:]))


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


@contextmanager
def _termination_as_interrupt() -> Iterator[None]:
    # SIGINT too: a shell starts its background commands with it ignored.
    before = {each: signal.signal(each, _interrupt) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


class Command(BaseCommand):
    help = "Migrate, seed and serve everything on the embedded services until Ctrl-C."

    def handle(self, *args: Any, **options: Any) -> None:
        folder = Path(settings.VAR_DIR)
        _refuse_foreign_services(folder)
        if embedded.supervised is None:
            raise CommandError(f"The demo of {folder} is already running.")
        self.console = Console(file=sys.stdout)
        self.folder = folder
        port = _chosen_port()
        with _termination_as_interrupt():
            self._run(embedded.supervised, port)

    def _run(self, services: embedded.Services, port: int) -> None:
        self.base_url = f"http://{HOST}:{port}"
        self.people = People(self.folder)
        self.facts = self.folder / "demo.json"
        self.facts.unlink(missing_ok=True)
        children = application_children(
            self.folder, host=HOST, port=port, env=self._child_environment()
        )
        supervisor = Supervisor(services, children)
        try:
            self._prepare(supervisor)
            self._announce(supervisor)
            self._keep_running(supervisor)
        except KeyboardInterrupt:
            self.console.print("\nStopping…")
        finally:
            # A second Ctrl-C must not leave half of the processes behind.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            self.facts.unlink(missing_ok=True)
            connections.close_all()
            count = len(supervisor.pids())
            strays = supervisor.stop()
            self.console.print(f"{count} processes stopped, {strays} strays killed, none is left.")

    def _child_environment(self) -> dict[str, str]:
        mail, metrics = self.folder / "mail", self.folder / "metrics"
        mail.mkdir(exist_ok=True)
        shutil.rmtree(metrics, ignore_errors=True)
        metrics.mkdir()
        return {
            "STRATFORD_VAR": str(self.folder),
            "PUBLIC_URL": self.base_url,
            "EMAIL_URL": f"filemail:///{mail}",
            "PROMETHEUS_MULTIPROC_DIR": str(metrics),
            "PYTHONUNBUFFERED": "1",
        }

    def _prepare(self, supervisor: Supervisor) -> None:
        steps = [
            Step("Migrate both databases", self._migrate_both),
            *seed_steps(self.people),
            Step("Start web, worker, beat and stream", lambda _: self._start(supervisor)),
        ]
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        started_at = time.monotonic()
        with Progress(*columns, console=self.console, transient=True) as progress:
            overall = progress.add_task("Stratford", total=len(steps))
            for number, step in enumerate(steps, 1):
                self._run_step(progress, step, f"[{number}/{len(steps)}] {step.title}")
                progress.advance(overall)
        self.console.print(f"Ready in {time.monotonic() - started_at:.1f} s.", highlight=False)

    def _run_step(self, progress: Progress, step: Step, title: str) -> None:
        row = progress.add_task(step.title, total=None)
        step_started_at = time.monotonic()

        def report(done: int, total: int | None) -> None:
            progress.update(row, completed=done, total=total)

        outcome = step.run(report)
        progress.remove_task(row)
        seconds = time.monotonic() - step_started_at
        progress.console.print(
            f"{title}: {outcome}, {seconds:.1f} s", highlight=False, markup=False, soft_wrap=True
        )

    def _migrate_both(self, report: Report) -> str:
        applied = dict.fromkeys(("default", "timescale"), 0)

        def migrate(database: str) -> None:
            for _ in _migrations(database):
                applied[database] += 1
                report(sum(applied.values()), None)

        with ThreadPoolExecutor() as pool:
            list(pool.map(migrate, applied))
        return f"{sum(applied.values())} migrations applied"

    def _start(self, supervisor: Supervisor) -> str:
        supervisor.start()
        supervisor.wait_ready(f"{self.base_url}/readyz")
        return f"{len(supervisor.pids())} processes run"

    def _announce(self, supervisor: Supervisor) -> None:
        self._write_facts(supervisor)
        rows = [
            "",
            f"Portal            {self.base_url}/",
            f"Compliance desk   {self.base_url}/admin/",
            f"API               {self.base_url}/api/v1/docs   (schema: /api/v1/schema)",
            f"Facts for scripts {self.facts}",
            f"Logs              {self.folder / 'log'}",
            "",
        ]
        for person in self.people.people:
            rows += [
                f"{person.role}: {person.email}",
                f"    password {person.password}   second-factor secret {person.totp_secret}",
                f"    code now: {sys.executable} {MANAGE} demo_code {person.email}",
            ]
        curl, websocket = paste_lines(self.base_url, self.people.people[0], self.folder, MANAGE)
        rows += ["", "REST:", curl, "", "WebSocket (same shell, after the line above):", websocket]
        rows += ["", "Prices are a replay of past days. Ctrl-C stops everything.", ""]
        for row in rows:
            self.console.print(row, highlight=False, markup=False, soft_wrap=True)

    def _write_facts(self, supervisor: Supervisor) -> None:
        facts: dict[str, object] = {
            "base_url": self.base_url,
            "people": self.people.facts(),
            "pids": {"demo": os.getpid(), **supervisor.pids()},
        }
        write_private(self.facts, facts)

    def _keep_running(self, supervisor: Supervisor) -> NoReturn:
        relay = MailRelay(self.folder / "mail")
        while True:
            for name in supervisor.restart_dead():
                self.console.print(f"{name} had died and was started again.", highlight=False)
                self._write_facts(supervisor)
            for text in relay.new():
                self.console.print(
                    f"--- mail ---\n{text}\n------------",
                    highlight=False,
                    markup=False,
                    soft_wrap=True,
                )
            time.sleep(0.3)
