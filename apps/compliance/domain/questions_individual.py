"""The questions to a client who is a person."""

from apps.compliance.domain.choices import (
    EMPLOYMENT,
    EXPERIENCE,
    FUND_SOURCES,
    INCOME_BANDS,
    INDUSTRIES,
    PEP,
    WEALTH_SOURCES,
)
from apps.compliance.domain.questionnaire import Check, Field, Kind, Step
from apps.compliance.domain.questions_shared import (
    ACTIVITY,
    ADDRESS,
    DECLARATIONS,
    EEA,
    MORE_RESIDENCES,
    NATIONALITIES,
    OTHER_NAMES,
    PEP_FUNCTION,
    STRUCTURED,
    TAX,
    UK,
    US,
    W9,
)

STEPS: tuple[Step, ...] = (
    Step(
        code="personal",
        title="About you",
        fields=(
            Field(name="given_names", label="Given names", autocomplete="given-name"),
            Field(name="family_name", label="Family name", autocomplete="family-name"),
            Field(
                name="native_name",
                label="Full name in your own script",
                required=False,
                help_text="If your name is not usually written in Latin letters.",
            ),
            OTHER_NAMES,
            Field(
                name="date_of_birth",
                label="Date of birth",
                kind=Kind.DATE,
                autocomplete="bday",
                check=Check.ADULT,
            ),
            Field(name="birth_city", label="Town of birth", since=STRUCTURED),
            Field(
                name="birth_country",
                label="Country of birth",
                kind=Kind.COUNTRY,
                since=STRUCTURED,
            ),
            *NATIONALITIES,
            Field(
                name="residence",
                label="Country of residence",
                kind=Kind.COUNTRY,
                autocomplete="country",
            ),
        ),
    ),
    ADDRESS,
    Step(
        code="employment",
        title="Work and public functions",
        fields=(
            Field(name="employment", label="Work", kind=Kind.CHOICE, choices=EMPLOYMENT),
            Field(
                name="occupation",
                label="Occupation",
                required=False,
                required_if=("employment", "EMPLOYED"),
                autocomplete="organization-title",
            ),
            Field(
                name="employer",
                label="Employer",
                required=False,
                required_if=("employment", "EMPLOYED"),
                autocomplete="organization",
            ),
            Field(name="industry", label="Industry", kind=Kind.CHOICE, choices=INDUSTRIES),
            Field(
                name="pep",
                label="Are you a politically exposed person?",
                kind=Kind.CHOICE,
                choices=PEP,
            ),
            PEP_FUNCTION,
        ),
    ),
    Step(
        code="financial",
        title="Money",
        fields=(
            Field(
                name="source_of_funds",
                label="Where the money comes from",
                kind=Kind.CHOICES,
                choices=FUND_SOURCES,
            ),
            Field(
                name="source_of_wealth",
                label="How you came by what you own",
                kind=Kind.CHOICES,
                choices=WEALTH_SOURCES,
                since=STRUCTURED,
            ),
            Field(
                name="annual_income", label="Yearly income", kind=Kind.CHOICE, choices=INCOME_BANDS
            ),
            Field(name="net_worth", label="Net worth", kind=Kind.CHOICE, choices=INCOME_BANDS),
            *ACTIVITY,
        ),
    ),
    Step(
        code="tax",
        title="Tax",
        fields=(
            *TAX,
            Field(name="us_person", label="I am a US person for tax purposes", kind=Kind.BOOLEAN),
        ),
        help_text="A number of the United States is the social security number or the ITIN.",
    ),
    MORE_RESIDENCES,
    # FINRA Rules 4512(a)(1)(F) and (c) and 3210; SEC Rule 144; Form W-9.
    Step(
        code="us",
        title="United States",
        since=STRUCTURED,
        where=frozenset({US}),
        fields=(
            *W9,
            Field(
                name="broker_affiliation",
                label="I work for a broker-dealer, an exchange or FINRA, or live with somebody who"
                " does",
                kind=Kind.BOOLEAN,
            ),
            Field(
                name="broker_name",
                label="Which one",
                required=False,
                required_if=("broker_affiliation", True),
            ),
            Field(
                name="insider",
                label="I am a director, a policy-making officer or a 10 % shareholder of a listed"
                " company",
                kind=Kind.BOOLEAN,
            ),
            Field(
                name="insider_company",
                label="Which company",
                required=False,
                required_if=("insider", True),
            ),
            Field(
                name="trusted_contact",
                label="Somebody whom we may call when we worry about you",
                required=False,
                max_length=300,
                help_text="Name and telephone; you need not name anybody.",
            ),
        ),
    ),
    # Commission Delegated Regulation (EU) 2017/590, Article 6 and Annex II; MiFID II, Article 25.
    Step(
        code="markets",
        title="Rules for European markets",
        since=STRUCTURED,
        where=frozenset({EEA, UK}),
        fields=(
            Field(
                name="national_identifier",
                label="National identification number",
                required=False,
                max_length=35,
                is_masked=True,
                where=frozenset({EEA}),
                help_text="Reports of trades carry it. Leave it empty if your country gives none.",
            ),
            Field(
                name="national_insurance_number",
                label="National Insurance number",
                required=False,
                max_length=13,
                is_masked=True,
                where=frozenset({UK}),
                help_text="Reports of trades carry it. Leave it empty if you have none.",
            ),
            Field(
                name="investment_experience",
                label="Knowledge and experience of investments",
                kind=Kind.CHOICE,
                choices=EXPERIENCE,
            ),
        ),
    ),
    Step(
        code="declarations",
        title="Declarations",
        fields=(
            Field(
                name="own_account",
                label="I act for myself and nobody else owns or controls this money.",
                kind=Kind.BOOLEAN,
                must_be_true=True,
            ),
            *DECLARATIONS,
            Field(
                name="checks_agreed",
                label="I agree that you check my data against sanctions and other public lists.",
                kind=Kind.BOOLEAN,
                must_be_true=True,
            ),
        ),
    ),
)
