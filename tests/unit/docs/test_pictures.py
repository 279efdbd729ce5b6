"""Pictures that are drawn from the code are up to date."""

from __future__ import annotations

from docs.draw_link import PICTURE, draw, read_definition


def test_the_picture_of_the_link_state_machine_is_what_it_would_be_drawn_as_today():
    assert PICTURE.read_text(encoding="utf-8") == draw(read_definition()), "run `python docs/draw_link.py`"
