/** How far a copy is; which steps in which order is said by what makes it. */
export interface CopyProgress {
  step: "rows" | "index" | "archives" | "compare";
  /** Rows, or bytes of archives; of the index nothing is known. */
  done: number;
  total: number;
}

/** Begins a step; what it returns is told how much more is done. */
export type Tell = (step: CopyProgress["step"], total: number) => (more: number) => void;

/** Reports steps to whoever wants to know. */
export function teller(onProgress: ((progress: CopyProgress) => void) | undefined): Tell {
  return (step, total) => {
    let done = 0;
    onProgress?.({ step, done, total });
    return (more) => {
      done += more;
      onProgress?.({ step, done, total });
    };
  };
}
