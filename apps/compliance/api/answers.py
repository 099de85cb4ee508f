"""How answers to questions are described: one schema a question, whoever is asked it."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.compliance.domain.questionnaire import Field, Kind, Step
from apps.compliance.domain.questionnaires import CATALOGUE, questions_named


def answer_schema(items: list[Field]) -> dict[str, Any]:
    """Describe the answer to a question in all its forms; null takes an answer back."""
    item = items[0]
    codes = list(dict.fromkeys(code for one in items for code, _ in one.choices))
    match item.kind:
        case Kind.BOOLEAN:
            return {"type": ["boolean", "null"]}
        case Kind.DATE:
            return {"type": ["string", "null"], "format": "date"}
        case Kind.COUNTRY:
            return {"type": ["string", "null"], "pattern": "^[A-Z]{2}$"}
        case Kind.CHOICE:
            return {"enum": [*codes, None]}
        case Kind.CHOICES:
            return {"type": ["array", "null"], "items": {"type": "string", "enum": codes}}
        case Kind.TEXT:
            return {"type": ["string", "null"], "maxLength": max(one.max_length for one in items)}


def answers_schema(*steps: Step) -> dict[str, Any]:
    """Describe the answers to these steps in one object."""
    named = questions_named()
    names = dict.fromkeys(name for step in steps for name in step.by_name)
    return {
        "type": "object",
        "description": "Answers to the step's questions; another step's question is refused.",
        "properties": {name: answer_schema(named[name]) for name in names},
        "additionalProperties": False,
    }


ANSWERS_SCHEMA = answers_schema(*(step for steps in CATALOGUE.values() for step in steps))


class ChoiceSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    text = serializers.CharField()


class QuestionSerializer(serializers.Serializer[Any]):
    """`choices` is empty for a country, which is an ISO 3166-1 alpha-2 code."""

    name = serializers.CharField()
    text = serializers.CharField(source="label")
    kind = serializers.ChoiceField(choices=[kind.value for kind in Kind])
    is_required = serializers.BooleanField(source="required")
    help = serializers.CharField(source="help_text")
    choices = serializers.SerializerMethodField()

    @extend_schema_field(ChoiceSerializer(many=True))
    def get_choices(self, item: Field) -> list[dict[str, str]]:
        return [{"code": code, "text": label} for code, label in item.choices]
