"""What was used lately, by key: a mapping that forgets."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

KeyT = TypeVar("KeyT", bound=Hashable)
ValueT = TypeVar("ValueT")


class Recent(Generic[KeyT, ValueT]):
    """
    At most `most` values, the least recently used forgotten first.

    >>> recent = Recent[str, int](most=2)
    >>> recent.put("tea", 1); recent.put("jam", 2); recent.get("tea"); recent.put("oil", 3)
    1
    >>> recent.get("jam") is None
    True
    """

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._values: OrderedDict[KeyT, ValueT] = OrderedDict()

    def get(self, key: KeyT) -> ValueT | None:
        if key not in self._values:
            return None
        self._values.move_to_end(key)
        return self._values[key]

    def put(self, key: KeyT, value: ValueT) -> None:
        self._values[key] = value
        self._values.move_to_end(key)
        if len(self._values) > self._most:
            self._values.popitem(last=False)

    def drop(self, key: KeyT) -> None:
        self._values.pop(key, None)
