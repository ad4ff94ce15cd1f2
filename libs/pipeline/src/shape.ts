/** A rule for a text: `check` returns what is wrong with it, in words that follow "the text …", or undefined. */
export type TextRule = {
  readonly code: string;
  readonly check: (text: string) => string | undefined;
  readonly fix?: string;
};

/** One field of a map. */
export type Field = { readonly shape: Shape; readonly required?: true };

/**
 * What a YAML value must look like. The table in pipeline-shape.ts is made of these; check-shape.ts reads any node by
 * them. `scalar` takes a number or a boolean as the text that was written; `json` takes everything.
 */
export type Shape =
  | {
      readonly type: 'map';
      readonly fields: Readonly<Record<string, Field>>;
      /** Exactly one of these fields must be there. */
      readonly exactlyOne?: readonly string[];
      /** Fields that are planned but not supported: refused with these words. */
      readonly notYet?: Readonly<Record<string, string>>;
      /** An empty value stands for an empty map. */
      readonly mayBeEmpty?: true;
    }
  | { readonly type: 'list'; readonly of: Shape; readonly min?: number; readonly max: number }
  | { readonly type: 'dictionary'; readonly key: TextRule; readonly of: Shape; readonly max: number }
  | { readonly type: 'text'; readonly rule?: TextRule; readonly maxLength: number }
  | { readonly type: 'scalar'; readonly rule?: TextRule; readonly maxLength: number }
  | { readonly type: 'integer'; readonly min: number; readonly max: number }
  | { readonly type: 'duration'; readonly minSeconds: number; readonly maxSeconds: number }
  | { readonly type: 'json' };
