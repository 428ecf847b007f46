# SPDX-License-Identifier: MIT
"""The test bed: a private engine, a registry, an app to deploy and a client that counts what fails.

Everything here is real: dockerd, docker-registry, images pushed over HTTP, sockets. It knows nothing
of Slipway, so what it reports is independent evidence. Nothing is fetched from outside and all
traffic stays on loopback and on bridges which the bed makes and removes itself.
"""
