# The standalone server. Build: docker build -t serverless-registry .
# Run: docker run -p 8080:8080 -v registry-data:/data -e PUBLIC_URL=https://registry.example.com serverless-registry

FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json tsconfig.json tsconfig.base.json tsup.config.ts ./
COPY scripts ./scripts
COPY packages ./packages
COPY examples ./examples
RUN npm ci --no-audit --no-fund && npm run build:js
# What runs needs less than what builds.
RUN rm -rf node_modules && npm ci --no-audit --no-fund --omit=dev --omit=peer --workspace examples/standalone

FROM node:24-slim
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    PORT=8080 \
    DATABASE_URL=sqlite:/data/serverless_registry.db \
    STORAGE_URL=file:/data/packages
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/packages ./packages
COPY --from=build /app/examples/standalone ./examples/standalone
RUN mkdir --mode=700 /data && chown node:node /data
USER node
VOLUME ["/data"]
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/healthz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "--max-semi-space-size=1", "examples/standalone/dist/main.js"]
