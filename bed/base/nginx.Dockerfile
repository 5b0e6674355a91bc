# Substitute for the official nginx image, for machines without a registry: Debian's nginx with the layout of the official image.
ARG DEBIAN_IMAGE=signalbox/base-debian:forky
FROM ${DEBIAN_IMAGE}
# The user first: otherwise a package would use the number 101.
RUN groupadd --system --gid 101 nginx \
 && useradd --system --uid 101 --gid nginx --no-create-home --home-dir /nonexistent --shell /bin/false nginx \
 && apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends nginx libnginx-mod-stream curl ca-certificates \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb /var/www/html/* /etc/nginx/sites-enabled/* \
 && ln -sf /dev/stdout /var/log/nginx/access.log \
 && ln -sf /dev/stderr /var/log/nginx/error.log \
 && mkdir -p /var/cache/nginx /etc/nginx/conf.d \
 && chown -R nginx:nginx /var/cache/nginx /var/lib/nginx /var/log/nginx
EXPOSE 80
STOPSIGNAL SIGQUIT
CMD ["nginx", "-g", "daemon off;"]
