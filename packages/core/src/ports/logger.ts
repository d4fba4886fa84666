/** Where the registry tells the operator something. Fastify's and pino's loggers fit as they are. */
export interface Logger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Says nothing; the default. */
export const silentLogger: Logger = { info() {}, warn() {}, error() {} };
