/** Remembers one-time values for a while, so that a signed request cannot be sent twice. */
export interface NonceStore {
  /**
   * Claims every value of `values`, all or none, in one atomic step. Resolves to true exactly once while the claim lives,
   * whoever asks and however many ask at the same moment.
   * Never forgets a live claim to make room: it rejects instead, and the caller answers 503.
   */
  claim(values: readonly string[], terms: ClaimTerms): Promise<boolean>;
  /** Asks whatever the values lie in whether it answers, and rejects when not. Left out: it is the registry's own database, or memory. */
  check?(): Promise<void>;
}

/** For how long a claim is held, and how far back the store must remember to grant it. */
export interface ClaimTerms {
  /** Life of the claim in milliseconds from now. */
  ttlMs: number;
  /**
   * The earliest moment at which somebody may have claimed these values before, in milliseconds since 1970. A store that
   * does not remember that far (it came back empty after a restart, say) refuses: it cannot know.
   */
  sinceMs: number;
}
