# SPDX-License-Identifier: MIT
"""valgrind over a whole life of the server: no error, no leak, exit code 0."""
from bed.engine import Engine
from bed.image import push_app
from bed.registry import Registry
from bed.slipway import Slipway

WRAPPER = ("valgrind", "--leak-check=full", "--show-leak-kinds=definite,indirect,possible",
           "--errors-for-leak-kinds=definite,indirect,possible", "--error-exitcode=99",
           "--child-silent-after-fork=yes")


def test_a_whole_life_leaks_nothing(tmp_path):
    """Deploys that go live, fail and are canceled, a rollback, a follower of the log, a graceful end."""
    with Engine(tmp_path / "docker") as engine, Registry(tmp_path / "registry") as registry:
        for tag, behaviour in (("v1", {}), ("v2", {}), ("v3", {"HEALTH": "fail"})):
            push_app(registry, "shop/web", tag, behaviour=behaviour)
        slipway = Slipway(tmp_path / "slipway", f"""version: 1
engines:
  local: {{host: "{engine.host}"}}
registries:
  "{registry.address}": {{insecure: true}}
projects:
  shop:
    image: {registry.address}/shop/web
    port: 8080
    health: {{http: /health, successes: 2, interval: 50ms, min_uptime: 0s, deadline: 8s}}
    stages:
      production: {{tags: "v*", poll: 1s, domains: [shop.localhost], replicas: 2}}
""")
        try:
            log = f"--log-file={tmp_path}/valgrind"
            slipway.start(deadline_s=90, wrapper=(*WRAPPER, log))
            for tag, state in (("v1", "LIVE"), ("v2", "LIVE"), ("v3", "ROLLED_BACK")):
                assert slipway.wait_over(slipway.deploy("shop/production", tag), 120)["state"] == state
            canceled = slipway.deploy("shop/production", "v3")
            slipway.wait_state(canceled, "PROBING", 60)
            slipway.post(f"/api/v1/deploys/{canceled}/cancel")
            assert slipway.wait_over(canceled, 60)["state"] == "CANCELED"
            assert slipway.run("logs", str(canceled)).returncode == 0
            assert slipway.call("GET", "/api/v1/nothing")[0] == 404
            assert slipway.call("POST", "/api/v1/apply", "{broken", headers={"Content-Type": "application/yaml"})[0] == 400
            rollback = slipway.rollback("shop/production")
            assert slipway.terminate(120) == 0, slipway.log_tail()
            text = (tmp_path / "valgrind").read_text("utf-8")
            assert "ERROR SUMMARY: 0 errors" in text, text[-3000:]
            assert rollback
        finally:
            slipway.stop()
