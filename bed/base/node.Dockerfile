# Substitute for the official node image, for machines without a registry. The context holds the binary of the npm package
# "node" and npm's own package.
ARG DEBIAN_IMAGE=signalbox/base-debian:forky
FROM ${DEBIAN_IMAGE}
RUN groupadd --gid 1000 node && useradd --uid 1000 --gid node --create-home --shell /bin/bash node
COPY node /usr/local/bin/node
COPY npm /usr/local/lib/node_modules/npm
# No chmod here: it would duplicate the binary in another layer.
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm \
 && ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx \
 && node --version && npm --version
CMD ["node"]
