from __future__ import annotations

import stat
from pathlib import Path

import pytest

from twinpack.errors import WorkspaceError
from twinpack.store.identity.pseudonyms import Pseudonyms
from twinpack.store.identity.signing import FILE, SigningKeys


def test_a_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    keys = SigningKeys(tmp_path)
    first = keys.signing().kid
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    assert SigningKeys(tmp_path).signing().kid == first
    assert keys.public() == [
        {"kty": "OKP", "crv": "Ed25519", "x": keys.public()[0]["x"], "kid": first, "use": "sig", "alg": "EdDSA"}
    ]


def test_a_new_key_signs_and_the_ones_before_still_verify(tmp_path: Path) -> None:
    keys, other_process = SigningKeys(tmp_path), SigningKeys(tmp_path)
    made = [keys.signing().kid]
    for _ in range(3):
        made.append(other_process.rotate())
        assert keys.signing().kid == made[-1], "another process sees it"
    assert [key["kid"] for key in keys.public()] == made[:0:-1]
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ["", "{}", '{"keys": []}', '{"keys": [{"kty": "OKP"}]}', "[]"])
def test_a_damaged_file_is_said_to_be(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(WorkspaceError, match="damaged"):
        SigningKeys(tmp_path).signing()


def test_a_pseudonym_is_the_same_each_time_and_tells_nothing(tmp_path: Path) -> None:
    vin = "WBY1Z21060V300001"
    told = Pseudonyms(tmp_path).vin(vin)
    assert told == Pseudonyms(tmp_path).vin(vin)
    assert told.startswith("vin-")
    assert vin not in told
    (tmp_path / "other").mkdir()
    assert Pseudonyms(tmp_path / "other").vin(vin) != told
    assert Pseudonyms(tmp_path).vin("WBY1Z21060V300002") != told
    assert (
        Pseudonyms(tmp_path).person("Anna") == Pseudonyms(tmp_path).person("anna") != Pseudonyms(tmp_path).vin("anna")
    )


def test_a_line_of_a_log_names_no_vin(tmp_path: Path) -> None:
    pseudonyms, vin = Pseudonyms(tmp_path), "WBY1Z21060V300001"
    line = f'{{"path": "/v1/vehicles/{vin}/trips", "vehicle": "{vin}", "request": "7c1e09a1b2c3", "who": "HF-0417"}}'
    told = pseudonyms.vin(vin)
    assert pseudonyms.scrubbed(line) == line.replace(vin, told)
    for kept in ("ABCDEFGHJKLMNPRST", f"{vin}X", f"x{vin}", "0" * 17, vin.lower(), "SIM-0001", f"tpk_{'0a' * 8}"):
        assert pseudonyms.scrubbed(kept) == kept
