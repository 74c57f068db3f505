"""Pages from templates: what is put into one is escaped, and a page loads nothing from elsewhere.

Belongs here: how a template is filled. Does not belong here: what any page shows.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import jinja2

TEMPLATES = Path(__file__).with_name("templates")


@functools.cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )


def render(template: str, **values: Any) -> str:
    """The page of `templates/<template>`. jinja2.UndefinedError for a value that it needs and does
    not get."""
    return _environment().get_template(template).render(values)
