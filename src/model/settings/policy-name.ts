/** Without dots, which separate keys in the names of settings. */
export function isPolicyName(text: string): boolean {
  return /^[A-Za-z0-9_-]{1,64}$/.test(text);
}
