/**
 * The fields of a type, whatever their values: messages limit texts and numbers, and leave out absent fields. Optional
 * fields are required. `kind` keeps its value: it tells the members of a union apart.
 */
type Fields<T> = T extends string
  ? string
  : T extends number
    ? number
    : T extends boolean
      ? boolean
      : T extends object
        ? { -readonly [K in keyof T]-?: K extends 'kind' ? T[K] : Fields<Exclude<T[K], undefined>> }
        : T;

type AreSame<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;

type Differing<Model, Message> = {
  [K in keyof Model]-?: K extends keyof Message ? (AreSame<Model[K], Message[K]> extends true ? never : K) : K;
}[keyof Model];

type Compared<Model, Message> =
  AreSame<Model, Message> extends true ? true : { readonly differs: Differing<Model, Message> };

/**
 * `true` if a message has exactly the fields of the model's type, at any depth, also the optional ones; otherwise the
 * fields that differ. Zod drops the fields that a message lacks without an error.
 */
export type Carries<Model, Message> = Compared<Fields<Model>, Fields<Message>>;

/** Fails to compile unless the type is `true`. */
export type Assert<T extends true> = T;
