import { composeSchema } from '../schemas/compose-schema.ts';
import { settingsSchema } from '../schemas/settings-schema.ts';
import { defineCommand } from './command.ts';
import { exitCodes, UsageError, writeJson } from './io.ts';

const kinds = ['compose', 'settings'] as const;

export const schema = defineCommand({
  name: 'schema',
  usage: kinds.join('|'),
  words: kinds,
  summary: 'Print a JSON Schema for editors: of compose files with labels, or of the settings file.',
  details: `Editors with a YAML or TOML language server complete names and show descriptions with it. See the guide on editors and pipelines.
The schema of compose files includes that of the Compose Specification, which the editor reads from the internet.`,
  examples: ['signalbox schema compose > compose.schema.json', 'signalbox schema settings > settings.schema.json'],
  options: {
    'labels-only': { type: 'boolean', description: 'For compose files: without the Compose Specification.' },
  },
  async run(values, [kind, ...others], io) {
    if (others.length > 0 || !kinds.some((known) => known === kind))
      throw new UsageError(`Choose one of: ${kinds.join(', ')}.`);
    writeJson(
      io,
      kind === 'compose' ? composeSchema({ isComplete: values['labels-only'] !== true }) : settingsSchema(),
    );
    return exitCodes.done;
  },
});
