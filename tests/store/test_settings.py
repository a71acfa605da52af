from __future__ import annotations

from dataclasses import fields

import pytest

from twinpack.errors import SettingsError
from twinpack.store.named import keys
from twinpack.store.settings import Settings, TwinSettings, parse_settings, sections
from twinpack.store.sinks import Sink


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
        ("forecast", "forecast"),
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


HOOK = '[[sink]]\nname = "ops"\ntype = "webhook"\nurl = "https://ops.example/key-123"\nsecret_file = "ops.secret"\n'
MAIL = '[[sink]]\nname = "mail"\ntype = "email"\nhost = "mail.example"\nfrom = "t@a.example"\nto = ["b@a.example"]\n'


def test_sinks_survive_writing() -> None:
    text = (
        HOOK
        + 'min_severity = 2\nfleets = ["depot-4"]\nevents = ["raised", "passed"]\nrepeat = "2h"\n'
        + MAIL
        + 'user = "twin"\npassword_file = "mail.password"\ntls = "tls"\n'
        + '[[sink]]\nname = "log"\ntype = "log"\nlevel = "watch"\ncategories = ["sensor", "data"]\n'
    )
    settings = parse_settings(text)
    ops, mail, log = settings.sink
    assert (ops.target, ops.stream, ops.repeat_us) == ("https://ops.example/…", "sink:ops", 7_200_000_000)
    assert (mail.target, mail.server_port, mail.sender) == ("b@a.example", 465, "t@a.example")
    assert mail.to == ("b@a.example",)
    assert (log.level, log.categories, log.events) == ("watch", ("sensor", "data"), ("raised", "cleared"))
    assert parse_settings(settings.to_toml()) == settings


def test_every_key_of_a_sink_is_explained_where_it_is_written() -> None:
    text = Settings().to_toml()
    for name, part in keys(Sink).items():
        assert f"\n# {name}: {part.metadata['doc']}\n" in text


def test_an_address_that_may_be_a_secret_is_in_no_repr() -> None:
    assert "key-123" not in repr(parse_settings(HOOK))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[sink]\nname = 1", r"sink must be a list of tables, each written \[\[sink\]\]"),
        ('[[sink]]\ntype = "log"', r"\[\[sink\]\] 1: name is missing"),
        ('[[sink]]\nname = "a"', r"\[\[sink\]\] 'a': type is missing"),
        ('[[sink]]\nname = "a"\ntype = "sms"', '\'a\': type must be "webhook" or "email" or "log", not \'sms\''),
        ('[[sink]]\nname = "a"\ntype = "webhook"\nsecret_file = "x"', "'a': url is missing, which type webhook needs"),
        (HOOK.replace('secret_file = "ops.secret"', ""), "'ops': secret_file is missing, which type webhook needs"),
        (HOOK + 'host = "x"', "'ops': host goes with type email, not with webhook"),
        (HOOK + "ur = 1", "'ops': unknown key 'ur'; known: name, type, level"),
        (HOOK + "min_severity = 4", "min_severity must be a whole number from 0 to 3, not 4"),
        (HOOK + 'level = "high"', 'level must be "watch" or "alarm"'),
        (HOOK + 'categories = ["engine"]', 'categories must be a list of "battery", "sensor", "data"'),
        (HOOK + "events = []", 'events must be a list of "raised", "passed", "cleared"'),
        (HOOK + 'repeat = "1 day"', "repeat must be a time such as"),
        (HOOK + "tries = 0", "tries must be a whole number from 1"),
        (HOOK * 2, r"\[\[sink\]\] 2: name 'ops' is taken by another sink"),
        (MAIL.replace('"b@a.example"', '"b at a"'), "'mail': to must be a list of addresses such as"),
        (MAIL.replace('"t@a.example"', r'"t@a.example\nBcc: x@y.example"'), "'mail': from must be an address such as"),
        (MAIL + "port = 70000", "port must be a whole number from 0 to 65535"),
        (MAIL + 'user = "twin"', "'mail': user and password_file go together"),
        (
            MAIL + 'tls = "none"\nuser = "a"\npassword_file = "b"',
            "'mail': tls is none, and a password is not sent in the",
        ),
    ],
)
def test_a_mistake_in_a_sink_names_it_and_the_key(text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        parse_settings(text)


@pytest.mark.parametrize(
    "url", ["ftp://ops.example/key-123", "https:///key-123", "https://ops.example/key-123 x", "key-123"]
)
def test_an_address_that_cannot_be_called_is_refused_and_not_told(url: str) -> None:
    with pytest.raises(SettingsError, match="'ops': url must be an address such as https://host/path") as caught:
        parse_settings(HOOK.replace("https://ops.example/key-123", url))
    assert "key-123" not in str(caught.value)
