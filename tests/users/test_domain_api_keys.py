"""The form of an API key, and the networks that addresses belong to."""

import math

import pytest

from apps.core.domain.networks import caller_of, is_within, masked
from apps.users.domain import api_keys
from apps.users.domain.api_keys import is_key, key_hint, key_make


def test_asvs_v11_5_1_api_key_holds_128_random_bits_and_more() -> None:
    assert api_keys.RANDOM_LENGTH * math.log2(len(api_keys.ALPHABET)) >= 128

    made = {key_make("LIVE") for _ in range(500)}

    bodies = [text.removeprefix("sk_live_")[: api_keys.RANDOM_LENGTH] for text in made]
    assert len(set(bodies)) == 500
    assert all(len({body[position] for body in bodies}) > 40 for position in range(32))


def test_key_with_one_changed_symbol_fails_its_checksum() -> None:
    text = key_make("PAPER")

    assert is_key(text)
    assert text.startswith("sk_test_")
    for position in range(len("sk_test_"), len(text)):
        other = "a" if text[position] != "a" else "b"
        assert not is_key(text[:position] + other + text[position + 1 :])


@pytest.mark.parametrize("text", ["", "sk_live_", "sk_live_" + "0" * 37, "sk_none_" + "0" * 38])
def test_other_text_is_no_key(text: str) -> None:
    assert not is_key(text)


def test_key_of_one_mode_is_none_of_the_other() -> None:
    text = key_make("PAPER")
    assert not is_key(text.replace("sk_test_", "sk_live_"))
    assert not is_key(text + "\n")


def test_hint_gives_less_than_a_fifth_of_the_key_away() -> None:
    assert len(key_hint(key_make("LIVE"))) == 12


def test_address_is_masked_to_its_network() -> None:
    assert masked("203.0.113.77") == "203.0.113.0/24"
    assert masked("::ffff:203.0.113.77") == "203.0.113.0/24"
    assert masked("2001:db8:1:2:3::4") == "2001:db8:1::/48"
    assert masked("a socket") == ""


def test_caller_is_an_address_or_an_ipv6_network() -> None:
    assert caller_of("203.0.113.77") == "203.0.113.77/32"
    assert caller_of("2001:db8::1") == caller_of("2001:db8::ffff:1") == "2001:db8::/64"


def test_address_of_no_form_is_within_no_network() -> None:
    assert is_within("::ffff:10.1.2.3", ["10.0.0.0/8"])
    assert not is_within("", ["0.0.0.0/0"])
    assert not is_within("fe80::1%eth0", ["::/0"])
