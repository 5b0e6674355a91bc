import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

interface CertificateOptions {
  /** The first is the subject too. */
  readonly names: readonly string[];
  readonly type?: 'ec' | 'rsa';
  readonly more?: readonly string[];
}

const keys = { ec: ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'], rsa: ['rsa:2048'] } as const;

/** A self-signed certificate as users make it: `<name>.crt` and `<name>.key` in a folder. */
export async function makeCertificate(
  folder: string,
  name: string,
  { names, type = 'ec', more = [] }: CertificateOptions,
): Promise<void> {
  const files = ['-keyout', join(folder, `${name}.key`), '-out', join(folder, `${name}.crt`)];
  const subject = [
    '-subj',
    `/CN=${names[0]}`,
    '-addext',
    `subjectAltName=${names.map((host) => `DNS:${host}`).join()}`,
  ];
  await promisify(execFile)('openssl', [
    'req',
    '-x509',
    '-newkey',
    ...keys[type],
    '-nodes',
    ...files,
    ...subject,
    ...more,
  ]);
}
