/** Waits for an answer that says no more than that it was done. */
export async function nothing(answer: Promise<unknown>): Promise<void> {
  await answer;
}

/** Reads an answer. */
export async function read<T>(answer: Promise<unknown>, reader: (answer: unknown) => T): Promise<T> {
  return reader(await answer);
}
