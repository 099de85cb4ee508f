from datetime import timedelta

import pytest

from apps.audit.domain.titles import event_title
from apps.compliance.domain.alerts import REASONS as ALERT_REASONS
from apps.compliance.domain.scenarios import RULES
from apps.compliance.domain.timeline import views_folded
from apps.compliance.domain.wording import (
    REASONS,
    SCENARIOS,
    duration_words,
    event_words,
    feature_words,
    plain,
)
from apps.compliance.templatetags.desk import figure, short


def test_every_reason_and_scenario_has_words() -> None:
    codes = {
        code for kind in ALERT_REASONS.values() for reasons in kind.values() for code in reasons
    }
    assert codes == REASONS.keys()
    assert RULES.keys() < SCENARIOS.keys()


@pytest.mark.parametrize(
    ("code", "words"), [("birth_date", "Date of birth"), ("NEW_THING", "New thing")]
)
def test_plain_writes_known_and_unknown_codes(code: str, words: str) -> None:
    assert plain(code) == words


@pytest.mark.parametrize(
    ("similarity", "contribution", "verdict"),
    [
        ("1", "0.05", "agrees"),
        ("1", "0.000", "agrees"),
        ("0.5", "0", "unknown"),
        ("0", "-0.03", "differs"),
        ("0", "0", "unknown"),
    ],
    ids=["same", "same but full", "a year apart", "other", "other but empty"],
)
def test_feature_agrees_also_where_it_adds_nothing(
    similarity: str, contribution: str, verdict: str
) -> None:
    row = {"code": "birth_date", "similarity": similarity, "contribution": contribution}

    assert feature_words(row)["verdict"] == verdict


@pytest.mark.parametrize(
    ("minutes", "words"), [(0, "0 min"), (59, "59 min"), (60, "1 h"), (1500, "1 d 1 h")]
)
def test_duration_words_take_the_two_largest_units(minutes: int, words: str) -> None:
    assert duration_words(timedelta(minutes=minutes)) == words


@pytest.mark.parametrize(
    ("name", "title", "words"),
    [
        ("trading.order.filled", "Order filled", "Filled"),
        ("compliance.kyc.viewed", "KYC viewed", "Record opened"),
        ("compliance.alert.evidence_added", "Alert evidence added", "Evidence added"),
        ("odd", "odd", "Odd"),
    ],
)
def test_events_have_titles(name: str, title: str, words: str) -> None:
    assert (event_title(name), event_words(name)) == (title, words)


@pytest.mark.parametrize(
    ("value", "name", "text"),
    [
        ("9000.00000000", "amount", "9,000.00"),
        ("2026-11-23T01:48:00+00:00", "occurred_at", "2026-11-23 01:48"),
        (["A", "B"], "programmes", "A, B"),
        (True, "proposal_withdrawn", "yes"),
        ("ONE_OFF", "reason_code", "A single occasion, explained"),
        ("3", "minimum_count", "3"),
    ],
)
def test_figure_writes_facts_for_people(value: object, name: str, text: str) -> None:
    assert figure(value, name) == text


def test_short_keeps_the_whole_in_the_title() -> None:
    assert short("t-1") == "<code>t-1</code>"
    assert 'title="0123456789abcdef"' in short("0123456789abcdef")


def test_views_in_a_row_by_one_officer_are_folded() -> None:
    names = ("viewed", "viewed", "noted", "noted", "viewed")
    items = [{"event": f"compliance.alert.{name}", "who": "a"} for name in names]
    items.append({"event": "compliance.alert.viewed", "who": "b"})

    assert [item["times"] for item in views_folded(items)] == [2, 1, 1, 1, 1]
