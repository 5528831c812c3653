import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.boundary import LONGEST_MESSAGE, Boundary, Faults, public_url

KEY = "planted-secret-4711"
BOUNDARY = Boundary("openai:m", 1.0, Faults(OSError, OSError, OSError, OSError), (KEY,))


@given(
    st.lists(st.one_of(st.just(KEY), st.text(max_size=40)), max_size=30), st.sampled_from(["", " ", "/", "@", "?k="])
)
def test_no_text_gets_a_key_through(parts: list[str], glue: str) -> None:
    shown = BOUNDARY.redact(glue.join(parts))
    assert KEY not in shown
    assert len(shown) <= LONGEST_MESSAGE
    assert shown.isprintable()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Incorrect API key provided: sk-proj-abc123def456.", "Incorrect API key provided: [key]."),
        ("header Authorization: Bearer abc.def", "header Authorization: [key]"),
        ("GET https://user:pass@host/v1?key=abc failed", "GET https://[key]@host/v1 failed"),
        ("a\x1b[31m\n\nb", "a [31m b"),
        ("the task is risky-business", "the task is risky-business"),
    ],
)
def test_what_is_taken_out(text: str, shown: str) -> None:
    assert BOUNDARY.redact(text) == shown


def test_the_boundary_itself_shows_no_key() -> None:
    assert KEY not in repr(BOUNDARY)
    assert KEY not in str(BOUNDARY.malformed(json.dumps({"key": KEY})))


def test_public_urls() -> None:
    assert public_url("http://user:pass@host:8000/v1/?a=b#c") == "http://host:8000/v1"
    assert public_url("not a url") == "not a url"
