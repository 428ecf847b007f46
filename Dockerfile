# Slipway and the HAProxy that it drives. Two stages: what builds does not ship.
#
#   docker build -t slipway .
#
# The same image runs the server (the default) and the edge (command: edge); compose.yml has both.
FROM debian:12-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends build-essential libev-dev libsqlite3-dev \
    libcurl4-openssl-dev libyaml-dev libsodium-dev libjansson-dev libpcre2-dev
WORKDIR /src
COPY Makefile VERSION ./
COPY tools tools
COPY src src
COPY spec/generated/openapi.json spec/generated/
RUN make MODE=rel build/rel/slipway

FROM debian:12-slim
# HAProxy may listen on ports below 1024 without root: that right belongs to its file, and takes effect where
# the container has NET_BIND_SERVICE, as containers do unless it was dropped.
RUN apt-get update && apt-get install -y --no-install-recommends libev4 libsqlite3-0 libcurl4 libyaml-0-2 \
    libsodium23 libjansson4 libpcre2-8-0 ca-certificates haproxy libcap2-bin \
    && setcap cap_net_bind_service=+ep /usr/sbin/haproxy \
    && apt-get purge -y libcap2-bin && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --home-dir /var/lib/slipway --no-create-home --shell /usr/sbin/nologin slipway \
    && install -d -o slipway -g slipway -m 700 /var/lib/slipway
COPY --from=build /src/build/rel/slipway /usr/local/bin/slipway
# Docker's socket belongs to a group of the host, whose number differs: give it with --group-add.
USER slipway
VOLUME /var/lib/slipway
# HTTP and HTTPS of the edge, and the API; all three are settings.
EXPOSE 80 443 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=6s CMD ["slipway", "healthcheck"]
ENTRYPOINT ["slipway"]
CMD ["serve"]
