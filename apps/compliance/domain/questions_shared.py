"""Questions that several kinds are asked: persons, address, money, tax, declarations."""

from apps.compliance.domain.choices import (
    ACTIVITY_BANDS,
    CURRENCIES,
    FREQUENCIES,
    INCOME_BANDS,
    NO_TIN,
    PURPOSES,
    TRADE_BANDS,
)
from apps.compliance.domain.questionnaire import Field, Kind, Step

# The version that asks for places of birth, structured activity, several tax residences, the rules
# of a jurisdiction; and the first that is for entities too.
STRUCTURED = "2026-12"
MORE_TAX, US, EEA, UK = "MORE_TAX", "US", "EEA", "UK"

# Of a person: the client, or an owner or controller of one.
OTHER_NAMES = Field(
    name="other_names",
    label="Former names and aliases",
    required=False,
    max_length=300,
    help_text="Separate several names by semicolons.",
)
NATIONALITIES: tuple[Field, ...] = (
    Field(name="nationality", label="Nationality", kind=Kind.COUNTRY),
    Field(
        name="second_nationality",
        label="Second nationality",
        kind=Kind.COUNTRY,
        required=False,
    ),
)
PEP_FUNCTION = Field(
    name="pep_function",
    label="Which function, whose, and when",
    required=False,
    required_if=("pep", ("SELF", "RELATED")),
    max_length=500,
)
ADDRESS = Step(
    code="contact",
    title="Address",
    fields=(
        Field(name="address_line_1", label="Address", autocomplete="address-line1"),
        Field(
            name="address_line_2",
            label="Address, second line",
            required=False,
            autocomplete="address-line2",
        ),
        Field(name="city", label="City", autocomplete="address-level2"),
        Field(
            name="region",
            label="State or region",
            required=False,
            autocomplete="address-level1",
        ),
        Field(
            name="postal_code",
            label="Postal code",
            required=False,
            max_length=20,
            autocomplete="postal-code",
        ),
        Field(name="country", label="Country", kind=Kind.COUNTRY, autocomplete="country"),
        Field(name="phone", label="Telephone", max_length=30, autocomplete="tel"),
    ),
)
ACTIVITY: tuple[Field, ...] = (
    Field(
        name="funds_country",
        label="Country that most of the money comes from",
        kind=Kind.COUNTRY,
        since=STRUCTURED,
    ),
    Field(
        name="first_deposit",
        label="First deposit you expect to make",
        kind=Kind.CHOICE,
        choices=INCOME_BANDS,
        since=STRUCTURED,
    ),
    Field(
        name="expected_activity",
        label="Deposits you expect to make",
        kind=Kind.CHOICE,
        choices=ACTIVITY_BANDS,
    ),
    Field(
        name="deposit_frequency",
        label="How often you expect to deposit",
        kind=Kind.CHOICE,
        choices=FREQUENCIES,
        since=STRUCTURED,
    ),
    Field(
        name="expected_withdrawals",
        label="Withdrawals you expect to make",
        kind=Kind.CHOICE,
        choices=ACTIVITY_BANDS,
        since=STRUCTURED,
    ),
    Field(
        name="expected_trades",
        label="Trades you expect to make",
        kind=Kind.CHOICE,
        choices=TRADE_BANDS,
        since=STRUCTURED,
    ),
    Field(
        name="activity_currency",
        label="Currency you will mostly pay in",
        kind=Kind.CHOICE,
        choices=CURRENCIES,
        since=STRUCTURED,
    ),
    Field(name="purpose", label="Purpose", kind=Kind.CHOICE, choices=PURPOSES),
)
TAX: tuple[Field, ...] = (
    Field(name="tax_residence", label="Tax residence", kind=Kind.COUNTRY),
    Field(
        name="tin",
        label="Tax identification number",
        required=False,
        required_if=("has_tin", True),
        max_length=30,
        is_masked=True,
    ),
    Field(name="has_tin", label="I have a tax identification number", kind=Kind.BOOLEAN),
    Field(
        name="no_tin_code",
        label="Why there is none",
        kind=Kind.CHOICE,
        choices=NO_TIN,
        required=False,
        required_if=("has_tin", False),
        since=STRUCTURED,
    ),
    Field(
        name="no_tin_reason",
        label="Why you have none",
        required=False,
        required_if=("has_tin", False),
        max_length=200,
        until=STRUCTURED,
    ),
    Field(
        name="no_tin_reason",
        label="Why you cannot obtain one",
        required=False,
        required_if=("no_tin_code", "B"),
        max_length=200,
        since=STRUCTURED,
    ),
    Field(
        name="more_tax_residences",
        label="There are other tax residences",
        kind=Kind.BOOLEAN,
        since=STRUCTURED,
    ),
)


def _further_residence(number: int) -> tuple[Field, ...]:
    """Return the questions for the second to fourth tax residence; the second must be named."""
    country, has = f"tax_residence_{number}", f"has_tin_{number}"
    return (
        Field(
            name=country,
            label=f"Tax residence {number}",
            kind=Kind.COUNTRY,
            required=number == 2,
        ),
        Field(
            name=f"tin_{number}",
            label=f"Tax identification number {number}",
            required=False,
            required_if=(has, True),
            max_length=30,
            is_masked=True,
        ),
        Field(
            name=has,
            label=f"There is a tax identification number {number}",
            kind=Kind.BOOLEAN,
            required=False,
            required_if=(country, None),
        ),
        Field(
            name=f"no_tin_code_{number}",
            label=f"Why there is no number {number}",
            kind=Kind.CHOICE,
            choices=NO_TIN,
            required=False,
            required_if=(has, False),
        ),
        Field(
            name=f"no_tin_reason_{number}",
            label=f"Why number {number} cannot be obtained",
            required=False,
            required_if=(f"no_tin_code_{number}", "B"),
            max_length=200,
        ),
    )


TAX_RESIDENCES = ("", "_2", "_3", "_4")
MORE_RESIDENCES = Step(
    code="more_tax",
    title="Other tax residences",
    since=STRUCTURED,
    where=frozenset({MORE_TAX}),
    fields=tuple(item for number in (2, 3, 4) for item in _further_residence(number)),
    help_text="Every country whose law makes you resident there for tax, one after the other.",
)
W9: tuple[Field, ...] = (
    Field(
        name="backup_withholding",
        label="The tax authority of the US has said that backup withholding applies",
        kind=Kind.BOOLEAN,
    ),
    Field(
        name="w9_certified",
        label="As Form W-9 asks, under penalties of perjury: the number stated is the right one,"
        " the answer on backup withholding is true, and this is a US person.",
        kind=Kind.BOOLEAN,
        must_be_true=True,
    ),
)
DECLARATIONS: tuple[Field, ...] = (
    Field(
        name="accurate",
        label="What I have stated is complete and true.",
        kind=Kind.BOOLEAN,
        must_be_true=True,
    ),
    Field(
        name="will_update",
        label="I will tell you within 30 days when any of it changes.",
        kind=Kind.BOOLEAN,
        must_be_true=True,
    ),
)
