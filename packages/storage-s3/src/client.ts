import { S3Client, type S3ClientConfig } from "@aws-sdk/client-s3";

/** Settings of {@link s3Client}. */
export interface S3ClientOptions {
  /** Address of a store that is not AWS, like `http://minio:9000`. */
  endpoint?: string;
  /** Default: the environment's; with an endpoint `us-east-1`. */
  region?: string;
  /** Default: what the SDK finds in the environment, its files or the machine's role. */
  credentials?: NonNullable<S3ClientConfig["credentials"]>;
  /** Whether the bucket's name goes into the path and not before the host; default true with an endpoint. */
  forcePathStyle?: boolean;
  /** Whether checksum headers are sent that older stores refuse; default true without an endpoint. */
  checksums?: boolean;
  /** Longest wait for a connection; default 5 seconds. */
  connectTimeoutMs?: number;
  /** Longest silence on a connection; default 15 seconds. A store that says nothing is given up after that time for each attempt. */
  idleTimeoutMs?: number;
  /** Connections to the store at once; default 256. Each upload and each download in progress has one. */
  maxConnections?: number;
  /** How often a request is tried, with growing pauses; default 4. */
  maxAttempts?: number;
}

/** An S3 client as the registry needs it: bounded waits, retries, and what the store understands. Any other client does too. */
export function s3Client(options: S3ClientOptions = {}): S3Client {
  const { endpoint, region, credentials } = options;
  const { forcePathStyle = endpoint !== undefined, checksums = endpoint === undefined } = options;
  const { connectTimeoutMs = 5000, idleTimeoutMs = 15_000, maxConnections = 256, maxAttempts = 4 } = options;
  const when = checksums ? "WHEN_SUPPORTED" : "WHEN_REQUIRED";
  const agent = { keepAlive: true, maxSockets: maxConnections };
  return new S3Client({
    ...(endpoint === undefined ? {} : { endpoint, region: region ?? "us-east-1" }),
    ...(region === undefined ? {} : { region }),
    ...(credentials === undefined ? {} : { credentials }),
    forcePathStyle,
    requestChecksumCalculation: when,
    responseChecksumValidation: when,
    retryMode: "standard",
    maxAttempts,
    requestHandler: {
      connectionTimeout: connectTimeoutMs,
      socketTimeout: idleTimeoutMs,
      httpAgent: agent,
      httpsAgent: agent,
    },
  });
}
