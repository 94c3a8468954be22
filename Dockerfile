# The image of every process of Tacit in a distributed deployment: `docker build --tag tacit:0.1.0 .`
# Images are pinned by version. Whoever builds for real adds the digest of what was examined.

FROM node:20.20.2-bookworm-slim AS build
WORKDIR /app
COPY . .
# Tests are not in the image: their room is left empty, so that the compiler's list of rooms holds.
RUN mkdir -p tests/src && echo 'export {}' > tests/src/none.ts
RUN npm ci --no-audit --no-fund
RUN npm run build
# What only a build, a test, or the embedded ClickHouse needs goes. chdb (540 MB) is that server: in a container
# `tacit up` and `tacit import` have none and say so; the distributed processes have CLICKHOUSE_URL.
RUN npm prune --omit=dev --no-audit --no-fund \
  && rm -rf node_modules/@chdb node_modules/chdb tests scripts .cache node_modules/@tacit/tests \
  && find packages services -type d -name src -prune -exec rm -rf {} + \
  && find packages services -name '*.test.*' -delete

FROM node:20.20.2-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app /app
# Named volumes take owner and mode from here. The master key has a volume of its own: docs/keys.md says why.
RUN install -d -o node -g node -m 0700 /var/lib/tacit /var/lib/tacit-master
USER 1000:1000
ENTRYPOINT ["node", "services/tacit/bin/tacit.mjs"]
CMD ["--help"]
