"""How often one may ask, by the clock of the test."""

from __future__ import annotations

from tests.api.middleware.asking import Told, ask, plain, with_state
from tests.views.seers import LEAD, NORTH
from twinpack.api.middleware.rates import SIGN_INS_PER_MINUTE, Buckets, Rates, SignInRates


def test_a_bucket_is_full_again_after_a_while() -> None:
    clock = Told()
    buckets = Buckets(60.0, clock)
    assert [buckets.take("a") for _ in range(10)] == [0.0] * 10
    assert buckets.take("a") == 1.0
    assert buckets.take("b") == 0.0
    clock.now += 0.25
    assert buckets.take("a") == 0.75
    clock.now += 100.0
    assert [buckets.take("a") for _ in range(11)] == [0.0] * 10 + [1.0]


def test_one_who_asks_too_often_is_told_when_to_come_back() -> None:
    clock = Told()
    app = Rates(plain, 30.0, clock)
    lead, north = with_state(app, sight=LEAD), with_state(app, sight=NORTH)
    assert [ask(lead).status_code for _ in range(11)] == [200] * 10 + [429]
    refused = ask(lead)
    assert (refused.headers["retry-after"], refused.json()["status"]) == ("2", 429)
    assert ask(north).status_code == 200
    clock.now += 2.0
    assert ask(lead).status_code == 200


def test_one_address_tries_to_sign_in_so_often_and_no_more() -> None:
    clock = Told()
    app = with_state(SignInRates(plain, clock))
    tries = [ask(app, "/v1/auth/sign-in", "POST").status_code for _ in range(11)]
    assert tries == [200] * 10 + [429]
    assert ask(app, "/v1/auth/token", "POST").status_code == 429
    assert ask(app, "/v1/auth/sign-in", "POST", client=("10.0.0.9", 5)).status_code == 200
    assert ask(app, "/v1/me").status_code == 200
    clock.now += 60.0 / SIGN_INS_PER_MINUTE
    assert ask(app, "/v1/auth/sign-in", "POST").status_code == 200
