"""Numbers that identify a person: shown by their last characters until somebody asks for more."""

from collections.abc import Mapping
from typing import Any

from apps.compliance.domain.questionnaire import Step
from apps.compliance.domain.questionnaires import questions_named

MASK = "\u2022\u2022\u2022\u2022"
SHOWN = 4
MASKED_QUESTIONS = tuple(
    name for name, items in questions_named().items() if any(item.is_masked for item in items)
)


def masked(value: str) -> str:
    """Return the last characters behind a mask; nothing of a value that is short."""
    return MASK + (value[-SHOWN:] if len(value) >= 2 * SHOWN else "")


def answers_masked(answers: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answers as everybody sees them until they ask for a whole one."""
    return {
        name: masked(str(value)) if name in MASKED_QUESTIONS else value
        for name, value in answers.items()
    }


def answers_unmasked(answers: Mapping[str, Any], kept: Mapping[str, Any]) -> dict[str, Any]:
    """Return the given answers; a masked one that came back as it was shown is the one kept."""
    shown = answers_masked({name: kept[name] for name in MASKED_QUESTIONS if name in kept})
    return {
        name: kept[name] if name in shown and value == shown[name] else value
        for name, value in answers.items()
    }


def masked_of(step: Step, answers: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return (name, label) of the step's masked questions that have an answer."""
    return [
        (item.name, item.label) for item in step.fields if item.is_masked and item.name in answers
    ]
