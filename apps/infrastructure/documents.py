"""The document store (MongoDB): read models and raw provider payloads, never the truth."""

import atexit
import os
from functools import lru_cache
from typing import Any

from django.conf import settings
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.database import Database

Document = dict[str, Any]


@lru_cache(maxsize=2)
def _client_of(_pid: int, url: str) -> "MongoClient[Document]":
    client: MongoClient[Document] = MongoClient(
        url,
        serverSelectionTimeoutMS=1000,
        connectTimeoutMS=1000,
        socketTimeoutMS=2000,
        tz_aware=True,
        retryWrites=False,  # the embedded server has no sessions
        connect=False,
    )
    atexit.register(client.close)
    return client


def database() -> "Database[Document]":
    """Return the database that MONGO_URL names; a forked process gets its own client."""
    return _client_of(os.getpid(), settings.MONGO_URL).get_default_database("stratford")


def collection(name: str) -> "Collection[Document]":
    """Return a collection.  Every call on it may raise `pymongo.errors.PyMongoError`, in 2 s."""
    return database()[name]
