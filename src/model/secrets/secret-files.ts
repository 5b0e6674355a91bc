/** Encrypted secrets as files of a version. The agent decrypts them into memory before nginx reads the version. */

/** Where proxies have the secrets that versions bring. */
export const secretsFolder = '/tmp/secrets';
/** Where Swarm mounts them, if no agent runs. */
export const mountedSecretsFolder = '/run/secrets';

/** A secret as it travels with a version. */
export interface EncryptedSecret {
  /** Name of the file in the proxies. */
  readonly file: string;
  /** Base64, see `protocol/encryption.ts`. */
  readonly ciphertext: string;
}

/** Characters of the ID in the name of a file. */
const ID_LENGTH = 12;

/** A renewed secret has another ID, and so another file: nginx's certificate cache cannot contain the old one. */
export function secretFile({ id, name }: { readonly id: string; readonly name: string }): string {
  return `${name}.${id.slice(0, ID_LENGTH)}`;
}

const PATH = /^material-\d{1,3}\.json$/;

export function isSecretsFile(path: string): boolean {
  return PATH.test(path);
}

export function secretsPath(number: number): string {
  return `material-${number}.json`;
}

export const SECRET_FILE = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,76}$/;
const CIPHERTEXT = /^[A-Za-z0-9+/]+={0,2}$/;

/** The secrets in a file of a version; undefined if it is not valid. It comes over the network, from the extension. */
export function parseSecretsFile(text: string): readonly EncryptedSecret[] | undefined {
  const parsed = parseJson(text);
  return Array.isArray(parsed) && parsed.every(isEncryptedSecret) ? parsed : undefined;
}

export function writeSecretsFile(secrets: readonly EncryptedSecret[]): string {
  return JSON.stringify(secrets);
}

function isEncryptedSecret(value: unknown): value is EncryptedSecret {
  if (typeof value !== 'object' || value === null) return false;
  const { file, ciphertext } = value as Partial<EncryptedSecret>;
  return (
    typeof file === 'string' && SECRET_FILE.test(file) && typeof ciphertext === 'string' && CIPHERTEXT.test(ciphertext)
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
