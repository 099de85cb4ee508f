"""Rotate the keys of 100,000 rows while several processes write; count what is lost.

    python benchmarks/keys_rotation.py [rows] [writers]

Starts services of its own in a new folder.  Fails when a value is not what was last written, or is
under an old key.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
BATCH = 5_000


def write(share: int, shares: int, result: Path) -> None:
    """Change and add users of one share until told to stop; then say what was written last."""
    import django  # noqa: PLC0415

    django.setup()
    from apps.users.models import User  # noqa: PLC0415

    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    mine = [pk for pk in User.objects.values_list("pk", flat=True) if pk.int % shares == share]
    written: dict[str, str] = {}
    number = 0
    while not stopped:
        number += 1
        user = User.objects.get(pk=mine[number * 7919 % len(mine)])
        user.display_name = f"writer {share} round {number}"
        user.save(update_fields=["display_name", "display_name_index"])
        written[str(user.pk)] = user.display_name
        if number == 20:
            result.with_suffix(".ready").touch()
        if number % 10 == 0:
            name = f"added {share} {number}"
            email = f"added-{share}-{number}@x.example"
            written[str(User.objects.create(email=email, display_name=name).pk)] = name
    result.write_text(json.dumps(written))


def measure(folder: Path, rows: int, writers: int) -> int:
    import django  # noqa: PLC0415

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415

    from apps.infrastructure import keys, rekeying  # noqa: PLC0415
    from apps.infrastructure.encryption import encrypted_fields  # noqa: PLC0415
    from apps.users.models import User  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    expected: dict[str, str] = {}
    for first in range(0, rows, BATCH):
        made = User.objects.bulk_create(
            User(email=f"{number}@x.example", display_name=f"Name {number}")
            for number in range(first, min(first + BATCH, rows))
        )
        expected |= {str(user.pk): user.display_name for user in made}
    results = [folder / f"writer-{share}.json" for share in range(writers)]
    processes = [
        subprocess.Popen(  # noqa: S603
            [sys.executable, __file__, "--write", str(share), str(writers), str(result)],
            env={**os.environ, "STRATFORD_DATABASE_ROLE": "app"},
        )
        for share, result in enumerate(results)
    ]
    while not all(result.with_suffix(".ready").exists() for result in results):
        time.sleep(0.1)
    start = time.perf_counter()
    count = rekeying.keys_rotate(report=lambda progress: None)
    seconds = time.perf_counter() - start
    for process in processes:
        process.send_signal(signal.SIGTERM)
    for process in processes:
        process.wait()
    writes = [json.loads(result.read_text()) for result in results]
    for written in writes:
        expected |= written
    keys.forget()
    found = {str(user.pk): user.display_name for user in User.objects.all().iterator()}
    lost = sum(found.get(pk) != value for pk, value in expected.items())
    old = sum(rekeying._old_count(field) for field in encrypted_fields())
    print(
        f"{rows} rows, {writers} writers ({sum(map(len, writes))} rows written):"
        f" {count} values under new keys in {seconds:.1f} s ({count / seconds:.0f} a second),"
        f" lost {lost}, under an old key {old}"
    )
    return 1 if lost or old or len(found) != len(expected) else 0


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stratford.settings")
    if sys.argv[1:2] == ["--write"]:
        write(int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
        return 0
    given = [int(text) for text in sys.argv[1:3]]
    rows, writers = given + [100_000, 3][len(given) :]
    folder = Path(tempfile.mkdtemp(prefix="stratford-bench-"))
    folder.chmod(0o755)
    os.environ |= {"STRATFORD_VAR": str(folder), "STRATFORD_DATABASE_ROLE": "owner"}
    from stratford import embedded  # noqa: PLC0415

    with embedded.running():
        return measure(folder, rows, writers)


if __name__ == "__main__":
    raise SystemExit(main())
