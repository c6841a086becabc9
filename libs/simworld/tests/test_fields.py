"""Fields of settings classes."""

import attrs
import pytest

from tidemill_simworld import chance, choice, text, whole


@attrs.frozen(kw_only=True)
class Chosen:
    """A setting of each kind."""

    count: int = whole(5, 1, 10, "how many")
    share_ppm: int = chance(250_000, "how often")
    kind: str = choice("one", ("one", "two"), "which")
    place: str = text("", "where")


def test_whole_default_stands_with_its_sentence() -> None:
    """Default and documentation are kept."""
    assert (5, 250_000) == (Chosen().count, Chosen().share_ppm)
    assert "how many" == attrs.fields_dict(Chosen)["count"].metadata["doc"]


@pytest.mark.parametrize("value", [1, 10])
def test_whole_ends_of_the_range_are_taken(value: int) -> None:
    """Both ends belong to the range."""
    assert value == Chosen(count=value).count


@pytest.mark.parametrize("value", [0, 11, -1, True, "5", 2.5, None])
def test_whole_anything_else_says_range_and_value(value: object) -> None:
    """What is out of range or no whole number is refused with what was expected and found."""
    with pytest.raises(ValueError, match="expected a whole number from 1 to 10, found"):
        Chosen(count=value)  # type: ignore[arg-type]


def test_chance_above_a_million_is_refused() -> None:
    """A chance is at most a million parts per million."""
    with pytest.raises(ValueError, match="from 0 to 1000000, found 1000001"):
        Chosen(share_ppm=1_000_001)


def test_choice_takes_its_words_alone() -> None:
    """Any other word is refused with what was expected and found."""
    assert "two" == Chosen(kind="two").kind
    with pytest.raises(ValueError, match="expected one or two, found 'three'"):
        Chosen(kind="three")


def test_text_takes_text_alone() -> None:
    """A number is no text."""
    assert "here" == Chosen(place="here").place
    with pytest.raises(TypeError, match="place"):
        Chosen(place=1)  # type: ignore[arg-type]
