/** A refusal as S3 words it. */
export class S3Failure extends Error {
  override readonly name = "S3Failure";
  readonly status: number;
  readonly code: string;
  /** Further elements of the error document. */
  readonly more: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: string,
    options: { message?: string; more?: Readonly<Record<string, string>> } = {},
  ) {
    super(options.message ?? code);
    this.status = status;
    this.code = code;
    this.more = options.more ?? {};
  }
}
