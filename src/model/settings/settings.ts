import { type Issuers, parseIssuers } from '../acme/issuers.ts';
import { type AcmeSettings, acmeKeys } from '../acme/keys.ts';
import type { HostRules } from '../host-ownership/rules.ts';
import type { Problem } from '../problem.ts';
import { type Cluster, type Images, LOCAL_REGISTRY, parseClusters } from './clusters.ts';
import { parseHosts } from './hosts.ts';
import { type CoreSettings, coreKeys, type OidcSettings, oidcKeys } from './keys.ts';
import { type Lists, parseLists } from './lists.ts';
import { type Policies, parsePolicies } from './policies.ts';
import { isTable, lowerKeys, noTable, readTable, settingsProblem, type Table, tableOrEmpty } from './table.ts';
import { parseWebhooks, type WebhookSettings } from './webhooks.ts';

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
  /** Receivers of problems. */
  readonly webhooks: readonly WebhookSettings[];
}

export interface SettingsResult {
  readonly settings: Settings;
  readonly problems: readonly Problem[];
}

/** A text is the release of local images. */
export function parseSettings(document: Table, own: string | Images): SettingsResult {
  const images = typeof own === 'string' ? { registry: LOCAL_REGISTRY, release: own } : own;
  const { acme, extensions, hosts, lists, policies, oidc, webhooks, ...coreTable } = lowerKeys(document);
  const core = readTable<CoreSettings>(coreTable, coreKeys, '');
  const listed = parseHosts(hosts);
  const ofLists = parseLists(tableOrEmpty(lists));
  const ofPolicies = parsePolicies(tableOrEmpty(policies));
  const ofAcme = parseIssuers(tableOrEmpty(acme), (table, path) =>
    readTable<AcmeSettings>(lowerKeys(table as Table), acmeKeys, path),
  );
  const signIn = parseOidc(oidc);
  const ofWebhooks = parseWebhooks(tableOrEmpty(webhooks));
  const ofClusters = parseClusters(extensions, images, core.values.RegistrySecret);
  return {
    settings: {
      core: core.values,
      clusters: ofClusters.clusters,
      hosts: { mode: core.values.HostsMode, patterns: listed.patterns },
      lists: ofLists.lists,
      policies: ofPolicies.policies,
      issuers: ofAcme.issuers,
      oidc: signIn.oidc,
      webhooks: ofWebhooks.webhooks,
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
      ...noTable('Webhooks', webhooks),
      ...ofWebhooks.problems,
      ...noTable('Extensions', extensions),
      ...ofClusters.problems,
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
export function controllerSecrets({
  core,
  oidc,
  webhooks,
}: Pick<Settings, 'core' | 'oidc' | 'webhooks'>): readonly string[] {
  const named = [
    ...[core.UsersSecret, core.RegistrySecret, oidc?.ClientSecret ?? '', oidc?.CA ?? ''],
    ...webhooks.flatMap(({ UrlSecret, SigningSecret }) => [UrlSecret, SigningSecret]),
  ];
  return [...new Set(named)].filter((name) => name !== '');
}
