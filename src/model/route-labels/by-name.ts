/** The first of the names that exists. Swarm has no two networks or secrets whose names differ only in case. */
export function byName<T extends { readonly name: string }>(
  objects: readonly T[],
  names: readonly string[],
  { ignoreCase = false } = {},
): T | undefined {
  const fold = (name: string) => (ignoreCase ? name.toLowerCase() : name);
  const find = (wanted: string) => objects.find(({ name }) => fold(name) === fold(wanted));
  return names.map(find).find((object) => object !== undefined);
}
