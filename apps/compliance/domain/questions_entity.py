"""The questions to a client that is a company, partnership, trust or foundation."""

from dataclasses import replace

from apps.compliance.domain.choices import (
    CRS_TYPES,
    ENTITY_BANDS,
    ENTITY_FUND_SOURCES,
    ENTITY_WEALTH_SOURCES,
    EXEMPTIONS,
    FATCA_STATUSES,
    INDUSTRIES,
    LEGAL_FORMS,
    W9_CLASSES,
)
from apps.compliance.domain.questionnaire import Check, Field, Kind, Step
from apps.compliance.domain.questions_shared import (
    ACTIVITY,
    ADDRESS,
    DECLARATIONS,
    MORE_RESIDENCES,
    STRUCTURED,
    TAX,
    US,
    W9,
)

# Of the entity itself, and of any company among its owners.
COMPANY: tuple[Field, ...] = (
    Field(name="legal_name", label="Legal name", max_length=200),
    Field(
        name="trading_names",
        label="Trading and former names",
        required=False,
        max_length=300,
        help_text="Separate several names by semicolons.",
    ),
    Field(name="legal_form", label="Legal form", kind=Kind.CHOICE, choices=LEGAL_FORMS),
    Field(
        name="incorporation_country",
        label="Country whose law it is under",
        kind=Kind.COUNTRY,
    ),
    Field(
        name="registration_number",
        label="Registration number",
        required=False,
        required_if=("legal_form", ("COMPANY", "PARTNERSHIP", "FOUNDATION")),
        max_length=40,
    ),
    Field(
        name="lei",
        label="Legal entity identifier (LEI)",
        required=False,
        max_length=24,
        check=Check.LEI,
    ),
)
EXEMPTION: tuple[Field, ...] = (
    Field(
        name="exemption",
        label="Is it listed, supervised, a public body or widely held?",
        kind=Kind.CHOICE,
        choices=EXEMPTIONS,
    ),
    Field(
        name="exemption_detail",
        label="Exchange and symbol, supervisor and number, or where this can be seen",
        required=False,
        required_if=("exemption", ("LISTED", "REGULATED", "PUBLIC_BODY", "WIDELY_HELD")),
        max_length=200,
    ),
)
STEPS: tuple[Step, ...] = (
    Step(
        code="entity",
        title="The entity",
        fields=(
            *COMPANY,
            Field(
                name="register_name",
                label="Register that has the number",
                required=False,
                required_if=("legal_form", ("COMPANY", "PARTNERSHIP", "FOUNDATION")),
            ),
            Field(name="incorporation_date", label="Founded on", kind=Kind.DATE),
        ),
    ),
    replace(
        ADDRESS,
        title="Registered office",
        fields=(
            *ADDRESS.fields,
            Field(
                name="business_country",
                label="Country where most of the business is done",
                kind=Kind.COUNTRY,
            ),
        ),
    ),
    Step(
        code="business",
        title="Business",
        fields=(
            Field(name="business_activity", label="What the entity does", max_length=500),
            Field(name="industry", label="Industry", kind=Kind.CHOICE, choices=INDUSTRIES),
            *EXEMPTION,
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
                choices=ENTITY_FUND_SOURCES,
            ),
            Field(
                name="source_of_wealth",
                label="How the entity came by what it owns",
                kind=Kind.CHOICES,
                choices=ENTITY_WEALTH_SOURCES,
            ),
            Field(
                name="annual_turnover",
                label="Yearly turnover",
                kind=Kind.CHOICE,
                choices=ENTITY_BANDS,
            ),
            Field(name="net_assets", label="Net assets", kind=Kind.CHOICE, choices=ENTITY_BANDS),
            *ACTIVITY,
        ),
    ),
    Step(
        code="tax",
        title="Tax",
        fields=(
            *TAX,
            Field(name="us_person", label="The entity is a US person", kind=Kind.BOOLEAN),
            Field(
                name="crs_type",
                label="Type under the Common Reporting Standard",
                kind=Kind.CHOICE,
                choices=CRS_TYPES,
                help_text="The controllers of a passive NFE state their own tax residences.",
            ),
            Field(
                name="fatca_status",
                label="Status under FATCA",
                kind=Kind.CHOICE,
                choices=FATCA_STATUSES,
            ),
            Field(
                name="giin",
                label="GIIN",
                required=False,
                required_if=("fatca_status", "PARTICIPATING_FFI"),
                max_length=19,
                check=Check.GIIN,
            ),
        ),
        help_text="A number of the United States is the EIN.",
    ),
    MORE_RESIDENCES,
    Step(
        code="us",
        title="United States",
        since=STRUCTURED,
        where=frozenset({US}),
        fields=(
            Field(
                name="w9_class",
                label="Federal tax classification",
                kind=Kind.CHOICE,
                choices=W9_CLASSES,
            ),
            *W9,
        ),
    ),
    Step(
        code="declarations",
        title="Declarations",
        fields=(
            Field(
                name="authorised",
                label="I may act for the entity, and it acts for itself.",
                kind=Kind.BOOLEAN,
                must_be_true=True,
            ),
            *DECLARATIONS,
            Field(
                name="checks_agreed",
                label="The entity and the people named agree that you check their data against"
                " sanctions and other public lists.",
                kind=Kind.BOOLEAN,
                must_be_true=True,
            ),
        ),
    ),
)
