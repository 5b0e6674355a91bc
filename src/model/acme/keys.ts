import { z } from 'zod';
import { isIssuer, type KeyDefinition, type KeyValues, key, secretName } from '../settings/keys.ts';

/** Exact names of providers that would run programs, or wait for a person. */
const UNUSABLE_PROVIDERS = ['exec', 'manual'];

export const acmeKeys = {
  Directory: key(
    z
      .string()
      .refine(
        (text) => isIssuer(text) && text.startsWith('https:'),
        'is not a URL such as https://ca.example.org/directory',
      ),
    'https://acme-v02.api.letsencrypt.org/directory',
    "URL of the CA's ACME directory.",
  ),
  Email: key(
    z.string().regex(/^[^\s@,;:<>"'\\/-][^\s@,;:<>"'\\/]{0,63}@[A-Za-z0-9.-]{1,190}$/, 'is not an e-mail address'),
    '',
    'Address for messages of the CA. Required.',
  ),
  AcceptTerms: key(z.boolean(), false, "Accepts the CA's terms of service. Required: nothing is ordered without it."),
  Challenge: key(
    z.enum(['http-01', 'dns-01'], 'is not http-01 or dns-01'),
    'http-01',
    'How the CA verifies that you control a host: through its proxies on port 80 (`http-01`), or through its DNS zone (`dns-01`). Wildcards require `dns-01`. `tls-alpn-01` and `dns-persist-01` are not supported.',
  ),
  KeyType: key(
    z.enum(['ec256', 'ec384', 'rsa2048', 'rsa3072', 'rsa4096'], 'is not ec256, ec384, rsa2048, rsa3072 or rsa4096'),
    'ec256',
    'Type of the private keys of certificates.',
  ),
  Profile: key(
    z.string().regex(/^(?:[A-Za-z0-9_][A-Za-z0-9_.-]{0,63})?$/, 'is not the name of a profile'),
    '',
    "The CA's profile, such as `tlsserver` or `shortlived`. Default: the CA's default.",
  ),
  PreferredChain: key(
    z.string().regex(/^(?:[A-Za-z0-9(][A-Za-z0-9 ().,_-]{0,99})?$/, 'is not the name of a CA'),
    '',
    'Name of the root CA, if the CA offers several chains.',
  ),
  ExternalAccountKid: key(
    z.string().regex(/^(?:[A-Za-z0-9_.=+/][A-Za-z0-9_.=+/-]{0,199})?$/, 'is not a key ID'),
    '',
    'Key ID of the external account binding that some CAs require.',
  ),
  ExternalAccountSecret: key(
    secretName,
    '',
    'Docker secret with the HMAC key of the external account binding, in base64url as the CA shows it.',
  ),
  Ca: key(
    secretName,
    '',
    "Docker secret with the CA of the ACME server's own certificate, in PEM format. Default: public CAs.",
  ),
  DnsProvider: key(
    z
      .string()
      .regex(/^[a-z0-9]{0,40}$/, 'is not the name of a provider such as cloudflare or rfc2136')
      .refine((name) => !UNUSABLE_PROVIDERS.includes(name), 'is a provider that cannot run in a service'),
    '',
    'Name of the DNS provider, as in [lego](https://go-acme.github.io/lego/dns/): `rfc2136`, `cloudflare`, `route53`, `hetzner` and about 170 more. Required for `dns-01`.',
  ),
  DnsSecret: key(
    secretName,
    '',
    "Docker secret with the provider's settings, one `KEY=value` per line. Only the service `signalbox-acme` mounts it.",
  ),
  Wildcards: key(
    z.array(z.string()),
    [],
    'Wildcards such as `*.apps.example.org`: all hosts directly below share one certificate. Requires `dns-01`.',
  ),
  OrdersPerWeek: key(
    z.int().min(1).max(100_000),
    40,
    "Maximum number of first certificates per registered domain in seven days. Renewals do not count. Let's Encrypt allows 50.",
  ),
} satisfies Readonly<Record<string, KeyDefinition>>;

export type AcmeSettings = KeyValues<typeof acmeKeys>;
