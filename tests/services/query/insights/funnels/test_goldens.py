"""The statements as files: a change of one is a change of its file, to be read."""

import pytest

from tests.services.query.insights.funnels.goldens import FOLDER, PAGE, Golden, goldens, page

GOLDENS = list(goldens())


@pytest.mark.parametrize("golden", GOLDENS, ids=[golden.heading for golden in GOLDENS])
def test_the_form_is_this_statement(golden: Golden, update: bool) -> None:
    if update:
        golden.file.write_text(golden.text)
    assert golden.text == golden.file.read_text()


def test_every_file_is_of_a_form(update: bool) -> None:
    files = {golden.file for golden in GOLDENS}
    assert len(files) == len(GOLDENS)
    for left in set(FOLDER.iterdir()) - files if update else ():
        left.unlink()
    assert set(FOLDER.iterdir()) == files


def test_the_page_shows_them(update: bool) -> None:
    if update:
        PAGE.write_text(page())
    assert page() == PAGE.read_text()
