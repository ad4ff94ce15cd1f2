declare module '@michaelhomer/jqjs' {
  /** Compile a filter; running it gives its results one by one. */
  export function compile(filter: string): (input: unknown) => Iterable<unknown>;
}
