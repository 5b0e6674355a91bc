/**
 * nginx queries DNS in lower case, and Docker's DNS compares network names case-sensitively. Names whose case matters therefore go through a
 * relay in the proxy, see proxy/nginx/name-relay.ts. nginx queries `tasks.web.myapp_default.1400.case.signalbox`; the relay queries
 * `tasks.web.MyApp_default`. Everything the relay needs is in the name, so it keeps no state.
 */
export const nameRelay = { host: '127.0.0.1', port: 10_248 } as const;

const SUFFIX = '.case.signalbox';
const MAX_NAME = 253;
const MAX_LABEL = 63;

/** The name in lower case, followed by a bit mask (hexadecimal) of its upper-case letters: bit 0 is the last character. */
export function encodeCase(name: string): string {
  const bits = name.replaceAll(/./gs, (character) => (isUpper(character) ? '1' : '0'));
  return `${name.toLowerCase()}.${BigInt(`0b${bits || '0'}`).toString(16)}${SUFFIX}`;
}

/** Undefined if the name was not made by `encodeCase`. */
export function decodeCase(encoded: string): string | undefined {
  const [, name, mask] = /^(.+)\.([0-9a-f]+)\.case\.signalbox$/s.exec(encoded) ?? [];
  if (name === undefined || mask === undefined) return undefined;
  const bit = (fromEnd: number) => (Number.parseInt(mask.at(-1 - (fromEnd >> 2)) ?? '0', 16) >> (fromEnd & 3)) & 1;
  const last = name.length - 1;
  const decoded = name.replaceAll(/[a-z]/g, (letter, at: number) =>
    bit(last - at) === 1 ? letter.toUpperCase() : letter,
  );
  return encodeCase(decoded) === encoded ? decoded : undefined;
}

export function hasUpperCase(name: string): boolean {
  return /[A-Z]/.test(name);
}

/** The limits of DNS: a longer name can be neither queried nor answered. */
export function fitsDns(name: string): boolean {
  return name.length <= MAX_NAME && name.split('.').every((label) => label.length > 0 && label.length <= MAX_LABEL);
}

/** Whether an nginx configuration resolves names through the relay. */
export function usesNameRelay(text: string): boolean {
  return text.includes(`resolver ${nameRelay.host}:${nameRelay.port} `);
}

function isUpper(character: string): boolean {
  return character >= 'A' && character <= 'Z';
}
