"""A mapping that forgets what was not used lately."""

from pasar.kit.recent import Recent


def test_the_least_recently_used_is_forgotten_first() -> None:
    recent = Recent[str, int](most=2)
    for number, key in enumerate(("tea", "jam")):
        recent.put(key, number)
    assert recent.get("tea") == 0
    recent.put("oil", 2)

    assert [recent.get(key) for key in ("tea", "jam", "oil")] == [0, None, 2]


def test_a_newer_value_takes_the_place_of_the_older() -> None:
    recent = Recent[str, int](most=2)
    for number, key in enumerate(("tea", "jam", "tea", "oil")):
        recent.put(key, number)

    assert [recent.get(key) for key in ("tea", "jam", "oil")] == [2, None, 3]


def test_what_was_dropped_is_gone() -> None:
    recent = Recent[str, int](most=2)
    recent.put("tea", 1)
    for _ in range(2):
        recent.drop("tea")

    assert recent.get("tea") is None
