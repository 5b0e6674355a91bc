/** `a, b and c`; of a list with more than `most` words, the first ones and the number of the others. */
export function listed(words: readonly string[], conjunction: 'and' | 'or' = 'and', most = 8): string {
  const shown = words.length > most ? [...words.slice(0, most), `${words.length - most} more`] : words;
  if (shown.length < 2) return shown.join();
  return `${shown.slice(0, -1).join(', ')} ${conjunction} ${shown.at(-1)}`;
}

/** `1 request`, `2 requests` */
export function counted(number: number, one: string): string {
  return `${number} ${number === 1 ? one : `${one}s`}`;
}
