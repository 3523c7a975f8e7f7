"""The base path that a document's servers put before its paths."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

_VARIABLE = re.compile(r"\{([^{}]+)\}")


def base_path(servers: Any, templates: Iterable[str]) -> str:
    """The path of the first server, unless all of the paths begin with it already.

    Variables have their defaults; a path that can't be known, or is no URL, is none.
    """
    first = servers[0] if isinstance(servers, list) and servers else None
    url = first.get("url") if isinstance(first, dict) else None
    if not isinstance(url, str):
        return ""
    variables = first.get("variables") if isinstance(first, dict) else None
    known = variables if isinstance(variables, dict) else {}

    def default(match: re.Match[str]) -> str:
        variable = known.get(match.group(1))
        value = variable.get("default") if isinstance(variable, dict) else None
        return match.group() if value is None else str(value)

    try:
        url = _VARIABLE.sub(default, url)
        path = urlsplit(url).path if "://" in url or url.startswith("/") else url
    except ValueError:
        return ""
    if "://" not in url and re.match(r"[^/]*[.:][^/]*[^./]", path):
        path = path.partition("/")[2]  # a host without its scheme
    segments = [segment for segment in path.split("/") if segment not in ("", ".", "..")]
    base = "".join(f"/{segment}" for segment in segments)
    paths = [template for template in templates if template.startswith("/")]
    begins = bool(paths) and all(template.startswith(f"{base}/") for template in paths)
    return "" if begins or "{" in base else base
