"""The other side of a payment: who pays a deposit, whom a withdrawal pays."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from stdnum import iban

from apps.core.errors import Refused

# As long as ISO 20022 lets a party's name be.
MAX_NAME = 140
ACCOUNT = re.compile(r"[A-Z0-9]{5,34}", re.ASCII)
COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
# Two letters and two digits begin an IBAN, which has check digits, and nothing else that we take.
IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,}", re.ASCII)
SHOWN = 4


@dataclass(frozen=True, slots=True)
class Party:
    """`account` is an IBAN or the bank's number, `country` where it is kept; "" is not known."""

    name: str
    account: str = ""
    country: str = ""

    @property
    def masked_account(self) -> str:
        """The end of the account's number, as much as tells its owner's accounts apart."""
        return f"••••{self.account[-SHOWN:]}" if self.account else ""

    def is_one_of(self, names: Iterable[str]) -> bool:
        """Tell whether the party has one of the names: the same words, in any order and case."""
        own = _words(self.name)
        return bool(own) and any(own == _words(name) for name in names)


def payee_of(name: str, account: str, country: str) -> Party:
    """Return the payee that a client names.

    Raises Refused `payee_unusable` or, where the check digits are wrong, `iban_invalid`, each with
    the `field`.
    """
    name = " ".join(name.split())
    if len(name) > MAX_NAME or not name.isprintable() or not any(map(str.isalnum, name)):
        raise _unusable(f"A name has 1 to {MAX_NAME} letters.", "payee_name")
    account = re.sub(r"[ -]", "", account).upper()
    if not ACCOUNT.fullmatch(account):
        raise _unusable("An account has 5 to 34 letters and digits.", "payee_account")
    if not COUNTRY.fullmatch(country):
        raise _unusable("A country is named by its code of two letters.", "payee_country")
    if IBAN.fullmatch(account) and not iban.is_valid(account):
        raise Refused("This IBAN is not right.", code="iban_invalid", field="payee_account")
    return Party(name, account, country)


def _unusable(message: str, field: str) -> Refused:
    return Refused(message, code="payee_unusable", field=field)


def _words(name: str) -> list[str]:
    return sorted(re.findall(r"\w+", name.casefold()))
