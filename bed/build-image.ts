import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import type { Engine } from './engine.ts';
import { run } from './shell.ts';

export interface BuildOptions {
  readonly context: string;
  readonly file: string;
  readonly tag: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly args?: Readonly<Record<string, string>>;
}

export const hasImage = async (engine: Engine, tag: string): Promise<boolean> =>
  engine.docker
    .getImage(tag)
    .inspect()
    .then(
      () => true,
      () => false,
    );

/** Uses the classic builder, which every engine and CLI has. BuildKit needs a client plug-in that may be missing. */
export async function buildImage(engine: Engine, options: BuildOptions): Promise<void> {
  const flags = [
    ...Object.entries(options.args ?? {}).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]),
    ...Object.entries(options.labels ?? {}).flatMap(([name, value]) => ['--label', `${name}=${value}`]),
  ];
  // Also removes what an interrupted build leaves behind.
  const args = [
    'build',
    '--quiet',
    '--force-rm',
    '--tag',
    options.tag,
    '--file',
    options.file,
    ...flags,
    options.context,
  ];
  await run(engine.cli, args, { env: { ...process.env, DOCKER_BUILDKIT: '0' } });
}

const proxyVariables = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy'];

/**
 * What builds need to reach the npm registry as the host does: its registry, proxies, and the CA certificates of an
 * intercepting proxy.
 */
export async function networkArgs(): Promise<Record<string, string>> {
  const args: Record<string, string> = {};
  for (const name of proxyVariables) if (process.env[name]) args[name] = process.env[name];
  const registry = (await run('npm', ['config', 'get', 'registry']).catch(() => '')).trim();
  if (/^https?:/.test(registry) && !registry.includes('registry.npmjs.org')) args.NPM_CONFIG_REGISTRY = registry;
  const certificates = extraCertificates();
  if (certificates) args.EXTRA_CA = certificates;
  return args;
}

/**
 * CA certificates that were added to this machine. A whole bundle exceeds the size limit of an argument (128 KiB), so
 * it is not passed on.
 */
function extraCertificates(): string {
  const added = globSync('/usr/local/share/ca-certificates/**/*.crt').toSorted();
  const own = process.env.NODE_EXTRA_CA_CERTS;
  const files = added.length === 0 && own && existsSync(own) ? [own] : added;
  const text = files.filter((file) => statSync(file).size < 100_000).map((file) => readFileSync(file, 'utf8'));
  return text.join('\n').length < 100_000 ? text.join('\n') : '';
}
