"""A client of the REST interface that behaves as the documentation asks: same key, try again."""

import json
import time
import uuid
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tests.e2e.demo import Person

RETRY_SECONDS = 90


@dataclass
class Answer:
    status: int
    body: Any


@dataclass
class Api:
    """One person's API session; a write is repeated under its key until somebody answers."""

    base_url: str
    token: str = field(default="", repr=False)

    def sign_in(self, person: Person) -> None:
        credentials = {"email": person.email, "password": person.password, "otp": person.code()}
        answer = self.call("POST", "/auth/token", credentials)
        assert answer.status == 200, answer
        self.token = answer.body["access"]

    def call(self, method: str, path: str, body: Any = None, *, key: str = "") -> Answer:
        """Send once.  Raises OSError or HTTPException when the connection fails."""
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if key:
            headers["Idempotency-Key"] = key
        data = None if body is None else json.dumps(body).encode()
        request = Request(  # noqa: S310
            f"{self.base_url}/api/v1{path}", data=data, headers=headers, method=method
        )
        try:
            with urlopen(request, timeout=20) as answer:  # noqa: S310
                return Answer(answer.status, json.load(answer))
        except HTTPError as error:
            with error:
                return Answer(error.code, json.loads(error.read() or b"null"))

    def write(self, path: str, body: Any, *, key: str = "") -> Answer:
        """Send until the answer is neither a lost connection nor a 5xx nor `in flight`."""
        key = key or str(uuid.uuid4())
        deadline = time.monotonic() + RETRY_SECONDS
        while True:
            try:
                answer = self.call("POST", path, body, key=key)
            except (OSError, HTTPException):
                answer = Answer(0, None)
            is_final = 0 < answer.status < 500 and answer.status not in {409, 429}
            if is_final or time.monotonic() > deadline:
                return answer
            time.sleep(0.3)

    def pages(self, path: str) -> list[Any]:
        """Return all results of a list, following `next`."""
        results: list[Any] = []
        while path:
            answer = self.call("GET", path)
            assert answer.status == 200, answer
            results += answer.body["results"]
            path = (answer.body["next"] or "").partition("/api/v1")[2]
        return results
