from __future__ import annotations

import pytest

from twinpack.errors import InputError
from twinpack.ingest.addresses import Address, parse_address


def test_an_address_has_the_usual_port_unless_it_names_one() -> None:
    assert parse_address("mqtt://there") == parse_address("mqtt://there:1883/") == Address("there", 1883, False)
    assert parse_address("mqtts://there") == Address("there", 8883, True)


@pytest.mark.parametrize(
    "wrong",
    [
        *("there:1883", "http://there", "mqtt://", "mqtt://there:x", "mqtt://there:0", "mqtt://there:99999"),
        *("mqtt://there/path", "mqtt://there?query"),
    ],
)
def test_what_is_none_is_refused_by_name(wrong: str) -> None:
    with pytest.raises(InputError, match="no address of a broker"):
        parse_address(wrong)


@pytest.mark.parametrize("address", ["mqtt://me:secret@there", "mqtt://me:secret@there:x", "me:secret@there"])
def test_a_password_in_an_address_is_not_told(address: str) -> None:
    with pytest.raises(InputError, match="do not belong") as caught:
        parse_address(address)
    assert "secret" not in str(caught.value)
