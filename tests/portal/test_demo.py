"""What the demo keeps, relays and prints, without starting it."""

import json
import os
import shlex
import subprocess
import sys
from email.message import EmailMessage
from pathlib import Path

from apps.portal.management.demo import (
    CAST,
    MAIL_SEPARATOR,
    MailRelay,
    People,
    paste_lines,
    write_private,
)


def test_people_are_the_same_in_the_next_run(tmp_path: Path) -> None:
    people = People(tmp_path)
    assert not people.path.exists(), "nothing is kept of somebody who does not exist"
    people.record("client@stratford.example", user_id="7", totp_secret="ABC")

    again = People(tmp_path)

    assert again.people == people.people
    assert [person.email for person in again.people] == [email for email, _, _ in CAST]
    assert again.people[0].user_id == "7"
    assert again.people[1].user_id == ""
    assert len({person.password for person in again.people}) == len(CAST)
    assert again.facts()[0] == {
        "email": "client@stratford.example",
        "password": people.people[0].password,
        "totp_secret": "ABC",
        "role": "CLIENT",
    }


def test_write_private_leaves_one_file_that_others_cannot_read(tmp_path: Path) -> None:
    path = tmp_path / "facts.json"
    (tmp_path / "facts.new").write_text("left by a crash")

    write_private(path, {"n": 1})
    write_private(path, {"n": 2})

    assert json.loads(path.read_text()) == {"n": 2}
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def mail(subject: str) -> bytes:
    message = EmailMessage()
    message["To"], message["Subject"] = "client@stratford.example", subject
    message.set_content(f"About {subject}, with an é.")
    return bytes(message) + MAIL_SEPARATOR


def test_mail_relay_returns_each_complete_mail_once(tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    log.write_bytes(mail("before the start"))
    relay = MailRelay(tmp_path)
    assert relay.new() == []

    second = mail("second")
    with log.open("ab") as file:
        file.write(mail("first") + second[:40])
    (tmp_path / "web.log").write_bytes(mail("other"))
    first_read = relay.new()
    with log.open("ab") as file:
        file.write(second[40:])

    # Files are read in the order of their names.
    assert first_read == [
        f"To: client@stratford.example\nSubject: {subject}\n\nAbout {subject}, with an é."
        for subject in ("other", "first")
    ]
    assert [text.splitlines()[1] for text in relay.new()] == ["Subject: second"]
    assert relay.new() == []


def test_paste_lines_are_read_by_a_shell_as_they_are_meant(tmp_path: Path) -> None:
    """`curl` and `python` are replaced by what says how it was called."""
    person = People(tmp_path).people[0]
    folder = tmp_path / "a folder"

    curl, socket = paste_lines("http://127.0.0.1:8000", person, folder, Path("/srv/manage.py"))

    assert "STRATFORD_VAR=" + shlex.quote(str(folder)) in curl
    assert curl.endswith('-H "Authorization: Bearer $TOKEN"')
    assert socket.endswith(" ws://127.0.0.1:8000/ws/v1/stream http://127.0.0.1:8000")
    assert "origin=sys.argv[2]" in socket
    tools = tmp_path / "tools"
    tools.mkdir()
    python, arguments = tools / "python", tmp_path / "arguments"
    python.write_text("#!/bin/sh\ncase $2 in demo_code) echo 123456;; *) echo made;; esac\n")
    (tools / "curl").write_text(f'#!/bin/sh\nfor a in "$@"; do echo "$a"; done >> {arguments}\n')
    for tool in tools.iterdir():
        tool.chmod(0o755)
    script = curl.replace(shlex.quote(sys.executable), str(python))
    path = {"PATH": f"{tools}:{os.environ['PATH']}"}
    subprocess.run(["/bin/sh", "-c", script], check=True, env=path)
    said = arguments.read_text().splitlines()
    body = json.loads(next(line for line in said if line.startswith("{")))
    assert body == {"email": person.email, "password": person.password, "otp": "123456"}
    assert said[-1] == "Authorization: Bearer made"
