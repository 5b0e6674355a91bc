const UNITS: Readonly<Record<string, number>> = { k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** nginx's sizes, such as `8k`, in bytes. */
export function bytesOf(size: string): number {
  return Number.parseInt(size, 10) * (UNITS[size.at(-1)!.toLowerCase()] ?? 1);
}
