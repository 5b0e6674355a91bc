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
} from './settings-keys.ts';

/** What an administrator has decided: the settings file, complete with defaults. */
export interface Settings {
  readonly core: CoreSettings;
  readonly clusters: readonly Cluster[];
}

/** One `[Extensions.<name>]` table: a service cluster with its extension and its proxies. */
export interface Cluster {
  /** Name of the table; names the cluster's objects. */
  readonly name: string;
  readonly settings: ExtensionSettings & Named;
  readonly nginx: NginxSettings;
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
const CLUSTER_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,30}$/;

/** `release` is the tag of the images that belong to this controller. */
export function parseSettings(document: Table, release: string): SettingsResult {
  const { extensions, ...coreTable } = lowerKeys(document);
  const core = readTable<CoreSettings>(coreTable, coreKeys, '');
  const tables = Object.entries(tableOrEmpty(extensions)).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const clusters = (tables.length > 0 ? tables : [['default', {}] as const]).map(([name, table]) =>
    parseCluster(name, table, release),
  );
  return {
    settings: { core: core.values, clusters: clusters.flatMap(({ cluster }) => cluster ?? []) },
    problems: [
      ...core.problems,
      ...noTable('Extensions', extensions),
      ...clusters.flatMap(({ problems }) => problems),
      ...duplicateNames(clusters.flatMap(({ cluster }) => cluster ?? [])),
    ],
  };
}

function parseCluster(name: string, table: unknown, release: string) {
  const path = `Extensions.${name}`;
  if (!CLUSTER_NAME.test(name) || !isTable(table)) {
    const reason = 'is not a table with a plain name';
    return { cluster: undefined, problems: [settingsProblem(path, '', reason, 'Name it as [Extensions.default].')] };
  }
  const { config, ...rest } = lowerKeys(table);
  const extension = readTable<ExtensionSettings>(rest, extensionKeys, `${path}.`);
  const nginx = readTable<NginxSettings>(lowerKeys(tableOrEmpty(config)), nginxKeys, `${path}.Config.`);
  const suffix = name === 'default' ? '' : `-${name}`;
  const { values } = extension;
  const images = { Image: `signalbox/extension:${release}`, ProxyImage: `signalbox/proxy:${release}` };
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
  const problems = [...extension.problems, ...noTable(`${path}.Config`, config), ...nginx.problems, ...replaced];
  return { cluster: { name, settings, nginx: nginx.values }, problems };
}

/** Images of Interlock, as every settings file of UCP names them, cannot do the work of ours: '' for those. */
function ownImage(image: string): string {
  return /^(?:.*\/)?(?:ucp-)?interlock-(?:extension|proxy)(?:-[a-z]+)?(?:[:@]|$)/.test(image) ? '' : image;
}

function imageReplaced(label: string, value: string, image: string): Problem {
  const reason = `is an image of Interlock, in place of which ${image} is used`;
  return { severity: 'notice', label, value: shownValue(value), reason, remedy: 'Leave the key out.' };
}

/** Reads the keys it knows; a bad one keeps its default and becomes a problem. */
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
    problems.push(settingsProblem(path + name, table[name], 'is not a key of the settings', remedy));
  }
  return { values: values as T, problems };
}

/** Two clusters must not fight for one service name. */
function duplicateNames(clusters: readonly Cluster[]): Problem[] {
  const names = clusters.flatMap(({ settings }) => [settings.ServiceName, settings.ProxyServiceName]);
  return names
    .filter((name, position) => names.indexOf(name) !== position)
    .map((name) =>
      settingsProblem('Extensions', name, 'names two services', 'Give every extension and proxy a name of its own.'),
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
  return [settingsProblem(label, value, 'is not a table', `Write [${label}], with keys below it.`)];
}

function lowerKeys(table: Table): Record<string, unknown> {
  return Object.fromEntries(Object.entries(table).map(([name, value]) => [name.toLowerCase(), value]));
}
