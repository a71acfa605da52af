from __future__ import annotations

from dataclasses import fields

import pytest

from twinpack.errors import SettingsError
from twinpack.store.settings import Settings, TwinSettings, parse_settings


def test_an_empty_file_means_the_defaults() -> None:
    assert parse_settings("") == Settings()


def test_the_written_defaults_read_back_and_explain_each_key() -> None:
    text = Settings().to_toml()
    assert parse_settings(text) == Settings()
    for section in fields(Settings):
        for key in fields(getattr(Settings(), section.name)):
            assert key.metadata["doc"]
            assert f"# {key.metadata['doc']}\n{key.name} = " in text


def test_other_values_survive_writing() -> None:
    text = '[workspace]\npack = "my \\"own\\" pack"\n[twin]\npolicy = "always"\nthreshold_v = 0.4\nstep_s = 2\n'
    settings = parse_settings(text)
    assert settings.workspace.pack == 'my "own" pack'
    assert settings.twin == TwinSettings(policy="always", threshold_v=0.4, step_s=2.0)
    assert parse_settings(settings.to_toml()) == settings


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[trips]\ngap = 5", r"\[trips\]: unknown key 'gap'; known: gap_s, rest_s, rest_current_c_rate"),
        ("[trip]\ngap_s = 5", "unknown section 'trip'; known: workspace, trips, twin, runtime"),
        ("trips = 5", r"trips must be a section, written \[trips\]"),
        ('[trips]\ngap_s = "5"', "gap_s must be a number above 0, not '5'"),
        ("[trips]\ngap_s = nan", "gap_s must be a number above 0"),
        ("[trips]\ngap_s = true", "gap_s must be a number above 0, not True"),
        ("[workspace]\nshards = 0", "shards must be a whole number from 1 to 65536, not 0"),
        ("[workspace]\nshards = 2.5", "shards must be a whole number"),
        ("[workspace]\npack = 1", "pack must be text"),
        ('[twin]\npolicy = "never"', 'policy must be "threshold" or "always" or "change", not \'never\''),
        ('[twin]\nthreshold_v = "high"', 'threshold_v must be "auto" or a number above 0'),
        ("[twin]\ncorrect_s = -1", "correct_s must be a number of at least 0"),
        ("[runtime]\nstep_predictions = 1", "step_predictions must be true or false"),
        ("[trips\n", "not valid TOML"),
    ],
)
def test_a_mistake_is_named(text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        parse_settings(text)
