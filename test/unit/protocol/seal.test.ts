// Any service on the node can mount the volume of a cluster's proxies.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Seal, StoredVersion } from '../../../src/model/version.ts';
import { fileDigest, VERSION_MARK, versionDigest, versionFault } from '../../../src/model/version-digest.ts';
import { createAuthority, issueIdentity } from '../../../src/protocol/certificates.ts';
import { extensionName, type Identity, proxyName } from '../../../src/protocol/names.ts';
import { contentHash, sealFault, sealVersion } from '../../../src/protocol/seal.ts';
import { lastVersionIn } from '../../../src/proxy/last-version.ts';
import { NginxRun } from '../../../src/proxy/nginx/run.ts';

const now = Date.now();
const cluster = 'default';
const boot = '0123456789abcdef';
const authority = await createAuthority(now);
const foreignAuthority = await createAuthority(now);
const issue = (name: string, by = authority) => issueIdentity(by, name, now);
const [extension, otherExtension, proxy, foreign] = await Promise.all([
  issue(extensionName(cluster)),
  issue(extensionName('other')),
  issue(proxyName(cluster)),
  issue(extensionName(cluster), foreignAuthority),
]);

let root: string;
let volume: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'seal-'));
  volume = join(root, 'volume');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A version of two files with correct digests, which anyone can compute. */
function aVersion(secret: string) {
  const part = { path: 'servers-00.conf', text: `# ${secret}\n` };
  const digest = fileDigest(cluster, part.path, part.text);
  const version = versionDigest(cluster, `# ${VERSION_MARK}\n`, [{ digest }]);
  const files = [
    { path: 'nginx.conf', digest: version, text: `# ${version}\n` },
    { ...part, digest },
  ];
  return { version, files };
}

function sealedBy(identity: Identity, { version, files }: ReturnType<typeof aVersion>, forBoot = boot): Seal {
  const hashed = files.map(({ path, text }) => ({ path, hash: contentHash(text) }));
  return sealVersion(identity, { boot: forBoot, version, files: hashed });
}

async function keep({ version, files }: ReturnType<typeof aVersion>, seal: Seal | undefined): Promise<void> {
  const folder = join(root, 'agent');
  mkdirSync(folder, { recursive: true });
  const stored = files.map(({ path, digest, text }) => {
    writeFileSync(join(folder, path), text);
    return { path, digest, at: join(folder, path) };
  });
  await lastVersionIn(volume, boot).write({ version, files: stored, seal });
}

/** As src/proxy/main.ts does. Resolves with the version that nginx would start with. */
async function adopt(): Promise<string | undefined> {
  const last = await lastVersionIn(volume, boot).read();
  if (last === undefined) return undefined;
  const nginx = new NginxRun({
    command: ['false'],
    mountedPath: '/nonexistent',
    folder: join(root, 'run'),
    faultOf: (version, files) => versionFault(cluster, version, files),
    sealFaultOf({ version, files, seal }: StoredVersion, hashes) {
      const hashed = files.map(({ path }, position) => ({ path, hash: hashes[position]! }));
      return sealFault(proxy.ca, cluster, { boot, version, files: hashed }, seal);
    },
    startNameRelay: async () => undefined,
  });
  await nginx.adopt(last);
  return nginx.stored?.version;
}

describe('a version on the volume', () => {
  it('is used if the extension has signed it', async () => {
    const good = aVersion('good');
    await keep(good, sealedBy(extension, good));

    expect(await adopt()).toBe(good.version);
  });

  it.each([
    ['a proxy of the cluster', proxy],
    ['the extension of another cluster', otherExtension],
    ['another CA', foreign],
  ])('is not used if %s has signed it', async (_, identity) => {
    const forged = aVersion('forged');
    await keep(forged, sealedBy(identity, forged));

    await expect(adopt()).rejects.toThrow('is not signed by the extension');
  });

  it('is not used without a signature', async () => {
    const forged = aVersion('forged');
    await keep(forged, sealedBy(extension, forged));
    strip(forged.version);

    await expect(adopt()).rejects.toThrow('is not signed');
  });

  it('is not used with the signature of another version or specification', async () => {
    const [good, forged] = [aVersion('good'), aVersion('forged')];
    await keep(forged, sealedBy(extension, good));
    await expect(adopt()).rejects.toThrow('does not match its signature');

    await keep(good, sealedBy(extension, good, 'fedcba9876543210'));
    await expect(adopt()).rejects.toThrow('does not match its signature');
  });

  it('is not used if its content was changed, even to one with the same digest', async () => {
    const good = aVersion('good');
    const hashed = good.files.map(({ path, text }) => ({ path, hash: contentHash(text) }));
    const seal = sealVersion(extension, { boot, version: good.version, files: hashed });
    const changed = hashed.with(1, { path: 'servers-00.conf', hash: contentHash('# other\n') });

    expect(sealFault(proxy.ca, cluster, { boot, version: good.version, files: hashed }, seal)).toBeUndefined();
    expect(sealFault(proxy.ca, cluster, { boot, version: good.version, files: changed }, seal)).toMatch(
      /does not match/,
    );
  });

  it.each([{ certificate: 'no certificate', signature: '' }, { certificate: 7, signature: null }, {}])(
    'is not used with an unreadable seal: %o',
    (seal) => {
      expect(sealFault(proxy.ca, cluster, { boot, version: 'v', files: [] }, seal as Seal)).toMatch(/does not match/);
    },
  );

  it('is not stored without a seal, as an extension of an earlier release offers it', async () => {
    await keep(aVersion('old'), undefined);

    expect(await adopt()).toBeUndefined();
  });
});

/** Written by an attacker without a key. */
function strip(version: string): void {
  const path = join(volume, `${boot}-${version}`, '.version.json');
  const { seal: _, ...list } = JSON.parse(readFileSync(path, 'utf8'));
  writeFileSync(path, JSON.stringify(list));
}
