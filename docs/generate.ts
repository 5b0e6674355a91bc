// npm run docs: writes the tables of labels, settings and commands into the documents, between their marks. A test compares.
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { flagsOf } from '../src/cli/command.ts';
import { commands } from '../src/cli/commands.ts';
import { exitCodeMeanings } from '../src/cli/io.ts';
import { operations } from '../src/controller/admin/operations.ts';
import { type Role, roleMeanings, roles } from '../src/model/access/roles.ts';
import { acmeKeys } from '../src/model/acme/keys.ts';
import { labelFamilies } from '../src/model/features/features.ts';
import { LABEL_PREFIX, type LabelDefinition } from '../src/model/labels/label.ts';
import { labels } from '../src/model/labels/labels.ts';
import { isProblemKind, type ProblemKind } from '../src/model/problem-kind.ts';
import { streamLabels } from '../src/model/route-labels/streams.ts';
import { coreKeys, extensionKeys, type KeyDefinition, nginxKeys, oidcKeys } from '../src/model/settings/keys.ts';
import { webhookKeys } from '../src/model/settings/webhooks.ts';

/** Sections of docs/labels.md. A label that is in none of them is in the last section. */
const labelGroups: Readonly<Record<string, readonly string[]>> = {
  Routing: [
    'hosts',
    'port',
    'network',
    'context_root',
    'paths',
    'context_root_rewrite',
    'match',
    'weight',
    'default_backend',
    'redirects',
    'canonical_host',
    'backend_path',
    'service_cluster',
    'policy',
    'backend_protocol',
    'websocket_endpoints',
  ],
  TLS: [
    'ssl_cert',
    'ssl_key',
    'acme',
    'ssl_only',
    'hsts',
    'ssl_protocols',
    'ssl_passthrough',
    'ssl_passthrough_proxy_protocol',
  ],
  'Client certificates': ['ssl_client_ca', 'ssl_client_crl', 'ssl_client_verify'],
  'TLS to the service': ['ssl_backend', 'ssl_backend_tls_verify', 'ssl_backend_ca', 'ssl_backend_name'],
  'TCP and UDP': Object.keys(streamLabels),
  Balancing: [
    'backend_mode',
    'balance',
    'max_connections',
    'retries',
    'max_fails',
    'fail_timeout',
    'fallback',
    'mirror',
    'mirror_percent',
    'ip_hash',
    'sticky_session_cookie',
    'sticky_cookie_secure',
    'sticky_cookie_samesite',
    'sticky_cookie_age',
    'sticky_cookie_domain',
  ],
  Access: ['allow', 'deny', 'rate_limit', 'connection_limit'],
  Maintenance: ['maintenance', 'maintenance_allow'],
  Headers: [
    'request_header.<Name>',
    'response_header.<Name>',
    'response_header_size',
    'security_headers',
    'upstream_host',
    'cookie_path',
  ],
  CORS: ['cors', 'cors_methods', 'cors_headers', 'cors_credentials', 'cors_max_age'],
  Responses: ['compress', 'error_pages', 'error_page_statuses'],
  'Limits and buffering': ['read_timeout', 'connect_timeout', 'max_body_size', 'buffering'],
  Logging: ['access_log'],
  'Other options': [],
};

/** The labels that most services use, for the README. */
const commonLabels = ['hosts', 'port', 'network', 'context_root', 'ssl_cert', 'ssl_key', 'ssl_only', 'redirects'];

const allLabels: readonly LabelDefinition[] = [...Object.values(labels), ...labelFamilies];

export function labelSections(): string {
  const grouped = new Set(Object.values(labelGroups).flat());
  const others = allLabels.filter(({ name }) => !grouped.has(name)).map(({ name }) => name);
  return Object.entries(labelGroups)
    .map(([title, names], index, groups) => ({ title, names: index < groups.length - 1 ? names : others }))
    .filter(({ names }) => names.length > 0)
    .map(({ title, names }) => `## ${title}\n\n${labelTable(names)}`)
    .join('\n\n');
}

function labelTable(names: readonly string[]): string {
  const rows = names
    .map(labelNamed)
    .map(
      ({ name, type, default: fallback, example, policy, description }) =>
        `| \`${LABEL_PREFIX}${name}\` | ${type} | ${code(fallback)} | ${code(example)} | ${policy} | ${description} |`,
    );
  return ['| label | type | default | example | policy | description |\n|---|---|---|---|---|---|', ...rows].join('\n');
}

export function shortLabelTable(): string {
  const rows = commonLabels.map(labelNamed).map(({ name, example, description }) => {
    const [firstSentence = ''] = /^.*?\.(?= |$)/.exec(description) ?? [];
    return `| \`${LABEL_PREFIX}${name}\` | ${code(example)} | ${firstSentence} |`;
  });
  return ['| label | example | meaning |\n|---|---|---|', ...rows].join('\n');
}

function labelNamed(name: string): LabelDefinition {
  const label = allLabels.find((one) => one.name === name);
  if (label === undefined) throw new Error(`There is no label ${name}`);
  return label;
}

export function settingsTable(definitions: Readonly<Record<string, KeyDefinition>>): string {
  const rows = Object.entries(definitions).map(
    ([name, { default: fallback, description }]) =>
      `| \`${name}\` | ${code(JSON.stringify(fallback))} | ${description} |`,
  );
  return ['| key | default | meaning |\n|---|---|---|', ...rows].join('\n');
}

export function commandList(): string {
  return commands
    .map(({ name, usage, summary, details, examples, options }) => {
      const rows = Object.entries(options).map(
        ([option, definition]) =>
          `| \`${flagsOf(option, definition).replaceAll('|', '\\|')}\` | ${definition.description} |`,
      );
      const paragraphs = [
        `## ${name}`,
        `\`${`signalbox ${name} ${usage}`.trim()}\``,
        [summary, details].join('\n').trim(),
        ['```sh', ...examples, '```'].join('\n'),
      ];
      return [...paragraphs, ['| option | meaning |\n|---|---|', ...rows].join('\n')].join('\n\n');
    })
    .join('\n\n');
}

export function exitCodeTable(): string {
  const rows = Object.entries(exitCodeMeanings).map(([code, meaning]) => `| ${code} | ${meaning} |`);
  return ['| exit code | meaning |\n|---|---|', ...rows].join('\n');
}

export function roleTable(): string {
  const rows = roles.map((role) => `| ${role} | ${roleMeanings[role]} | ${callsOf(role)} |`);
  return ['| role | may | calls of the API that it adds |\n|---|---|---|', ...rows].join('\n');
}

/** Those that require this very role. */
function callsOf(role: Role): string {
  return Object.entries(operations)
    .flatMap(([path, methods]) => Object.entries(methods).map(([method, { access }]) => ({ path, method, access })))
    .filter(({ access }) => access === role)
    .map(({ path, method }) => code(`${method.toUpperCase()} ${path}`))
    .join(', ');
}

const root = new URL('..', import.meta.url).pathname;

/** All kinds of problems, from the modules that define them. */
export async function problemKinds(): Promise<ProblemKind[]> {
  const paths = globSync('src/**/*.ts', { cwd: root }).filter((path) =>
    readFileSync(join(root, path), 'utf8').includes('= problemKind({'),
  );
  const modules = await Promise.all(paths.toSorted().map((path) => import(join(root, path)) as Promise<object>));
  const kinds = new Set(modules.flatMap((module) => Object.values(module).filter(isProblemKind)));
  return [...kinds].toSorted((a, b) => (a.definition.id < b.definition.id ? -1 : 1));
}

export function problemSections(kinds: readonly ProblemKind[]): string {
  return kinds
    .map((kind) => {
      const { id, severity, meaning, example, at } = kind.definition;
      const { reason, remedy } = kind(...example);
      const severities = new Intl.ListFormat('en', { type: 'disjunction' }).format([severity].flat());
      const subject = at === undefined ? '' : `\`${at}\` `;
      return [
        `## ${id}`,
        `**${severities[0]!.toUpperCase()}${severities.slice(1)}.** ${meaning}`,
        `> ${subject}${escaped(reason)}`,
        `Fix: ${escaped(remedy)}`,
      ].join('\n\n');
    })
    .join('\n\n');
}

function escaped(text: string): string {
  return text.replaceAll('<', '\\<').replaceAll('*', '\\*');
}

function code(text: string): string {
  if (text === '' || text === '""' || text === 'null') return '';
  return text.includes('`') ? text : `\`${text}\``;
}

const tables: Readonly<Record<string, string>> = {
  labels: labelSections(),
  'common-labels': shortLabelTable(),
  'settings-core': settingsTable(coreKeys),
  'settings-extensions': settingsTable(extensionKeys),
  commands: commandList(),
  'exit-codes': exitCodeTable(),
  'settings-nginx': settingsTable(nginxKeys),
  'settings-oidc': settingsTable(oidcKeys),
  'settings-acme': settingsTable(acmeKeys),
  'settings-webhooks': settingsTable(webhookKeys),
  roles: roleTable(),
  problems: problemSections(await problemKinds()),
};

/** The document with its tables as the code has them. */
export function withTables(document: string): string {
  return Object.entries(tables).reduce((text, [name, table]) => {
    const between = new RegExp(`(<!-- ${name} -->\n)[\\s\\S]*?(<!-- /${name} -->)`);
    return text.replace(between, (_, open: string, close: string) => `${open}${table}\n${close}`);
  }, document);
}

export const documents = [
  'README.md',
  'docs/labels.md',
  'docs/settings.md',
  'docs/cli.md',
  'docs/users.md',
  'docs/problems.md',
].map((path) => new URL(`../${path}`, import.meta.url).pathname);

if (import.meta.main) {
  for (const path of documents) writeFileSync(path, withTables(readFileSync(path, 'utf8')));
}
