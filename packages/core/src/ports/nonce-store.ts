/** Remembers one-time values for a while, so that a signed request cannot be sent twice. */
export interface NonceStore {
  /**
   * Claims every value of `values` for `ttlMs` milliseconds, all or none, in one atomic step.
   * Resolves to true exactly once while the claim lives, whoever asks and however many ask at the same moment.
   * Never forgets a live claim to make room: it rejects instead, and the caller answers 503.
   */
  claim(values: readonly string[], ttlMs: number): Promise<boolean>;
}
