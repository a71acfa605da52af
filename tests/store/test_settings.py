from __future__ import annotations

from dataclasses import fields

import pytest

from twinpack.errors import SettingsError
from twinpack.store.settings import Settings, TwinSettings, parse_settings, sections


def test_an_empty_file_means_the_defaults() -> None:
    assert parse_settings("") == Settings()


def test_the_written_defaults_read_back_and_explain_each_key() -> None:
    text = Settings().to_toml()
    assert parse_settings(text) == Settings()
    for section in sections():
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


TRIGGER = '[[trigger]]\nname = "often"\njob = "learn"\n'


def test_triggers_survive_writing() -> None:
    text = (
        TRIGGER
        + 'event = "trip_closed"\nevery = 100\nat_most_every = "90min"\narguments = { pack = "a \\"b\\"", trips = 5 }\n'
        '[[trigger]]\nname = "five"\njob = "compact"\nschedule = "*/5 * * * *"\n'
    )
    settings = parse_settings(text)
    often, five = settings.trigger
    assert (often.every, often.at_most_every_s, often.arguments) == (100, 5400, {"pack": 'a "b"', "trips": 5})
    assert (five.schedule, five.event, five.at_most_every_s) == ("*/5 * * * *", "", 0)
    assert parse_settings(settings.to_toml()) == settings


def test_none_is_written_as_an_empty_list() -> None:
    settings = parse_settings("trigger = []\n[trips]\ngap_s = 5")
    assert settings.trigger == ()
    assert parse_settings(settings.to_toml()) == settings


def test_the_shipped_triggers_do_not_learn() -> None:
    assert [(trigger.name, trigger.job) for trigger in Settings().trigger] == [
        ("retention", "retention"),
        ("compact", "compact"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[trigger]\nname = 1", r"trigger must be a list of tables, each written \[\[trigger\]\]"),
        ('[[trigger]]\njob = "learn"', r"\[\[trigger\]\] 1: name is missing; it is name, unlike"),
        ('[[trigger]]\nname = "a"', r"\[\[trigger\]\] 'a': job is missing"),
        ('[[trigger]]\nname = "A b"', r"'A b': name must be 1 to 40 of a to z, 0 to 9, _ and -, not 'A b'"),
        (TRIGGER, "'often': it needs schedule or event, one of the two"),
        (TRIGGER + 'event = "trip_closed"\nschedule = "0 3 * * *"', "it needs schedule or event, one of the two"),
        (TRIGGER + 'event = "trip_opened"', '\'often\': event must be "segment_sealed" or "trip_closed" or'),
        (TRIGGER + 'schedul = "0 3 * * *"', "'often': unknown key 'schedul'; known: name, job, schedule, event"),
        (TRIGGER + 'schedule = "0 3 * *"', "'often': schedule must be a schedule such as .*: it has 5 fields"),
        (TRIGGER + 'schedule = "0 0 24 * * *"', "schedule must be .*: hour '24' is not from 0 to 23, not '0 0 24"),
        (TRIGGER + 'schedule = "0 0 30 2 *"', "schedule must be a schedule with a day that exists"),
        (TRIGGER + 'schedule = "0 3 * * *"\nevery = 5', "'often': every goes with event, not with schedule"),
        (TRIGGER + 'event = "trip_closed"\nevery = 0', "every must be a whole number from 1"),
        (TRIGGER + 'event = "trip_closed"\nat_most_every = "1 week"', "at_most_every must be a time such as"),
        (
            TRIGGER + 'schedule = "0 3 * * *"\narguments = { trip = 5 }',
            "arguments: unknown argument 'trip'; known: pack",
        ),
        (TRIGGER + 'schedule = "0 3 * * *"\narguments = { trips = 0 }', "arguments: argument trips must be a whole"),
        ((TRIGGER + 'schedule = "0 3 * * *"\n') * 2, r"\[\[trigger\]\] 2: name 'often' is taken by another trigger"),
        ('[[trigger]]\nname = "a"\njob = "clean"', '\'a\': job must be "compact" or "retention" or'),
    ],
)
def test_a_mistake_in_a_trigger_names_it_and_the_key(text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        parse_settings(text)
