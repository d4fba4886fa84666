import type { Fault, MiniS3 } from "./index.ts";

/** Lets requests whose `METHOD /address` matches meet these faults, one each, in order; `null` is none. The rest goes well. */
export function failInTurn(mini: MiniS3, pattern: RegExp, faults: readonly (Fault | null)[]): { met(): number } {
  let met = 0;
  mini.fault = ({ method, url }) => {
    if (!pattern.test(`${method} ${url}`)) return undefined;
    const fault = faults[met] ?? undefined;
    met += 1;
    return fault;
  };
  return { met: () => met };
}

/** Lets every request whose `METHOD /address` matches meet a fault. */
export function failAlways(mini: MiniS3, pattern: RegExp, fault: Fault): void {
  mini.fault = ({ method, url }) => (pattern.test(`${method} ${url}`) ? fault : undefined);
}
