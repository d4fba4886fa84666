import type { ColumnType } from "kysely";

/** A column that may be null, and is when it is left out. */
export type Optional<T> = ColumnType<T | null, T | null | undefined, T | null>;

/** A column that has a value of its own when it is left out. */
export type Defaulted<T> = ColumnType<T, T | undefined, T>;
