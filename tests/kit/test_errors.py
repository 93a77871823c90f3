"""The error tree: a code for every class, and the docstring that draws it tells the truth."""

import re

from pasar.kit import errors


def tree(root: type[errors.PasarError]) -> dict[str, str]:
    """Class name → code of a class and all below it in kit/errors.py."""
    below = [child for child in root.__subclasses__() if child.__module__ == errors.__name__]
    codes = {name: code for child in below for name, code in tree(child).items()}
    return {root.__name__: root.code, **codes}


def test_the_drawn_tree_is_the_tree() -> None:
    drawn = dict(re.findall(r"^[ │├└─]*(\w+) +([A-Z_]+)\b", errors.__doc__ or "", re.MULTILINE))

    assert drawn == tree(errors.PasarError)


def test_several_faults_keep_their_order_and_fields() -> None:
    faults = [
        errors.Invalid("is required", field="email"),
        errors.Invalid("is required", field="name"),
    ]

    assert [fault.field for fault in errors.InvalidFields(faults).faults] == ["email", "name"]
