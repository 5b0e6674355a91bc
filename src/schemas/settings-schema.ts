import { acmeKeys } from '../model/acme/keys.ts';
import { labelFamilies } from '../model/features/features.ts';
import { beginningOf, type LabelDefinition } from '../model/labels/label.ts';
import { coreKeys, extensionKeys, nginxKeys, oidcKeys } from '../model/settings/keys.ts';
import { policyLabels } from '../model/settings/policies.ts';
import { webhookKeys } from '../model/settings/webhooks.ts';
import { type JsonSchema, labelSchema, tableSchema } from './json-schema.ts';

/** Of `config.toml`. */
export function settingsSchema(): JsonSchema {
  const extension = tableSchema(extensionKeys, 'A service cluster.', {
    Config: tableSchema(nginxKeys, 'nginx of the cluster.'),
    Defaults: labelTable('Labels of all services of the cluster that do not set them.'),
    Enforced: labelTable('Labels that services of the cluster cannot loosen.'),
  });
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Settings of Signalbox',
    ...tableSchema(coreKeys, 'Settings of Signalbox.', {
      Extensions: named('Service clusters by name.', extension),
      Hosts: named('Which stacks may claim which hosts.', listOf('string')),
      Lists: named('Addresses and networks, which labels write as `@<name>`.', listOf('string')),
      Policies: named('Labels by name of the policy.', labelTable('Labels of services with this policy.')),
      Acme: named('ACME servers by name.', tableSchema(acmeKeys, 'An ACME server.')),
      Oidc: tableSchema(oidcKeys, 'Sign-in with OpenID Connect.'),
      Webhooks: named('Receivers of problems by name.', tableSchema(webhookKeys, 'A receiver of problems.')),
    }),
  };
}

function named(description: string, additionalProperties: JsonSchema): JsonSchema {
  return { type: 'object', description, additionalProperties };
}

function listOf(type: string): JsonSchema {
  return { type: 'array', items: { type } };
}

function labelTable(description: string): JsonSchema {
  const own = policyLabels.map(([name, definition]) => [name, labelSchema(definition as LabelDefinition)]);
  const families = labelFamilies.map((family) => [
    beginningOf(family).slice(0, -1),
    named(family.description, labelSchema(family)),
  ]);
  return { type: 'object', description, properties: Object.fromEntries([...own, ...families]) };
}
