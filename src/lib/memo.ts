/** Caches the result for each object until the object is garbage collected. Only for immutable objects. */
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

/** Caches the last result and returns it while the arguments stay the same. */
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
