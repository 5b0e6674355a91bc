import type { BaseImages } from './base-images.ts';
import type { Bed } from './bed.ts';
import type { Engine } from './engine.ts';
import { run } from './shell.ts';
import { ensureToolsImage } from './tools-image.ts';

interface Parts {
  readonly engine: Engine;
  readonly bases: Pick<BaseImages, 'debian'>;
}

const folder = 'bed/acme';

/** The image with Pebble and DNS servers; returns its tag. */
export async function ensureAcmeServers(parts: Parts): Promise<string> {
  const inputs = ['Dockerfile', 'acme-servers', 'dns-server'].map((name) => `${folder}/${name}`);
  return (await ensureToolsImage(parts, 'acme-servers', `${folder}/Dockerfile`, inputs)).tag;
}

/** The issuer's table in the settings. */
export const pebbleSettings = `
[Acme.pebble]
Directory = "https://pebble:14000/dir"
Email = "ops@example.org"
AcceptTerms = true
Ca = "pebble-ca"
Profile = "default"
`;

/**
 * Runs Pebble as a service of the bed, on the control network, where the service that orders certificates reaches it.
 * All hosts lead to the manager's published port.
 */
export async function deployPebble(bed: Bed, { engine }: Parts, image: string): Promise<void> {
  await bed.loadImages(image);
  const present = (await bed.docker('secret', 'ls', '--format', '{{.Name}}')).split('\n');
  if (!present.includes('pebble-ca')) await createIdentity(bed, engine, image);
  const { Status } = (await bed.manager.docker.listNodes()).find(
    (node) => (node as Listed).Spec.Role === 'manager',
  ) as unknown as Listed;
  const pebble = {
    image,
    command: ['acme-servers'],
    environment: { HTTP_PORT: '8080', HOST_ADDRESS: Status.Addr, NONCE_REJECT: '20' },
    networks: { signalbox: { aliases: ['pebble'] } },
    secrets: ['pebble-ca', 'pebble-key'],
  };
  const external = { external: true };
  const stack = {
    services: { pebble },
    networks: { signalbox: external },
    secrets: { 'pebble-ca': external, 'pebble-key': external },
  };
  await bed.deploy('acme', JSON.stringify(stack));
}

interface Listed {
  readonly Spec: { readonly Role: string };
  readonly Status: { readonly Addr: string };
}

/** Certificate and key of Pebble's own API. */
async function createIdentity(bed: Bed, engine: Engine, image: string): Promise<void> {
  const names = 'subjectAltName=DNS:pebble,DNS:localhost';
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '3650'];
  const request = ['openssl', 'req', '-x509', ...curve, '-subj', '/CN=pebble', '-addext', names];
  const made = await run(engine.cli, ['run', '--rm', image, ...request, '-keyout', '-', '-out', '-']);
  const parts = {
    'pebble-key': /-----BEGIN PRIVATE KEY-----[\s\S]*?-----END PRIVATE KEY-----\n/,
    'pebble-ca': /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----\n/,
  };
  for (const [Name, pattern] of Object.entries(parts)) {
    const Data = Buffer.from(pattern.exec(made)![0]).toString('base64');
    await bed.manager.docker.createSecret({ Name, Data } as never);
  }
}

/** The CA of the certificates that Pebble issues, for `curl --cacert`. */
export async function readRoot(bed: Bed): Promise<string> {
  return bed.exec('acme_pebble', 'curl', '--silent', '--insecure', 'https://localhost:15000/roots/0');
}
