import { type Problem, shownValue } from '../problem.ts';
import { problemKind } from '../problem-kind.ts';
import { type ExtensionSettings, extensionKeys, type NginxSettings, nginxKeys } from './keys.ts';
import { type GivenLabels, parseGivenLabels } from './policies.ts';
import { withUsablePorts } from './stream-ports.ts';
import { isTable, lowerKeys, noTable, readTable, settingsProblem, tableOrEmpty } from './table.ts';

export const interlockImage = problemKind({
  id: 'setting-interlock-image',
  severity: 'notice',
  meaning: `The settings of UCP name an image of Interlock, which cannot replace one of Signalbox.`,
  reason: (image: string) => `is an Interlock image; ${image} is used instead`,
  remedy: 'Remove the key.',
  example: ['signalbox/proxy'],
  at: 'Extensions.default.ProxyImage',
});

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

/** Where the images are called as they are built. */
export const LOCAL_REGISTRY = 'signalbox';
const CLUSTER_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,30}$/;

/** The images that belong to a controller: `<registry>/proxy:<release>`. */
export interface Images {
  readonly registry: string;
  readonly release: string;
}

/** Parses `[Extensions]`. Without a table, there is one service cluster with all defaults. */
export function parseClusters(extensions: unknown, images: Images, registrySecret: string) {
  const tables = Object.entries(tableOrEmpty(extensions)).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const parsed = (tables.length > 0 ? tables : [['default', {}] as const]).map(([name, table]) =>
    parseCluster(name, table, images, registrySecret),
  );
  const usable = withUsablePorts(parsed.flatMap(({ cluster }) => cluster ?? []));
  const { clusters } = usable;
  const problems = parsed.flatMap((each) => each.problems);
  return { clusters, problems: [...problems, ...usable.problems, ...duplicateNames(clusters)] };
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
  return { ...interlockImage(image), label, value: shownValue(value) };
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
