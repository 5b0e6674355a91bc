# Substitute for the official lego image, for machines without a registry: Debian's lego where the official image has it.
ARG DEBIAN_IMAGE=signalbox/base-debian:forky
FROM ${DEBIAN_IMAGE}
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends lego ca-certificates \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb \
 && mv /usr/bin/lego /lego
ENTRYPOINT ["/lego"]
