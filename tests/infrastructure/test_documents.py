import time

import pytest
from pymongo.errors import PyMongoError
from pytest_django.fixtures import Settings

from apps.infrastructure.documents import collection, database


def test_collection_keeps_a_document() -> None:
    notes = collection("notes_of_the_test")
    notes.delete_many({})
    notes.insert_one({"_id": "n1", "amount": "10.50"})

    assert notes.find_one({"_id": "n1"}) == {"_id": "n1", "amount": "10.50"}
    assert database().name.startswith("stratford")


def test_collection_with_the_store_down_fails_within_seconds(settings: Settings) -> None:
    settings.MONGO_URL = "mongodb://127.0.0.1:9/stratford"
    started_at = time.monotonic()

    with pytest.raises(PyMongoError):
        collection("notes").find_one({})

    assert time.monotonic() - started_at < 5
