"""Key-encryption keys in AWS KMS: an alias names the one that wraps, and they never leave."""

import os
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import parse_qs

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.core.exceptions import ImproperlyConfigured

from apps.infrastructure.providers.key_encryption import KeyRefused, KeyServiceDown

T = TypeVar("T")
# What KMS answers when asking again cannot help; anything else may pass.
ANSWERS_NO = {
    *("InvalidCiphertextException", "IncorrectKeyException", "NotFoundException"),
    *("AccessDeniedException", "ValidationException", "DisabledException"),
    *("KMSInvalidStateException", "InvalidKeyUsageException", "AlreadyExistsException"),
}


@lru_cache(maxsize=4)
def _client_of(_pid: int, region: str, endpoint: str) -> Any:
    """Time-outs are short and nothing is repeated here: the caller's breaker and retries do it."""
    return boto3.session.Session().client(
        "kms",
        region_name=region,
        endpoint_url=endpoint or None,
        config=Config(connect_timeout=2, read_timeout=3, retries={"total_max_attempts": 1}),
    )


class AwsKeys:
    """`aws-kms:alias/NAME?region=REGION` (and `&endpoint=URL` for another server of the protocol).

    The credentials are boto3's usual ones.  The label is KMS's encryption context, so CloudTrail
    shows which data key was asked for.
    """

    prefix = "aws-kms:"

    def __init__(self, url: str) -> None:
        self.alias, _, query = url.removeprefix(self.prefix).partition("?")
        options = {name: values[0] for name, values in parse_qs(query).items()}
        if not self.alias.startswith("alias/") or "region" not in options:
            raise ImproperlyConfigured("KMS_URL must be aws-kms:alias/NAME?region=REGION.")
        self.region, self.endpoint = options["region"], options.get("endpoint", "")

    def prepare(self) -> None:
        try:
            self.current()
        except KeyRefused:
            key = self._make()
            self._run(lambda kms: kms.create_alias(AliasName=self.alias, TargetKeyId=key))

    def current(self) -> str:
        return self.prefix + str(
            self._run(lambda kms: kms.describe_key(KeyId=self.alias))["KeyMetadata"]["Arn"]
        )

    def rotate(self) -> str:
        key = self._make()
        self._run(lambda kms: kms.update_alias(AliasName=self.alias, TargetKeyId=key))
        return self.current()

    def wrap(self, key: bytes, *, label: str) -> tuple[str, bytes]:
        answer = self._run(
            lambda kms: kms.encrypt(
                KeyId=self.alias, Plaintext=key, EncryptionContext={"stratford": label}
            )
        )
        return self.prefix + str(answer["KeyId"]), bytes(answer["CiphertextBlob"])

    def unwrap(self, wrapped: bytes, *, kek_id: str, label: str) -> bytes:
        answer = self._run(
            lambda kms: kms.decrypt(
                KeyId=kek_id.removeprefix(self.prefix),
                CiphertextBlob=wrapped,
                EncryptionContext={"stratford": label},
            )
        )
        return bytes(answer["Plaintext"])

    def _make(self) -> str:
        answer = self._run(lambda kms: kms.create_key(Description="Stratford key-encryption key"))
        return str(answer["KeyMetadata"]["KeyId"])

    def _run(self, ask: Callable[[Any], T]) -> T:
        try:
            return ask(_client_of(os.getpid(), self.region, self.endpoint))
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code in ANSWERS_NO:
                raise KeyRefused(f"AWS KMS refused: {code}.") from error
            raise KeyServiceDown(f"AWS KMS failed: {code}.") from error
        except BotoCoreError as error:
            raise KeyServiceDown(f"AWS KMS failed: {type(error).__name__}.") from error
