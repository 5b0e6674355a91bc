import { type Issuers, parseIssuers } from './acme/issuers.ts';
import { type AcmeSettings, acmeKeys } from './acme/keys.ts';
import { parseHost } from './host.ts';
import type { HostPattern, HostRules } from './host-ownership.ts';
import { nearest } from './nearest.ts';
import { type Problem, shownValue } from './problem.ts';
import {
  type CoreSettings,
  coreKeys,
  type ExtensionSettings,
  extensionKeys,
  type KeyDefinition,
  type NginxSettings,
  nginxKeys,
  type OidcSettings,
  oidcKeys,
} from './settings-keys.ts';
import { type Lists, parseLists } from './settings-lists.ts';
import { type GivenLabels, type Policies, parseGivenLabels, parsePolicies } from './settings-policies.ts';

/** The administrator's settings file, complete with defaults. */
export interface Settings {
  readonly core: CoreSettings;
  readonly clusters: readonly Cluster[];
  readonly hosts: HostRules;
  readonly lists: Lists;
  readonly policies: Policies;
  /** ACME servers that issue certificates. */
  readonly issuers: Issuers;
  /** Undefined if users sign in with passwords only. */
  readonly oidc: OidcSettings | undefined;
}

/** One `[Extensions.<name>]` table: a service cluster with its extension and its proxies. */
export interface Cluster {
  /** Name of the table; names the cluster's objects. */
  readonly name: string;
  readonly settings: ExtensionSettings & Named;
  readonly nginx: NginxSettings;
  /** Labels of services that set no other value. */
  readonly defaults: GivenLabels;
  /** Labels of all services, whatever they set. */
  readonly enforced: GivenLabels;
  /** Docker secret with the credentials for pulling its images; '' for none. */
  readonly registrySecret: string;
  /** Image of the job that reads secrets. */
  readonly readerImage: string;
  /** Secrets reach the proxies encrypted, without a restart. Otherwise, Swarm mounts them. */
  readonly deliversInPlace: boolean;
}

interface Named {
  readonly ServiceName: string;
  readonly ProxyServiceName: string;
}

export interface SettingsResult {
  readonly settings: Settings;
  readonly problems: readonly Problem[];
}

type Table = Readonly<Record<string, unknown>>;
/** Where the images are called as they are built. */
export const LOCAL_REGISTRY = 'signalbox';
const CLUSTER_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,30}$/;

/** The images that belong to a controller: `<registry>/proxy:<release>`. */
export interface Images {
  readonly registry: string;
  readonly release: string;
}

/** A text is the release of local images. */
export function parseSettings(document: Table, own: string | Images): SettingsResult {
  const images = typeof own === 'string' ? { registry: LOCAL_REGISTRY, release: own } : own;
  const { acme, extensions, hosts, lists, policies, oidc, ...coreTable } = lowerKeys(document);
  const core = readTable<CoreSettings>(coreTable, coreKeys, '');
  const listed = parseHosts(hosts);
  const ofLists = parseLists(tableOrEmpty(lists));
  const ofPolicies = parsePolicies(tableOrEmpty(policies));
  const ofAcme = parseIssuers(tableOrEmpty(acme), (table, path) =>
    readTable<AcmeSettings>(lowerKeys(table as Table), acmeKeys, path),
  );
  const signIn = parseOidc(oidc);
  const tables = Object.entries(tableOrEmpty(extensions)).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const clusters = (tables.length > 0 ? tables : [['default', {}] as const]).map(([name, table]) =>
    parseCluster(name, table, images, core.values.RegistrySecret),
  );
  return {
    settings: {
      core: core.values,
      clusters: clusters.flatMap(({ cluster }) => cluster ?? []),
      hosts: { mode: core.values.HostsMode, patterns: listed.patterns },
      lists: ofLists.lists,
      policies: ofPolicies.policies,
      issuers: ofAcme.issuers,
      oidc: signIn.oidc,
    },
    problems: [
      ...core.problems,
      ...noTable('Hosts', hosts),
      ...listed.problems,
      ...noTable('Lists', lists),
      ...ofLists.problems,
      ...noTable('Policies', policies),
      ...ofPolicies.problems,
      ...noTable('Acme', acme),
      ...ofAcme.problems,
      ...noTable('Oidc', oidc),
      ...signIn.problems,
      ...noTable('Extensions', extensions),
      ...clusters.flatMap(({ problems }) => problems),
      ...duplicateNames(clusters.flatMap(({ cluster }) => cluster ?? [])),
    ],
  };
}

/** Parses `[Oidc]`. With an error in it, sign-in through OpenID Connect is disabled. */
function parseOidc(table: unknown): { readonly oidc: OidcSettings | undefined; readonly problems: readonly Problem[] } {
  if (!isTable(table)) return { oidc: undefined, problems: [] };
  const { values, problems } = readTable<OidcSettings>(lowerKeys(table), oidcKeys, 'Oidc.');
  const missing = (['Issuer', 'ClientId'] as const)
    .filter((key) => values[key] === '' && !problems.some(({ label }) => label === `Oidc.${key}`))
    .map((key) => settingsProblem(`Oidc.${key}`, '', 'is missing', oidcKeys[key].description));
  const all = [...problems, ...missing];
  return { oidc: all.length === 0 ? values : undefined, problems: all };
}

/**
 * Secrets that the controller mounts because of these settings. They are never attached to a proxy, even if a label
 * names them.
 */
export function controllerSecrets({ core, oidc }: Pick<Settings, 'core' | 'oidc'>): readonly string[] {
  return [core.UsersSecret, core.RegistrySecret, oidc?.ClientSecret ?? '', oidc?.CA ?? ''].filter(
    (name) => name !== '',
  );
}

/** Parses `[Hosts]`: pattern → names of the stacks and services that may claim it. */
function parseHosts(table: unknown) {
  const entries = Object.entries(tableOrEmpty(table)).map(([key, value]) => parsePattern(key, value));
  const patterns = entries.flatMap(({ pattern }) => pattern ?? []);
  const same = Map.groupBy(patterns, ({ host }) => (host ? `${host.kind} ${host.name}` : '*'));
  const repeated = [...same.values()].flatMap(([first, ...others]) =>
    others.map(({ key }) =>
      settingsProblem(`Hosts.${key}`, key, `is the same host as ${first!.key}`, 'Merge the two lists.'),
    ),
  );
  return {
    // Repeated patterns are restrictive: only names in all lists may claim the host.
    patterns: [...same.values()].map(([first, ...others]) => ({
      ...first!,
      owners: first!.owners.filter((name) => others.every(({ owners }) => owners.includes(name))),
    })),
    problems: [...entries.flatMap(({ problems }) => problems), ...repeated],
  };
}

/** A pattern with an invalid list is kept, so that no one may claim it. */
function parsePattern(key: string, value: unknown): { pattern?: HostPattern; problems: Problem[] } {
  const label = `Hosts.${key}`;
  if (isTable(value)) {
    const remedy = 'Quote the pattern: "app.example.org" = ["shop"].';
    return { problems: [settingsProblem(label, value, 'is a table', remedy)] };
  }
  const host = key.trim() === '*' ? undefined : parseHost(key);
  if (typeof host === 'string') {
    const remedy = 'Write a host, a wildcard such as "*.example.org", or "*" for the default backend.';
    return { problems: [settingsProblem(label, key, host, remedy)] };
  }
  const { names, isGood } = readOwners(value);
  const remedy = 'List names of stacks and services: ["shop", "blog_web"]; with [], no one can claim it.';
  const problems = isGood ? [] : [settingsProblem(label, value, 'is not a list of names', remedy)];
  return { pattern: { host, key: key.trim(), owners: names }, problems };
}

function readOwners(value: unknown) {
  const isName = (name: unknown) => typeof name === 'string' && /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name);
  if (!Array.isArray(value)) return { names: [], isGood: false };
  return { names: value.filter(isName) as string[], isGood: value.every(isName) };
}

function parseCluster(name: string, table: unknown, { registry, release }: Images, registrySecret: string) {
  const path = `Extensions.${name}`;
  if (!CLUSTER_NAME.test(name) || !isTable(table)) {
    const reason = 'is not a table, or its name is invalid';
    return {
      cluster: undefined,
      problems: [settingsProblem(path, '', reason, 'Write a table such as [Extensions.default].')],
    };
  }
  const { config, defaults, enforced, ...rest } = lowerKeys(table);
  const extension = readTable<ExtensionSettings>(rest, extensionKeys, `${path}.`);
  const nginx = readTable<NginxSettings>(lowerKeys(tableOrEmpty(config)), nginxKeys, `${path}.Config.`);
  const given = parseGivenLabels(tableOrEmpty(defaults), `${path}.Defaults`, { from: `${path}.Defaults` });
  const forced = parseGivenLabels(tableOrEmpty(enforced), `${path}.Enforced`, {
    from: `${path}.Enforced`,
    isEnforced: true,
  });
  const suffix = name === 'default' ? '' : `-${name}`;
  const { values } = extension;
  const images = { Image: `${registry}/extension:${release}`, ProxyImage: `${registry}/proxy:${release}` };
  const settings = {
    ...values,
    Image: ownImage(values.Image) || images.Image,
    ProxyImage: ownImage(values.ProxyImage) || images.ProxyImage,
    ServiceName: values.ServiceName || `signalbox-extension${suffix}`,
    ProxyServiceName: values.ProxyServiceName || `signalbox-proxy${suffix}`,
  };
  const replaced = (['Image', 'ProxyImage'] as const)
    .filter((key) => values[key] !== ownImage(values[key]))
    .map((key) => imageReplaced(`${path}.${key}`, values[key], images[key]));
  const problems = [
    ...extension.problems,
    ...noTable(`${path}.Config`, config),
    ...nginx.problems,
    ...noTable(`${path}.Defaults`, defaults),
    ...given.problems,
    ...noTable(`${path}.Enforced`, enforced),
    ...forced.problems,
    ...replaced,
  ];
  const tables = { nginx: nginx.values, defaults: given.labels, enforced: forced.labels };
  const deliversInPlace =
    settings.HitlessServiceUpdate &&
    (settings.SecretDelivery === 'in-place' ||
      (settings.SecretDelivery === 'auto' && settings.ProxyImage === images.ProxyImage));
  const readerImage = `${registry}/controller:${release}`;
  return { cluster: { name, settings, ...tables, registrySecret, readerImage, deliversInPlace }, problems };
}

/** UCP's settings files name Interlock's images, which cannot replace ours: returns '' for those. */
function ownImage(image: string): string {
  return /^(?:.*\/)?(?:ucp-)?interlock-(?:extension|proxy)(?:-[a-z]+)?(?:[:@]|$)/.test(image) ? '' : image;
}

function imageReplaced(label: string, value: string, image: string): Problem {
  const reason = `is an Interlock image; ${image} is used instead`;
  return { severity: 'notice', label, value: shownValue(value), reason, remedy: 'Remove the key.' };
}

/** Reads known keys. An invalid one keeps its default and becomes a problem. */
function readTable<T>(table: Table, definitions: Readonly<Record<string, KeyDefinition>>, path: string) {
  const values: Record<string, unknown> = {};
  const problems: Problem[] = [];
  const known = new Map(Object.keys(definitions).map((name) => [name.toLowerCase(), name]));
  for (const [name, definition] of Object.entries(definitions)) {
    values[name] = definition.default;
    const raw = table[name.toLowerCase()];
    if (raw === undefined) continue;
    const parsed = definition.schema.safeParse(raw);
    if (parsed.success) values[name] = parsed.data;
    else
      problems.push(
        settingsProblem(path + name, raw, parsed.error.issues[0]?.message ?? 'is not valid', definition.description),
      );
  }
  for (const name of Object.keys(table).filter((name) => !known.has(name))) {
    const guess = nearest(name, [...known.keys()]);
    const remedy = guess === undefined ? 'Remove it.' : `Did you mean ${known.get(guess)}?`;
    problems.push(settingsProblem(path + name, table[name], 'is an unknown setting', remedy));
  }
  return { values: values as T, problems };
}

/** Two clusters must not use the same service name. */
function duplicateNames(clusters: readonly Cluster[]): Problem[] {
  const names = clusters.flatMap(({ settings }) => [settings.ServiceName, settings.ProxyServiceName]);
  // Swarm compares names case-insensitively.
  const folded = names.map((name) => name.toLowerCase());
  return names
    .filter((_, position) => folded.indexOf(folded[position]!) !== position)
    .map((name) =>
      settingsProblem(
        'Extensions',
        name,
        'is the name of two services',
        'Give each extension and proxy a unique name.',
      ),
    );
}

function settingsProblem(label: string, value: unknown, reason: string, remedy: string): Problem {
  const shown = typeof value === 'string' ? value : JSON.stringify(value);
  return { severity: 'error', label, value: shownValue(shown ?? ''), reason, remedy };
}

function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function tableOrEmpty(value: unknown): Table {
  return isTable(value) ? value : {};
}

function noTable(label: string, value: unknown): Problem[] {
  if (value === undefined || isTable(value)) return [];
  return [settingsProblem(label, value, 'is not a table', `Write [${label}], followed by its keys.`)];
}

function lowerKeys(table: Table): Record<string, unknown> {
  return Object.fromEntries(Object.entries(table).map(([name, value]) => [name.toLowerCase(), value]));
}
