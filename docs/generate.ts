import { readFileSync, writeFileSync } from 'node:fs';
import { flagsOf } from '../src/cli/command.ts';
import { commands } from '../src/cli/commands.ts';
import { exitCodeMeanings } from '../src/cli/io.ts';
import { operations } from '../src/controller/admin/openapi.ts';
import { labelFamilies } from '../src/model/features/features.ts';
import { LABEL_PREFIX } from '../src/model/label.ts';
import { labels } from '../src/model/labels.ts';
import { type Role, roleMeanings, roles } from '../src/model/roles.ts';
import { coreKeys, extensionKeys, type KeyDefinition, nginxKeys, oidcKeys } from '../src/model/settings-keys.ts';

/** Writes the tables of labels, settings and commands into the documents, between their marks: `npm run docs`. A test compares. */
export function labelTable(): string {
  const rows = [...Object.values(labels), ...labelFamilies].map(
    ({ name, type, default: fallback, example, policy, description }) =>
      `| \`${LABEL_PREFIX}${name}\` | ${type} | ${code(fallback)} | ${code(example)} | ${policy} | ${description} |`,
  );
  const head = '| label | value | default | example | if bad | meaning |\n|---|---|---|---|---|---|';
  return [head, ...rows].join('\n');
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

function code(text: string): string {
  return text === '' || text === '""' || text === 'null' ? '' : `\`${text}\``;
}

const tables: Readonly<Record<string, string>> = {
  labels: labelTable(),
  'settings-core': settingsTable(coreKeys),
  'settings-extensions': settingsTable(extensionKeys),
  commands: commandList(),
  'exit-codes': exitCodeTable(),
  'settings-nginx': settingsTable(nginxKeys),
  'settings-oidc': settingsTable(oidcKeys),
  roles: roleTable(),
};

/** The document with its tables as the code has them. */
export function withTables(document: string): string {
  return Object.entries(tables).reduce((text, [name, table]) => {
    const between = new RegExp(`(<!-- ${name} -->\n)[\\s\\S]*?(<!-- /${name} -->)`);
    return text.replace(between, (_, open: string, close: string) => `${open}${table}\n${close}`);
  }, document);
}

export const documents = ['README.md', 'docs/settings.md', 'docs/cli.md', 'docs/users.md'].map(
  (path) => new URL(`../${path}`, import.meta.url).pathname,
);

if (import.meta.main) {
  for (const path of documents) writeFileSync(path, withTables(readFileSync(path, 'utf8')));
}
