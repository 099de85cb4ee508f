"""Model fields for personal data: plain in Python, ciphertext in the table, bound to their row."""

import json
import uuid
from collections.abc import Iterator
from typing import Any, ClassVar, TypeVar, cast

from django.apps import apps
from django.core import checks
from django.core.exceptions import FieldError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.query_utils import DeferredAttribute
from django.utils.functional import cached_property

from apps.infrastructure.ciphers import blind_index, decrypt_bytes, encrypt_bytes
from apps.infrastructure.keys import INDEX_CLASS, DecryptionError

__all__ = [
    "BlindIndexField",
    "DecryptionError",
    "EncryptedBinaryField",
    "EncryptedField",
    "EncryptedJSONField",
    "EncryptedTextField",
    "Sealed",
    "blind_index",
    "data_classes",
    "decrypt_bytes",
    "encrypt_bytes",
    "encrypted_fields",
    "normal_form",
]

SetT_contra = TypeVar("SetT_contra", contravariant=True)
GetT_co = TypeVar("GetT_co", covariant=True)


class Sealed:
    """A ciphertext on its way between the table and a row in memory; it shows nothing.

    `values()` gives it as it is: only a model instance knows the row that opens it.
    """

    __slots__ = ("token",)

    def __init__(self, token: bytes) -> None:
        self.token = token

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sealed) and self.token == other.token

    def __hash__(self) -> int:
        return hash(self.token)

    def __repr__(self) -> str:
        return "<sealed>"


class _OpenedOnFirstUse(DeferredAttribute):
    """Decrypt when somebody asks: a list that does not show the value does not pay for it."""

    field: "EncryptedField"

    def __get__(self, instance: models.Model | None, cls: Any = None) -> Any:
        if instance is None:
            return self
        values = instance.__dict__
        name = self.field.attname
        value = values[name] if name in values else super().__get__(instance, cls)
        if type(value) is Sealed:
            value = self.field.opened(value.token, instance)
            values[name] = value
        return value

    def __set__(self, instance: models.Model, value: Any) -> None:
        instance.__dict__[self.field.attname] = value


class EncryptedField(models.Field[Any, Any]):
    """What all encrypted columns do.

    `data_class` chooses the key.  `row` names the attribute that is authenticated with table and
    column; it must have its value before the first save and never change: a primary key that
    Python makes, or a unique UUID beside a serial one.  The column can be tested for NULL and
    nothing else, and `QuerySet.update` refuses it: to find a row, keep a BlindIndexField beside it.
    """

    descriptor_class = _OpenedOnFirstUse
    # How many rows one batch of a rotation takes.
    rotation_rows: ClassVar[int] = 500

    def __init__(
        self, *args: Any, data_class: str = "personal", row: str = "pk", **kwargs: Any
    ) -> None:
        self.data_class, self.row = data_class, row
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "data_class": self.data_class, "row": self.row}

    def get_internal_type(self) -> str:
        return "BinaryField"

    @cached_property
    def row_field(self) -> "models.Field[Any, Any]":
        """Return the column that tells the row."""
        found = self.model._meta.pk if self.row == "pk" else self.model._meta.get_field(self.row)
        return cast("models.Field[Any, Any]", found)

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        return [*super().check(**kwargs), *self._check_row()]

    def _check_row(self) -> list[checks.CheckMessage]:
        named = self.row_field
        if named.unique and (named.has_default() or named.remote_field):
            return []
        hint = "Use a UUID primary key, or name a unique UUID with row=."
        message = "An encrypted column needs a row that is known before it is saved."
        return [checks.Error(message, hint=hint, obj=self, id="infrastructure.E006")]

    def context(self, row: Any) -> str:
        """Return what is authenticated: the place of one value."""
        return f"{self._place}:{row}"

    @cached_property
    def _place(self) -> str:
        return f"{self.model._meta.db_table}.{self.column}"

    def row_of(self, instance: models.Model) -> Any:
        value = instance.pk if self.row == "pk" else getattr(instance, self.row)
        return value if type(value) is uuid.UUID else self.row_field.to_python(value)

    def sealed(self, value: Any, row: Any) -> Sealed:
        """Return the ciphertext of a plain value for that row."""
        if row is None:
            raise FieldError(f"{self.name} cannot be encrypted before its row is known.")
        plain = self.to_plain(value)
        return Sealed(encrypt_bytes(plain, context=self.context(row), data_class=self.data_class))

    def opened(self, token: bytes, instance: models.Model) -> Any:
        """Return the plain value.  Raises DecryptionError for another row's ciphertext."""
        return self.from_plain(decrypt_bytes(token, context=self.context(self.row_of(instance))))

    def rekeyed(self, token: bytes, row: Any) -> bytes:
        """Return the same value under the current key.  Raises DecryptionError."""
        context = self.context(row)
        plain = decrypt_bytes(token, context=context)
        return encrypt_bytes(plain, context=context, data_class=self.data_class)

    def to_plain(self, value: Any) -> bytes:
        return str(value).encode()

    def from_plain(self, data: bytes) -> Any:
        return data.decode()

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        # Through the attribute: a ciphertext that was loaded from another row is refused here.
        value = getattr(model_instance, self.attname)
        return None if value is None else self.sealed(value, self.row_of(model_instance))

    def get_db_prep_save(self, value: Any, connection: BaseDatabaseWrapper) -> bytes | None:
        return self.get_db_prep_value(value, connection)

    def get_db_prep_value(
        self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False
    ) -> bytes | None:
        if value is None:
            return None
        if not isinstance(value, Sealed):
            raise FieldError(f"{self.name} is encrypted: save the instance, no row is known here.")
        return value.token

    def from_db_value(
        self, value: Any, expression: object, connection: BaseDatabaseWrapper
    ) -> Sealed | None:
        return None if value is None else Sealed(bytes(value))

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name != "isnull":
            raise FieldError(f"{self.name} is encrypted and cannot be searched; use a blind index.")
        return super().get_lookup(lookup_name)


class EncryptedTextField(EncryptedField, models.TextField[SetT_contra, GetT_co]):
    """Text."""


class EncryptedJSONField(EncryptedField):
    """Whatever JSON can say."""

    def to_plain(self, value: Any) -> bytes:
        return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False).encode()

    def from_plain(self, data: bytes) -> Any:
        return json.loads(data)


class EncryptedBinaryField(EncryptedField):
    """A file."""

    rotation_rows = 4

    def to_plain(self, value: Any) -> bytes:
        return bytes(value)

    def from_plain(self, data: bytes) -> Any:
        return data


class BlindIndexField(models.CharField[str, str]):
    """Follows the text of another field: `bits` of a keyed digest over its normal form.

    Not unique: see `blind_index` on why few bits are wanted.  It is written when it is saved, so
    whoever saves `of` by `update_fields` names the index too.
    """

    def __init__(self, *args: Any, of: str, bits: int = 16, **kwargs: Any) -> None:
        self.of, self.bits = of, bits
        super().__init__(
            *args, **{**kwargs, "max_length": bits // 4, "db_index": True, "editable": False}
        )

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        kept = {key: kwargs[key] for key in kwargs if key not in {"max_length", "editable"}}
        return name, path, args, {**kept, "of": self.of, "bits": self.bits}

    def digest(self, text: str) -> str:
        """Return the index that rows with this text have; case and spaces do not matter."""
        purpose = f"{self.model._meta.db_table}.{self.of}"
        return blind_index(normal_form(text), purpose, bits=self.bits)

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        digest = self.digest(getattr(model_instance, self.of))
        setattr(model_instance, self.attname, digest)
        return digest


def normal_form(text: str) -> str:
    """Return the text as a person would call it the same."""
    return " ".join(text.casefold().split())


def encrypted_fields() -> Iterator[EncryptedField]:
    """Yield every encrypted column of every installed model that has a table."""
    for model in apps.get_models(include_auto_created=True):
        if model._meta.managed and not model._meta.proxy:
            for field in model._meta.local_fields:
                if isinstance(field, EncryptedField):
                    yield field


def data_classes() -> list[str]:
    """Return the class of every encrypted column, and of the blind indexes."""
    return sorted({INDEX_CLASS, *(field.data_class for field in encrypted_fields())})
