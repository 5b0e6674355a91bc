/** Remembers what was made of an object, for as long as the object lives. Only for objects that never change. */
export function memoize<K extends object, V>(make: (key: K) => V): (key: K) => V {
  const known = new WeakMap<K, { readonly value: V }>();
  return (key) => {
    const found = known.get(key);
    if (found) return found.value;
    const value = make(key);
    known.set(key, { value });
    return value;
  };
}

/** Remembers the last result, for as long as it is asked for with the same arguments. */
export function memoizeLast<A extends readonly unknown[], V>(make: (...args: A) => V): (...args: A) => V {
  let last: { readonly args: A; readonly value: V } | undefined;
  return (...args) => {
    if (!last || !sameItems(last.args, args)) last = { args, value: make(...args) };
    return last.value;
  };
}

export function sameItems(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((item, position) => item === b[position]);
}
