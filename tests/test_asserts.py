"""`python -O` leaves out every assert, so none of them guards anything."""

import ast

from tests.sources import SOURCES


def narrows(test: ast.expr) -> bool:
    """Whether it only says of a name what the type checker cannot know."""
    match test:
        case ast.Compare(ops=[ast.IsNot()], comparators=[ast.Constant(value=None)]):
            return True
        case ast.Call(func=ast.Name(id="isinstance")):
            return True
        case _:
            return False


def test_an_assert_narrows_a_type_and_checks_nothing() -> None:
    others = [
        f"{source}:{node.lineno}: {ast.unparse(node)}"
        for source in SOURCES
        for node in ast.walk(ast.parse(source.read_text()))
        if isinstance(node, ast.Assert) and not (node.msg is None and narrows(node.test))
    ]
    assert not others
