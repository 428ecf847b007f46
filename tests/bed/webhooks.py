# SPDX-License-Identifier: MIT
"""Recorded shapes of webhooks (tests/webhooks): headers, an empty line, the body. They speak of acme/shop:v1.2.3."""
from .slipway import ROOT

PLACE = ROOT / "tests/webhooks"


def recordings():
    """The names of all of them."""
    return sorted(path.stem for path in PLACE.glob("*.http"))


def recorded(name, repository):
    """One of them as (headers, body), speaking of another repository."""
    head, _, body = (PLACE / f"{name}.http").read_text("utf-8").partition("\n\n")
    headers = dict(line.split(": ", 1) if ": " in line else (line.rstrip(":"), "") for line in head.splitlines())
    owner, app = repository.split("/")
    for old, new in (("acme/shop", repository), ("acme%2Fshop", repository.replace("/", "%2F"))):
        body = body.replace(old, new)
    for old, new in (('"Acme"', f'"{owner}"'), ('"shop"', f'"{app}"'), ('"acme"', f'"{owner}"')):
        body = body.replace(old, new)
    return headers, body
