# SPDX-License-Identifier: MIT
"""What the tests of Nginx Proxy Manager share: a server whose stage is behind it, and what people do there."""
import http.client

from .npm.refusal import Refusal
from .wait import wait_for

OTHER = "http://127.0.0.1:9"


def behind(scene, front, more="", domains="{name}.localhost", **settings):
    """A server with one stage behind it, and two versions."""
    app = scene.app(stage=f"domains: [{domains}]" + front.stage + more, front=front,
                    SLIPWAY_SWEEP_INTERVAL="1s", **settings)
    for tag in ("v1", "v2"):
        scene.push(app, tag)
    return app


def ask(app, front, path="/", host=None, **headers):
    """(status, version, body) of one request as a visitor makes it."""
    connection = http.client.HTTPConnection(front.address(app), timeout=10)
    try:
        connection.request("GET", path, headers={"Host": host or app.host, **headers})
        answer = connection.getresponse()
        return answer.status, answer.headers["App-Version"], answer.read().decode("utf-8", "replace")
    finally:
        connection.close()


def apply(app, text):
    """Apply another configuration."""
    path = app.directory / "next.yml"
    path.write_text(text, "utf-8")
    done = app.run("apply", path)
    assert done.returncode == 0, done.stdout + done.stderr


def over(app, tag):
    """Deploy and wait for its end, whatever it is."""
    return app.wait_over(app.deploy(app.stage_name, tag), 120)


def wait_step(app, deploy, state):
    """Wait until a deploy, or its swap, has come to a state."""
    wait_for(lambda: [s for s in app.show(deploy)["steps"] if s["to"] == state], 30, state)


def cancel(app, deploy):
    """Cancel a deploy and wait for its end."""
    app.post(f"/api/v1/deploys/{deploy}/cancel")
    done = app.wait_over(deploy, 60)
    assert done["state"] not in ("LIVE", "FAILED"), done


def edited(front, number, **columns):
    """A person saves; refused while nginx looks at what another has just written."""
    try:
        return front.proxy.edit(number, **columns)
    except Refusal:
        return None


def leads_to(row):
    """Where a host leads."""
    return f"{row['forward_scheme']}://{row['forward_host']}:{row['forward_port']}"
