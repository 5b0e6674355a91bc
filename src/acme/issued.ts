import 'reflect-metadata';
import { X509Certificate } from 'node:crypto';
import { AuthorityKeyIdentifierExtension, X509Certificate as Parsed } from '@peculiar/x509';

/** Public facts of a certificate, for the labels of its secret. */
export function factsOf(chain: string) {
  const leaf = new X509Certificate(chain);
  const serial = leaf.serialNumber.toLowerCase();
  return {
    serial: serial.replace(/^0+(?=.)/, ''),
    notBefore: Date.parse(leaf.validFrom),
    notAfter: Date.parse(leaf.validTo),
    names: namesOf(leaf),
    ari: ariOf(chain, serial),
  };
}

function namesOf({ subjectAltName = '' }: X509Certificate): string[] {
  return subjectAltName
    .split(', ')
    .filter((entry) => entry.startsWith('DNS:'))
    .map((entry) => entry.slice('DNS:'.length).toLowerCase())
    .toSorted();
}

/** RFC 9773: the key identifier of the CA and the serial number. */
function ariOf(chain: string, serial: string): string {
  const keyId = new Parsed(chain).getExtension(AuthorityKeyIdentifierExtension)?.keyId;
  if (keyId === undefined) return '';
  const bytes = Buffer.from(serial.padStart(serial.length + (serial.length % 2), '0'), 'hex');
  // As in DER: a number whose first bit is set would be negative.
  const positive = bytes[0]! >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes;
  return `${Buffer.from(keyId, 'hex').toString('base64url')}.${positive.toString('base64url')}`;
}
