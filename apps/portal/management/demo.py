"""What the demo remembers between runs, and what it prints for people to paste."""

import json
import secrets
import shlex
import string
import sys
from dataclasses import asdict, dataclass, replace
from email import message_from_bytes, policy
from pathlib import Path

from apps.users.domain.roles import Role

PASSWORD_LETTERS = string.ascii_letters + string.digits  # nothing that a shell would read
MAIL_SEPARATOR = b"\n" + b"-" * 79 + b"\n"


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody who can sign in to the demo; `user_id` is empty until they exist."""

    email: str
    display_name: str
    role: str
    password: str
    totp_secret: str = ""
    user_id: str = ""


CAST = (
    ("client@stratford.example", "Hannelore Brightwater", Role.CLIENT),
    ("officer@stratford.example", "Oscar Officer", Role.COMPLIANCE_OFFICER),
    ("second.officer@stratford.example", "Sofia Second", Role.COMPLIANCE_OFFICER),
    ("supervisor@stratford.example", "Samuel Supervisor", Role.COMPLIANCE_SUPERVISOR),
    ("operations@stratford.example", "Olivia Operations", Role.OPERATIONS),
    ("second.operations@stratford.example", "Otto Second", Role.OPERATIONS),
    ("auditor@stratford.example", "Aisha Auditor", Role.AUDITOR),
    ("administrator@stratford.example", "Adam Administrator", Role.ADMINISTRATOR),
)


def write_private(path: Path, content: object) -> None:
    """Write JSON that only this user can read, all of it or nothing."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(content, indent=2) + "\n")
    draft.replace(path)


class People:
    """The demo's people, in a private file of the data folder."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "demo_people.json"
        stored = json.loads(self.path.read_text()) if self.path.exists() else []
        by_email = {item["email"]: Person(**item) for item in stored}
        self.people = [
            by_email.get(email)
            or Person(
                email=email,
                display_name=name,
                role=role.value,
                password="".join(secrets.choice(PASSWORD_LETTERS) for _ in range(20)),
            )
            for email, name, role in CAST
        ]

    def record(self, email: str, *, user_id: str, totp_secret: str) -> None:
        """Keep whom a person became; call it before the user's transaction commits."""
        self.people = [
            replace(person, user_id=user_id, totp_secret=totp_secret)
            if person.email == email
            else person
            for person in self.people
        ]
        write_private(self.path, [asdict(person) for person in self.people])

    def facts(self) -> list[dict[str, str]]:
        """Return what scripts need to sign in."""
        keys = ("email", "password", "totp_secret", "role")
        return [{key: getattr(person, key) for key in keys} for person in self.people]


class MailRelay:
    """Reads the mails that the demo's processes wrote into a folder, each once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.offsets = {path: path.stat().st_size for path in folder.glob("*.log")}

    def new(self) -> list[str]:
        """Return the text of every mail that is complete and was not returned before."""
        texts: list[str] = []
        for path in sorted(self.folder.glob("*.log")):
            content = path.read_bytes()[self.offsets.get(path, 0) :]
            complete, separator, _ = content.rpartition(MAIL_SEPARATOR)
            if separator:
                length = len(complete) + len(separator)
                self.offsets[path] = self.offsets.get(path, 0) + length
                texts += [_mail_text(raw) for raw in complete.split(MAIL_SEPARATOR)]
        return texts


def _mail_text(raw: bytes) -> str:
    mail = message_from_bytes(raw.lstrip(b"\n"), policy=policy.default)
    body = mail.get_body(preferencelist=("plain",))
    text = body.get_content().strip() if body else ""
    return f"To: {mail['To']}\nSubject: {mail['Subject']}\n\n{text}"


def paste_lines(base_url: str, person: Person, folder: Path, manage: Path) -> list[str]:
    """Return a curl line and a WebSocket line for a POSIX shell that work as they are."""
    python = shlex.quote(sys.executable)
    code = (
        f"$(STRATFORD_VAR={shlex.quote(str(folder))} {python} "
        f"{shlex.quote(str(manage))} demo_code {person.email})"
    )
    credentials = {"email": person.email, "password": person.password, "otp": code}
    body = json.dumps(credentials).replace('"', '\\"')
    read = f"{python} -c 'import json,sys; print(json.load(sys.stdin)[sys.argv[1]])'"
    post = "-H 'Content-Type: application/json'"
    token = f'TOKEN=$(curl -s {base_url}/api/v1/auth/token {post} -d "{body}" | {read} access)'
    bearer = '-H "Authorization: Bearer $TOKEN"'
    ws_token = f"$(curl -s -X POST {base_url}/api/v1/ws-tokens {bearer} | {read} token)"
    subscribe = '{"op":"subscribe","id":2,"channel":"quotes","symbols":["AAPL","MSFT"]}'
    ws_url = base_url.replace("http", "ws", 1) + "/ws/v1/stream"
    authenticate = f'{{\\"op\\":\\"auth\\",\\"id\\":1,\\"token\\":\\"{ws_token}\\"}}'
    # The command `python -m websockets` cannot name the Origin that the live feed asks for.
    connect = (
        "import asyncio, sys, websockets.cli as cli; "
        "asyncio.run(cli.interactive_client(sys.argv[1], origin=sys.argv[2]))"
    )
    client = f"{python} -c {shlex.quote(connect)} {ws_url} {base_url}"
    return [
        f"{token}; curl -s {base_url}/api/v1/account {bearer}",
        f"(echo \"{authenticate}\"; echo '{subscribe}'; sleep 10) | {client}",
    ]
