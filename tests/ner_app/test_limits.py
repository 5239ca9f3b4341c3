from types import SimpleNamespace

import pytest

from ner_app.limits import LimitError, Limits
from ner_app.visitors import Visitors


def request_from(host, **headers):
    return SimpleNamespace(client=SimpleNamespace(host=host), headers=headers)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NER_MAX_TEXT", "many"),
        ("NER_MAX_TEXT", "0"),
        ("NER_ALLOW_DOWNLOADS", "x"),
        ("NER_FETCH_SECONDS", "nan"),
        ("NER_FETCH_SECONDS", "1e999"),
    ],
)
def test_a_wrong_setting_is_named(name, value):
    with pytest.raises(ValueError, match=f"{name}='{value}'"):
        Limits.from_environment({name: value})


def test_every_limit_says_how_much_is_taken():
    limits = Limits(text_characters=10, batch_texts=2, batch_characters=15, files=1, file_bytes=1_000_000)
    limits.check_text("x" * 10)
    with pytest.raises(LimitError, match="11 characters; this page takes 10"):
        limits.check_text("x" * 11)
    limits.check_batch(["x", "y"])
    with pytest.raises(LimitError, match="3 texts; this page takes 2"):
        limits.check_batch(["x"] * 3)
    with pytest.raises(LimitError, match="16 characters; this page takes 15"):
        limits.check_batch(["x" * 8] * 2)
    with pytest.raises(LimitError, match="11 characters; this page takes 10"):
        limits.check_batch(["x" * 11])
    with pytest.raises(LimitError, match="2 files"):
        limits.check_files(2)
    with pytest.raises(LimitError, match="Choose files"):
        limits.check_files(0)
    with pytest.raises(LimitError, match=r"big\.txt: 2\.0 MB"):
        limits.check_file("big.txt", 2_000_000)


def test_one_visitor_cannot_take_all_slots():
    visitors = Visitors(2)
    greedy, other = request_from("93.184.215.14"), request_from("93.184.215.15")
    with visitors.slot(greedy), visitors.slot(greedy):
        with pytest.raises(LimitError, match="2 requests running"), visitors.slot(greedy):
            pass
        with visitors.slot(other):
            pass
    with visitors.slot(greedy):
        pass


def test_a_slot_is_given_back_after_an_error():
    visitors = Visitors(1)
    with pytest.raises(RuntimeError), visitors.slot(request_from("93.184.215.14")):
        raise RuntimeError
    with visitors.slot(request_from("93.184.215.14")):
        pass


def test_this_machine_is_not_limited():
    visitors = Visitors(1)
    local = request_from("127.0.0.1")
    with visitors.slot(local), visitors.slot(local), visitors.slot(None), visitors.slot(None):
        pass


def test_behind_a_proxy_the_visitor_is_who_the_proxy_saw():
    visitors = Visitors(1)
    first = request_from("10.0.0.1", **{"x-forwarded-for": "1.1.1.1, 93.184.215.14"})
    same = request_from("10.0.0.1", **{"x-forwarded-for": "127.0.0.1, 93.184.215.14"})
    another = request_from("10.0.0.1", **{"x-forwarded-for": "93.184.215.15"})
    with visitors.slot(first):
        with visitors.slot(another):
            pass
        with pytest.raises(LimitError), visitors.slot(same):
            pass


def test_a_visitor_without_a_proxy_cannot_pretend_to_be_others():
    visitors = Visitors(1)
    with (
        visitors.slot(request_from("93.184.215.14", **{"x-forwarded-for": "1.1.1.1"})),
        pytest.raises(LimitError),
        visitors.slot(request_from("93.184.215.14", **{"x-forwarded-for": "127.0.0.1"})),
    ):
        pass
