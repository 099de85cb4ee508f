"""The questions about the owners and controllers of an entity."""

from apps.compliance.domain.choices import NO_TIN, PEP
from apps.compliance.domain.questionnaire import Field, Kind, Step
from apps.compliance.domain.questions_entity import COMPANY, EXEMPTION
from apps.compliance.domain.questions_shared import NATIONALITIES, OTHER_NAMES, PEP_FUNCTION

PERSON = Step(
    code="person",
    title="A person",
    fields=(
        Field(name="given_names", label="Given names"),
        Field(name="family_name", label="Family name"),
        Field(
            name="native_name",
            label="Full name in their own script",
            required=False,
            help_text="If the name is not usually written in Latin letters.",
        ),
        OTHER_NAMES,
        Field(name="date_of_birth", label="Date of birth", kind=Kind.DATE),
        *NATIONALITIES,
        Field(name="residence", label="Country of residence", kind=Kind.COUNTRY),
        Field(
            name="pep",
            label="Is this a politically exposed person?",
            kind=Kind.CHOICE,
            choices=PEP,
        ),
        PEP_FUNCTION,
        Field(
            name="tax_residence",
            label="Tax residence",
            kind=Kind.COUNTRY,
            required=False,
            help_text="Needed for owners and controllers of a passive NFE.",
        ),
        Field(
            name="tin",
            label="Tax identification number",
            required=False,
            max_length=30,
            is_masked=True,
        ),
        Field(
            name="no_tin_code",
            label="Why there is none",
            kind=Kind.CHOICE,
            choices=NO_TIN,
            required=False,
        ),
        Field(
            name="is_signatory",
            label="This is me: I sign for the entity",
            kind=Kind.BOOLEAN,
        ),
        Field(
            name="capacity",
            label="In which capacity",
            required=False,
            required_if=("is_signatory", True),
            help_text="For example director, or power of attorney with its date.",
        ),
    ),
)
COMPANY_PARTY = Step(
    code="company", title="A company, trust or foundation", fields=(*COMPANY, *EXEMPTION)
)
PARTY_STEPS = {"PERSON": PERSON, "COMPANY": COMPANY_PARTY}
