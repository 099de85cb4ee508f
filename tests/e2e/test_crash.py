"""kill -9 in the middle of 200 orders: nothing acknowledged is lost, nothing happens twice."""

import os
import signal
import threading
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.e2e.api import Api
from tests.e2e.demo import Demo

ORDERS = 200
KILL_AFTER = 40
PARALLEL = 8
DRAIN_SECONDS = 120
LIMIT_PRICE = "1.00"
PENDING = "SELECT count(*) FROM audit_outboxmessage WHERE delivered_at IS NULL"


@pytest.fixture(scope="module")
def api(demo: Demo) -> Api:
    session = Api(demo.base_url)
    session.sign_in(demo.people[0])
    return session


def _portfolio(api: Api) -> str:
    answer = api.call("GET", "/portfolios")
    assert answer.status == 200, answer
    return str(answer.body[0]["id"])


def _kill_and_await_return(demo: Demo, name: str) -> None:
    before = demo.pid(name)
    os.kill(before, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while demo.pid(name) == before:
        assert time.monotonic() < deadline, f"{name} was not started again"
        time.sleep(0.2)


def _pending_messages(demo: Demo) -> int:
    folder = demo.folder / "postgres"
    with psycopg.connect(host=str(folder), user="stratford_owner", dbname="stratford") as database:
        row = database.execute(PENDING).fetchone()
    return int(row[0]) if row else 0


@pytest.mark.parametrize("victim", ["worker", "web", "postgres"])
def test_orders_with_a_process_killed_in_between_exist_once_and_are_all_delivered(
    demo: Demo, api: Api, victim: str
) -> None:
    portfolio_id = _portfolio(api)
    run = uuid.uuid4().hex[:8]
    sent = threading.Semaphore(0)

    def place(number: int) -> tuple[str, int, str]:
        client_order_id = f"{run}-{number}"
        order = {
            "portfolio_id": portfolio_id,
            "symbol": "AAPL",
            "side": "BUY",
            "type": "LIMIT",
            # A price that never trades: the order rests, and 200 of them fit the buying power.
            "quantity": "1",
            "limit_price": LIMIT_PRICE,
            "time_in_force": "GTC",
            "client_order_id": client_order_id,
        }
        answer = api.write("/orders", order, key=f"key-{client_order_id}")
        sent.release()
        return client_order_id, answer.status, (answer.body or {}).get("id", "")

    with ThreadPoolExecutor(PARALLEL) as pool:
        placed = [pool.submit(place, number) for number in range(ORDERS)]
        for _ in range(KILL_AFTER):
            sent.acquire()
        _kill_and_await_return(demo, victim)
        outcomes = [item.result() for item in placed]

    assert Counter(status for _, status, _ in outcomes) == {201: ORDERS}
    listed = [
        order
        for order in api.pages(f"/orders?portfolio_id={portfolio_id}")
        if order["client_order_id"].startswith(f"{run}-")
    ]
    assert Counter(order["client_order_id"] for order in listed) == {
        client_order_id: 1 for client_order_id, _, _ in outcomes
    }
    assert {order["id"] for order in listed} == {order_id for _, _, order_id in outcomes}
    _assert_drained_and_verified(demo)


def _assert_drained_and_verified(demo: Demo) -> None:
    deadline = time.monotonic() + DRAIN_SECONDS
    while pending := _pending_messages(demo):
        assert time.monotonic() < deadline, f"{pending} messages were not delivered"
        time.sleep(0.2)
    commands = ("audit_verify", "ledger_verify")
    with ThreadPoolExecutor(len(commands)) as pool:
        for command, result in zip(commands, pool.map(demo.manage, commands), strict=True):
            assert result.returncode == 0, f"{command}: {result.stdout}{result.stderr}"
