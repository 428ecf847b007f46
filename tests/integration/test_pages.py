# SPDX-License-Identifier: MIT
"""Lists page by page: together the pages are the whole list, whatever changes in between."""
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bed.slipway import ApiFault, Slipway  # noqa: E402

STAGES = [("a", "x"), ("a", "y"), ("a-b", "m"), ("b", "one"), ("b", "three"), ("b", "two"), ("c", "z")]


def config(stages):
    """A slipway.yml with these stages."""
    text = "version: 1\nprojects:\n"
    for project in sorted({project for project, _ in stages}):
        text += f"  {project}: {{image: 127.0.0.1:9/{project}, port: 80, health: none, stages: {{"
        text += ", ".join(f"{stage}: {{tags: v*}}" for owner, stage in stages if owner == project) + "}}\n"
    return text


@pytest.fixture(scope="module", name="server")
def fixture_server(tmp_path_factory):
    with Slipway(tmp_path_factory.mktemp("pages"), config(STAGES), edge=False) as slipway:
        yield slipway


def pages(slipway, path, limit):
    """Every page, as lists of items."""
    after, found = "", []
    while after is not None:
        answer = slipway.get(f"{path}{'&' if '?' in path else '?'}limit={limit}&after={after}")
        found.append(answer["items"])
        after = answer["next"]
        assert len(found) <= 2 * len(STAGES)
    return found


@pytest.mark.parametrize("path, name", [
    ("/api/v1/stages", lambda item: (item["project"], item["stage"])),
    ("/api/v1/stages?project=b", lambda item: (item["project"], item["stage"])),
    ("/api/v1/projects", lambda item: item["name"]),
])
def test_pages_are_the_list(server, path, name):
    answer = server.get(path)
    whole = [name(item) for item in answer["items"]]
    assert answer["next"] is None and len(whole) > 2 and len(set(whole)) == len(whole)
    for limit in (1, 2, 3, len(whole), len(whole) + 1):
        found = pages(server, path, limit)
        assert [name(item) for page in found for item in page] == whole
        assert all(len(page) == limit for page in found[:-1]) and 0 < len(found[-1]) <= limit
    assert len(pages(server, path, 0)) == len(whole), "no page is empty"


def test_a_cursor_outlives_its_stage(server):
    """A name that is not there, or not any more, says where to go on as well."""
    behind = server.get("/api/v1/stages?after=b/oxygen&limit=1")
    assert [(item["project"], item["stage"]) for item in behind["items"]] == [("b", "three")]
    assert behind["next"] == "b/three"
    assert server.get("/api/v1/stages?after=zz/zz") == {"items": [], "next": None}
    assert server.get("/api/v1/projects?after=c") == {"items": [], "next": None}


def test_what_is_no_page(server):
    for path in ("/api/v1/stages?limit=-1", "/api/v1/projects?limit=many"):
        with pytest.raises(ApiFault, match="'limit' must be a whole number"):
            server.get(path)
